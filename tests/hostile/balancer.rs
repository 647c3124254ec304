//! What anyone on the internet can send through the load balancer.
//!
//! Each attack gets the balancer's address, and may say what it found wrong itself.

use std::io::Write;
use std::net::SocketAddr;

use crate::wire::{count_replies, linger, paced, send, send_many};

pub type Attack = fn(SocketAddr) -> Option<String>;

const POST: &str = "POST / HTTP/1.1\r\nHost: test\r\n";

/// What the other rows are compared with.
pub fn nothing(_: SocketAddr) -> Option<String> {
    linger(1000);
    None
}

/// Declares a body of this length and sends none of it, alternately on POST and GET.
fn declared(address: SocketAddr, lengths: &[&str]) -> Option<String> {
    let mut open = Vec::new();
    paced(100, 50, |number| {
        let method = ["POST", "GET"][number as usize % 2];
        let length = lengths[number as usize % lengths.len()];
        let request =
            format!("{method} / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        open.extend(send(address, request.as_bytes()));
    });
    linger(300);
    // 405 or 413; the load balancer itself refuses a length that it cannot count with 400.
    let refused = count_replies(&mut open, "HTTP/1.1 4");
    (refused < 100).then(|| format!("{refused} of 100 were refused"))
}

pub fn ten_to_15(address: SocketAddr) -> Option<String> {
    declared(address, &["1000000000000000"])
}

/// An odd number of them, so that each comes with both methods.
pub fn other_lengths(address: SocketAddr) -> Option<String> {
    declared(
        address,
        &[
            "8000000000",
            "4611686018427387904",
            "9223372036854775807",
            "18446744073709551615",
            "9000000000000",
        ],
    )
}

/// Begins 300 bodies and ends none; `refused` unless tiny_http wants to see them first.
fn unfinished(address: SocketAddr, rest: &str, refused: bool) -> Option<String> {
    let mut open = send_many(address, 300, format!("{POST}{rest}").as_bytes());
    linger(1500);
    let expected = if refused { 300 } else { 0 };
    let count = count_replies(&mut open, " 405 ");
    (count < expected).then(|| format!("{count} of 300 were refused"))
}

pub fn unfinished_large(address: SocketAddr) -> Option<String> {
    unfinished(address, "Content-Length: 100000\r\n\r\nabc", true)
}

pub fn unfinished_small(address: SocketAddr) -> Option<String> {
    unfinished(address, "Content-Length: 1000\r\n\r\nabc", false)
}

/// One after the other, so that other clients' connections come in between.
pub fn unfinished_steadily(address: SocketAddr) -> Option<String> {
    unfinished_in_turn(address, "", 0)
}

/// As much as the balancer lets through is kept for each while its body is waited for.
pub fn unfinished_with_long_fields(address: SocketAddr) -> Option<String> {
    unfinished_in_turn(address, &most_fields(), 500)
}

fn unfinished_in_turn(address: SocketAddr, fields: &str, milliseconds: u64) -> Option<String> {
    let request = format!("{POST}{fields}Content-Length: 1000\r\n\r\nabc");
    let mut open = Vec::new();
    paced(300, 100, |_| open.extend(send(address, request.as_bytes())));
    linger(milliseconds);
    (open.len() < 300).then(|| format!("only {} of 300 connections", open.len()))
}

/// 60 kB of field lines: next to all that the balancer lets through.
fn most_fields() -> String {
    let field = |name| format!("X-{name}: {}\r\n", "x".repeat(15_000));
    (0..4).map(field).collect()
}

pub fn unfinished_chunked(address: SocketAddr) -> Option<String> {
    unfinished(
        address,
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        true,
    )
}

pub fn unfinished_expected(address: SocketAddr) -> Option<String> {
    unfinished(
        address,
        "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
        true,
    )
}

/// The same request many times; every answer has to have `status`.
fn repeated(address: SocketAddr, request: &str, status: &str) -> Option<String> {
    let mut open = Vec::new();
    paced(200, 200, |_| open.extend(send(address, request.as_bytes())));
    linger(300);
    let count = count_replies(&mut open, status);
    (count < 200).then(|| format!("{count} of 200 got{status}"))
}

pub fn long_fields(address: SocketAddr) -> Option<String> {
    let fields = most_fields();
    repeated(
        address,
        &format!("GET / HTTP/1.1\r\nHost: test\r\n{fields}\r\n"),
        " 200 ",
    )
}

pub fn many_fields(address: SocketAddr) -> Option<String> {
    let fields: Vec<String> = (0..1000).map(|name| format!("X-{name}: y\r\n")).collect();
    let fields = fields.concat();
    repeated(
        address,
        &format!("GET / HTTP/1.1\r\nHost: test\r\n{fields}\r\n"),
        " 200 ",
    )
}

/// tiny_http ends the connection. The balancer makes a 502 of it, or ends its own one.
pub fn not_ascii(address: SocketAddr) -> Option<String> {
    let request = "GET / HTTP/1.1\r\nHost: test\r\nCookie: gr\u{fc}n=\u{1f34f}\r\n\r\n";
    repeated(address, request, "").map(|_| "not taken".into())
}

pub fn odd_methods(address: SocketAddr) -> Option<String> {
    ["DELETE", "TRACE", "!#$%&'*+-.^_`|~"]
        .iter()
        .find_map(|method| {
            let request = format!("{method} / HTTP/1.1\r\nHost: test\r\n\r\n");
            repeated(address, &request, " 405 ")
        })
}

pub fn upgrades(address: SocketAddr) -> Option<String> {
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    repeated(
        address,
        &format!("GET / HTTP/1.1\r\nHost: test\r\n{fields}\r\n"),
        " 200 ",
    )
}

/// Half of them with a page to come that no socket buffer holds.
pub fn leaving_early(address: SocketAddr) -> Option<String> {
    let quotes = "'".repeat(15_000);
    paced(600, 300, |number| {
        let field = if number % 2 == 0 { "" } else { &quotes };
        let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {field}\r\n\r\n");
        drop(send(address, request.as_bytes()));
    });
    None
}

/// Pages of 100 kB and more that nobody reads.
pub fn never_reading(address: SocketAddr) -> Option<String> {
    let quotes = "'".repeat(16_000);
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {quotes}\r\n\r\n");
    let open = send_many(address, 300, request.as_bytes());
    linger(2000);
    drop(open);
    None
}

/// Clients that ask in the same moment, so that the balancer opens connections in a burst.
pub fn bursts(address: SocketAddr) -> Option<String> {
    let mut open = Vec::new();
    for count in [10, 40, 150] {
        let mut burst = send_many(address, count, b"GET / HTTP/1.1\r\nHost: test\r\n");
        for stream in &mut burst {
            let _ = stream.write_all(b"\r\n");
        }
        open.append(&mut burst);
        linger(1000);
    }
    let answered = count_replies(&mut open, " 200 ");
    (answered < 200).then(|| format!("{answered} of 200 were answered"))
}

pub fn idle(address: SocketAddr) -> Option<String> {
    let mut open = send_many(address, 2000, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    let count = open.len();
    linger(2000);
    let answered = count_replies(&mut open, " 200 ");
    (answered < 2000).then(|| format!("{answered} of {count} were answered"))
}

/// More requests that must never be dropped than the hold has places.
pub fn budget_spent(address: SocketAddr) -> Option<String> {
    let request = format!("{POST}Content-Length: 1000000000000000\r\n\r\n");
    let open = send_many(address, 700, request.as_bytes());
    linger(1000);
    drop(open);
    None
}
