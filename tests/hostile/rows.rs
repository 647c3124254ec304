//! The table of attacks: what is sent, by how many, for how long, and where.

use std::net::SocketAddr;

use crate::attack::Then::{self, Close, Ends, Hold, Read, Repeat, Reset, Send};
use crate::attack::{Attack, Request};
use crate::program::Log;
use crate::requests::{self, BODY, HELLO, above_ascii, begun, declared, get, head, nonsense, odd};
use crate::requests::{only, page, partial, simple};
use crate::{custom, smuggling};

/// Where an attack comes from: the internet, through the load balancer, or a peer that reaches the
/// port itself.
pub const BALANCER: &str = "LB";
pub const DIRECT: &str = "direct";

pub struct Row {
    pub name: &'static str,
    pub reach: &'static str,
    pub kind: Kind,
    /// The naive service must fail this row.
    pub fells_naive: bool,
    /// Who reads the program's log.
    pub log: Log,
    /// How many descriptors the program may have, if that is limited.
    pub descriptors: Option<u32>,
}

pub enum Kind {
    Many(Attack),
    /// Returns what it found wrong.
    Custom(fn(SocketAddr) -> Option<String>),
}

impl Row {
    fn new(reach: &'static str, name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            reach,
            kind,
            fells_naive: false,
            log: Log::Somebody,
            descriptors: None,
        }
    }

    fn fells_naive(mut self) -> Self {
        self.fells_naive = true;
        self
    }

    fn log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    fn descriptors(mut self, count: u32) -> Self {
        self.descriptors = Some(count);
        self
    }

    fn seconds(mut self, seconds: u64) -> Self {
        if let Kind::Many(attack) = &mut self.kind {
            attack.seconds = seconds;
        }
        self
    }
}

/// As fast as possible, and for as long as the row lasts.
const AT_ONCE: usize = usize::MAX;
const ENDLESS: usize = usize::MAX;

/// An attack on so many connections, of which so many are opened in a second.
fn row(
    reach: &'static str,
    name: &'static str,
    (connections, a_second): (usize, usize),
    send: Vec<Request>,
    then: Then,
) -> Row {
    let attack = Attack {
        connections,
        a_second,
        send,
        then,
        seconds: 2,
    };
    Row::new(reach, name, Kind::Many(attack))
}

pub fn rows() -> Vec<Row> {
    let mut rows = through_balancer();
    rows.extend(direct());
    rows.extend(at_the_cap());
    rows
}

#[rustfmt::skip] // a row a line
fn through_balancer() -> Vec<Row> {
    let row = |name, rate, send, then| row(BALANCER, name, rate, send, then);
    let custom = |name, attack| Row::new(BALANCER, name, Kind::Custom(attack));
    let expect = || only(get("Expect: x"));
    let leaving = vec![(simple(), ""), (page(150_000), "")];
    let answered = || vec![(simple(), " 200 ")];
    let long = vec![(requests::long(), " 200 ")];
    vec![
        row("nothing", (0, AT_ONCE), vec![], Hold),
        row("bodies declared, up to 2^63 bytes", (100, 100), declared(), Hold).fells_naive(),
        row("bodies declared, 1,000 a second", (ENDLESS, 1000), only(head(BODY)), Close),
        row("300 bodies begun", (300, 300), begun(), Hold).fells_naive(),
        row("odd requests, 200 a second", (300, 200), odd(), Hold),
        row("Expect: x, 2,000 a second", (ENDLESS, 2000), expect(), Close),
        row("60 kB of fields, 200 a second", (300, 200), long, Hold),
        row("clients that leave early", (ENDLESS, 500), leaving, Close),
        row("pages of 150 kB, not read", (600, 400), only(page(150_000)), Hold),
        row("a burst of 300 clients", (300, AT_ONCE), answered(), Hold),
        row("2,000 idle clients", (2000, AT_ONCE), answered(), Hold),
        custom("smuggling", smuggling::through_balancer),
        custom("slowhttptest: bodies", custom::slow_bodies),
    ]
}

#[rustfmt::skip] // a row a line
fn direct() -> Vec<Row> {
    let row = |name, rate, send, then| row(DIRECT, name, rate, send, then);
    let custom = |name, attack| Row::new(DIRECT, name, Kind::Custom(attack));
    let x = |count| "x".repeat(count).into_bytes();
    let pipelined = |count| simple().repeat(count);
    let begun = |count| only(partial(count));
    let late = [vec![(partial(0), " 408 "); 8], vec![(pipelined(300), " 200 "), (head(BODY), " 405 ")]];
    let logged = || vec![(simple(), ""), (head(BODY), "")];
    vec![
        row("8,000 idle connections", (8000, 5000), only(""), Hold),
        row("19,000 unfinished heads of 79 kB", (19_000, AT_ONCE), begun(79_000), Hold).seconds(6),
        row("10,000 connections that time out", (10_000, 5000), late.concat(), Ends).seconds(14),
        row("500 heads, a byte at a time", (500, AT_ONCE), only(""), Repeat(x(1))),
        row("4,000 heads, 10 bytes a second", (4000, AT_ONCE), only(""), Send(b"x")),
        row("500 heads that grow to 80 kB", (500, AT_ONCE), begun(0), Repeat(x(2000))),
        row("1,000 heads of 75 kB above 0x7f", (1000, AT_ONCE), only(above_ascii()), Hold),
        row("bodies without end", (8, AT_ONCE), only(head(BODY)), Repeat(x(65_536))),
        row("10,000 requests each, not read", (50, AT_ONCE), only(pipelined(10_000)), Hold),
        row("requests without end, not read", (8, AT_ONCE), only(""), Repeat(pipelined(1000))).fells_naive(),
        row("pages of 600 kB, 1 kB a second", (1000, 400), only(page(600_000)), Read(100)).seconds(3),
        row("pipelined pages, read in time", (1, AT_ONCE), only(page(5000).repeat(20_000)), Read(350_000)),
        row("10,000 TLS hellos a second", (ENDLESS, 10_000), only(HELLO), Close),
        row("10,000 connections a second", (ENDLESS, 10_000), only(""), Close),
        row("10,000 resets a second", (ENDLESS, 10_000), only(simple()), Reset),
        row("nonsense", (1000, 600), nonsense(), Hold),
        row("a log that nobody reads", (ENDLESS, 2000), logged(), Close).log(Log::Nobody),
        row("a log that is read slowly", (ENDLESS, 2000), logged(), Close).log(Log::Slowly),
        custom("ports in use again at once", custom::reused_ports),
        custom("smuggling, folds, bare LF", smuggling::straight).fells_naive(),
        custom("slowhttptest: heads", custom::slow_heads),
        custom("slowhttptest: reading", custom::slow_reading),
    ]
}

/// Attackers take all descriptors that there are for connections.
#[rustfmt::skip] // a row a line
fn at_the_cap() -> Vec<Row> {
    let row = |name, rate, send: Vec<u8>, descriptors| {
        row(DIRECT, name, rate, only(send), Hold).descriptors(descriptors)
    };
    vec![
        row("256 descriptors, 400 idle", (400, 300), vec![], 256),
        row("256 descriptors, 400 partial heads", (400, 300), partial(0), 256),
        row("256 descriptors, 400 unread pages", (400, 300), page(600_000), 256),
        row("1,100 descriptors, 2,000 idle", (2000, AT_ONCE), simple(), 1100).fells_naive(),
        row("1,100 descriptors, 2,000 heads", (2000, AT_ONCE), partial(0), 1100),
        row("1,100 descriptors, a flood of heads", (18_000, 8000), partial(0), 1100),
    ]
}
