//! The table of attacks: what is sent, by how many, for how long, and where.

use std::fmt;
use std::net::SocketAddr;

use crate::attack::{Attack, Then};
use crate::program::Log;
use crate::{custom, smuggling};

/// Where an attack comes from.
#[derive(Clone, Copy, PartialEq)]
pub enum Reach {
    /// The internet, through the load balancer.
    Balancer,
    /// A peer that reaches the port itself.
    Direct,
}

pub struct Row {
    pub name: &'static str,
    pub reach: Reach,
    pub kind: Kind,
    /// The naive service must fail this row.
    pub fells_naive: bool,
    /// A command that executes the program within limits.
    pub wrapper: &'static [&'static str],
    pub log: Log,
}

pub enum Kind {
    Many(Attack),
    Custom(fn(SocketAddr) -> Option<String>),
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = match self.reach {
            Reach::Balancer => "LB",
            Reach::Direct => "direct",
        };
        write!(out, "{reach:6} {}", self.name)
    }
}

impl Row {
    fn new(reach: Reach, name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            reach,
            kind,
            fells_naive: false,
            wrapper: &[],
            log: Log::Somebody,
        }
    }

    fn fells_naive(mut self) -> Self {
        self.fells_naive = true;
        self
    }

    fn within(mut self, wrapper: &'static [&'static str]) -> Self {
        self.wrapper = wrapper;
        self
    }

    fn log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    fn many(mut self, change: impl FnOnce(&mut Attack)) -> Self {
        if let Kind::Many(attack) = &mut self.kind {
            change(attack);
        }
        self
    }

    fn answered(self, answer: &'static str) -> Self {
        self.many(|attack| attack.answer = answer)
    }

    fn then(self, then: Then) -> Self {
        self.many(|attack| attack.then = then)
    }

    fn seconds(self, seconds: u64) -> Self {
        self.many(|attack| attack.seconds = seconds)
    }
}

/// This many connections, so many of them a second, or as fast as possible; on each, one of these is sent.
fn many(connections: u32, a_second: u32, send: Vec<Vec<u8>>) -> Kind {
    Kind::Many(Attack {
        connections,
        a_second,
        send,
        then: Then::Hold,
        seconds: 2,
        answer: "",
    })
}

/// A request with these lines, `Host`, and an empty one.
fn head(lines: &str) -> Vec<u8> {
    format!("{lines}\r\nHost: test\r\n\r\n").into_bytes()
}

fn get(fields: &str) -> Vec<u8> {
    head(&format!("GET / HTTP/1.1{fields}"))
}

/// A page of this many bytes and more: five for each `&`, twice.
fn page(bytes: usize) -> Vec<u8> {
    get(&format!("\r\nX-Forwarded-For: {}", "&".repeat(bytes / 10)))
}

/// As much as the balancer lets through, which limits a line to 16 kB.
fn long(byte: &str, total: usize) -> Vec<u8> {
    let line = |_| format!("\r\nX-Forwarded-For: {}", byte.repeat(15_000 / byte.len()));
    get(&(0..total / 15_000).map(line).collect::<String>())
}

const BODY: &str = "POST / HTTP/1.1\r\nContent-Length: 1000000000000000";

const FEW: &[&str] = &["prlimit", "--nofile=256"];
const SOME: &[&str] = &["prlimit", "--nofile=1100"];

pub fn rows() -> Vec<Row> {
    [through_balancer(), direct(), at_the_cap()].into_iter().flatten().collect()
}

fn through_balancer() -> Vec<Row> {
    let row = |name, kind| Row::new(Reach::Balancer, name, kind);
    let declared = ["8000000000", "4611686018427387904", "9223372036854775807", "9000000000000"];
    let declare = |length| head(&format!("POST / HTTP/1.1\r\nContent-Length: {length}"));
    let mut lengths: Vec<_> = declared.map(declare).to_vec();
    lengths.push(head(BODY));
    let unfinished = [
        "Content-Length: 100000\r\n\r\nabc",
        "Content-Length: 1000\r\n\r\nabc",
        "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ];
    let begin = |rest| format!("POST / HTTP/1.1\r\nHost: test\r\n{rest}").into_bytes();
    let upgrade = get("\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    let methods = ["DELETE", "TRACE", "!#$%&'*+-.^_`|~"];
    let utf8 = get("\r\nCookie: gr\u{fc}n=\u{1f34f}\r\nX-Forwarded-For: S\u{e3}o Paulo");
    vec![
        row("nothing", many(0, 0, vec![])),
        row("declared: 10^15 bytes", many(100, 50, vec![head(BODY)])).answered(" 405 ").fells_naive(),
        row("declared: 8 GB to 2^63 bytes", many(100, 50, lengths)).answered(" 405 "),
        row("declared: 1,000 a second", many(100_000, 1000, vec![head(BODY)])).then(Then::Close),
        row("300 unfinished bodies", many(300, 300, unfinished.map(begin).to_vec()))
            .answered(" 405 ")
            .fells_naive(),
        row("smuggling", Kind::Custom(smuggling::through_balancer)).fells_naive(),
        row("60 kB of headers", many(200, 200, vec![long("x", 60_000)])).answered(" 200 "),
        row("1,900 empty fields", many(1000, 500, vec![get(&"\r\na:".repeat(1900))])).answered(" 431 "),
        row("bytes above 0x7f", many(400, 200, vec![utf8])).answered(" 200 "),
        row("odd methods", many(300, 200, methods.map(|method| head(&format!("{method} / HTTP/1.1"))).to_vec()))
            .answered(" 405 "),
        row("upgrades", many(300, 200, vec![upgrade])).answered(" 200 "),
        row("unknown expectations", many(100_000, 2000, vec![get("\r\nExpect: x")])).then(Then::Close),
        row("clients that leave early", many(100_000, 300, vec![get(""), page(150_000)])).then(Then::Close),
        row("pages of 150 kB, not read", many(300, 300, vec![page(150_000)])),
        row("a burst of 300 clients", many(300, 0, vec![get("")])).answered(" 200 "),
        row("2,000 idle clients", many(2000, 0, vec![get("")])).answered(" 200 "),
        row("slowhttptest: bodies", Kind::Custom(custom::slow_bodies)),
    ]
}

fn direct() -> Vec<Row> {
    let row = |name, kind| Row::new(Reach::Direct, name, kind);
    let partial = |bytes| [b"GET / HTTP/1.1\r\nX: ", "x".repeat(bytes).as_bytes()].concat();
    let endless = || "x".repeat(65_536).into_bytes();
    let hello = || vec![b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec()];
    let nonsense: Vec<Vec<u8>> = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
        b"GET / HTTP/2.0\r\nHost: test\r\n\r\n",
        b"GET /\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b" / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [\r\n\r\n",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    vec![
        row("8,000 idle connections", many(8000, 0, vec![vec![]])),
        row("19,000 unfinished heads of 79 kB", many(19_000, 0, vec![partial(79_000)])).seconds(6),
        row("19,000 unfinished heads, until 408", many(19_000, 0, vec![partial(0)])).seconds(12),
        row("500 heads, a byte at a time", many(500, 0, vec![vec![]])).then(Then::Repeat(b"G".to_vec())),
        row("an endless header line", many(2, 0, vec![partial(0)])).then(Then::Repeat(endless())),
        row("bodies without end", many(8, 0, vec![head(BODY)])).then(Then::Repeat(endless())),
        row("10,000 requests each, not read", many(50, 0, vec![get("").repeat(10_000)])),
        row("requests without end, not read", many(8, 0, vec![vec![]]))
            .then(Then::Repeat(get("").repeat(1000)))
            .fells_naive(),
        row("400 kB pages, 1 kB read a second", many(1000, 300, vec![page(600_000)]))
            .then(Then::Read(100))
            .seconds(4),
        row("pipelined pages, read in time", many(1, 0, vec![page(5000).repeat(20_000)]))
            .then(Then::Read(350_000))
            .seconds(4),
        row("80 kB heads above 0x7f", many(1000, 0, vec![long("\u{ff}", 75_000)])),
        row("TLS hellos", many(1_000_000, 0, hello())).then(Then::Close),
        row("nonsense", many(1000, 1000, nonsense)).answered("HTTP/1.1 "),
        row("connections without end", many(1_000_000, 0, vec![vec![]])).then(Then::Close),
        row("resets", many(1_000_000, 0, vec![get("")])).then(Then::Reset),
        row("ports in use again at once", Kind::Custom(custom::reused_ports)),
        row("smuggling, folds, bare LF", Kind::Custom(smuggling::straight)).fells_naive(),
        row("slowhttptest: heads", Kind::Custom(custom::slow_heads)),
        row("slowhttptest: bodies", Kind::Custom(custom::slow_bodies)),
        row("slowhttptest: reading", Kind::Custom(custom::slow_reading)),
        row("a log that nobody reads", many(1_000_000, 2000, vec![get("")])).then(Then::Close).log(Log::Nobody),
        row("a log that is read slowly", many(1_000_000, 2000, vec![get(""), head("POST / HTTP/1.1")]))
            .then(Then::Close)
            .log(Log::Slowly),
    ]
}

/// Of few descriptors, attackers take all.
fn at_the_cap() -> Vec<Row> {
    let row = |name, limit, kind| Row::new(Reach::Direct, name, kind).within(limit);
    let partial = || vec![b"GET / HTTP/1.1\r\n".to_vec()];
    vec![
        row("400 idle, 256 descriptors", FEW, many(400, 400, vec![vec![]])),
        row("400 partial heads, 256 descriptors", FEW, many(400, 400, partial())),
        row("400 unread pages, 256 descriptors", FEW, many(400, 400, vec![page(600_000)])),
        row("2,000 idle, 1,100 descriptors", SOME, many(2000, 1000, vec![get("")])).fells_naive(),
        row("2,000 partial heads, 1,100 descriptors", SOME, many(2000, 1000, partial())),
        row("a flood of heads, 1,100 descriptors", SOME, many(18_000, 0, partial())),
    ]
}
