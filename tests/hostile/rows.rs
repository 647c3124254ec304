//! The table of attacks: what is sent, by how many, for how long, and where.

use std::fmt;
use std::net::SocketAddr;

use crate::attack::Then::{self, Close, Hold, Read, Repeat, Reset, Send};
use crate::attack::{Attack, Request};
use crate::program::Log;
use crate::requests::{self, BODY, HELLO, above_ascii, begun, declared, get, head, nonsense, odd};
use crate::requests::{only, page, partial, simple};
use crate::{custom, smuggling};
use Reach::{Balancer, Direct};

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

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = match self.reach {
            Balancer => "LB",
            Direct => "direct",
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

    fn ended(mut self) -> Self {
        if let Kind::Many(attack) = &mut self.kind {
            attack.ended = true;
        }
        self
    }

    fn seconds(mut self, seconds: u64) -> Self {
        if let Kind::Many(attack) = &mut self.kind {
            attack.seconds = seconds;
        }
        self
    }
}

/// Connections: how many, and how many of them are opened in a second.
struct Rate(usize, usize);

fn many(connections: usize, a_second: usize) -> Rate {
    Rate(connections, a_second)
}

fn at_once(connections: usize) -> Rate {
    Rate(connections, usize::MAX)
}

/// For as long as the row lasts.
fn endless(a_second: usize) -> Rate {
    Rate(usize::MAX, a_second)
}

fn row(
    reach: Reach,
    name: &'static str,
    Rate(connections, a_second): Rate,
    send: Vec<Request>,
    then: Then,
) -> Row {
    let attack = Attack {
        connections,
        a_second,
        send,
        then,
        seconds: 2,
        ended: false,
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
    let row = |name, rate, send, then| row(Balancer, name, rate, send, then);
    let custom = |name, attack| Row::new(Balancer, name, Kind::Custom(attack));
    let expect = || only(get("Expect: x"));
    let leaving = vec![(simple(), ""), (page(150_000), "")];
    let answered = || vec![(simple(), " 200 ")];
    let long = vec![(requests::long(), " 200 ")];
    vec![
        row("nothing", at_once(0), vec![], Hold),
        row("bodies declared, up to 2^63 bytes", many(100, 100), declared(), Hold).fells_naive(),
        row("bodies declared, 1,000 a second", endless(1000), only(head(BODY)), Close),
        row("300 bodies begun", many(300, 300), begun(), Hold).fells_naive(),
        row("odd requests, 200 a second", many(300, 200), odd(), Hold),
        row("Expect: x, 2,000 a second", endless(2000), expect(), Close),
        row("60 kB of fields, 200 a second", many(300, 200), long, Hold),
        row("clients that leave early", endless(500), leaving, Close),
        row("pages of 150 kB, not read", many(600, 400), only(page(150_000)), Hold),
        row("a burst of 300 clients", at_once(300), answered(), Hold),
        row("2,000 idle clients", at_once(2000), answered(), Hold),
        custom("smuggling", smuggling::through_balancer),
        custom("slowhttptest: bodies", custom::slow_bodies),
    ]
}

#[rustfmt::skip] // a row a line
fn direct() -> Vec<Row> {
    let row = |name, rate, send, then| row(Direct, name, rate, send, then);
    let custom = |name, attack| Row::new(Direct, name, Kind::Custom(attack));
    let x = |count| "x".repeat(count).into_bytes();
    let pipelined = |count| simple().repeat(count);
    let begun = |count| only(partial(count));
    let late = [vec![(partial(0), " 408 "); 8], vec![(pipelined(300), " 200 "), (head(BODY), " 405 ")]];
    let logged = || vec![(simple(), ""), (head(BODY), "")];
    vec![
        row("8,000 idle connections", many(8000, 5000), only(""), Hold),
        row("19,000 unfinished heads of 79 kB", at_once(19_000), begun(79_000), Hold).seconds(6),
        row("10,000 connections that time out", many(10_000, 5000), late.concat(), Hold).seconds(14).ended(),
        row("500 heads, a byte at a time", at_once(500), only(""), Repeat(x(1))),
        row("4,000 heads, 10 bytes a second", at_once(4000), only(""), Send(b"x")),
        row("500 heads that grow to 80 kB", at_once(500), begun(0), Repeat(x(2000))),
        row("1,000 heads of 75 kB above 0x7f", at_once(1000), only(above_ascii()), Hold),
        row("bodies without end", at_once(8), only(head(BODY)), Repeat(x(65_536))),
        row("10,000 requests each, not read", at_once(50), only(pipelined(10_000)), Hold),
        row("requests without end, not read", at_once(8), only(""), Repeat(pipelined(1000))).fells_naive(),
        row("pages of 600 kB, 1 kB a second", many(1000, 400), only(page(600_000)), Read(100)).seconds(3),
        row("pipelined pages, read in time", at_once(1), only(page(5000).repeat(20_000)), Read(350_000)),
        row("10,000 TLS hellos a second", endless(10_000), only(HELLO), Close),
        row("10,000 connections a second", endless(10_000), only(""), Close),
        row("10,000 resets a second", endless(10_000), only(simple()), Reset),
        row("nonsense", many(1000, 600), nonsense(), Hold),
        row("a log that nobody reads", endless(2000), logged(), Close).log(Log::Nobody),
        row("a log that is read slowly", endless(2000), logged(), Close).log(Log::Slowly),
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
        row(Direct, name, rate, only(send), Hold).descriptors(descriptors)
    };
    vec![
        row("256 descriptors, 400 idle", many(400, 300), vec![], 256),
        row("256 descriptors, 400 partial heads", many(400, 300), partial(0), 256),
        row("256 descriptors, 400 unread pages", many(400, 300), page(600_000), 256),
        row("1,100 descriptors, 2,000 idle", at_once(2000), simple(), 1100).fells_naive(),
        row("1,100 descriptors, 2,000 heads", at_once(2000), partial(0), 1100),
        row("1,100 descriptors, a flood of heads", many(18_000, 8000), partial(0), 1100),
    ]
}
