//! What anyone on the internet can send through the load balancer.
//!
//! Each attack gets the balancer's address, and may say what it found wrong itself.

use std::net::{SocketAddr, TcpStream};

use crate::wire::{linger, paced, reply, send, send_many};

pub type Attack = fn(SocketAddr) -> Option<String>;

const POST: &str = "POST / HTTP/1.1\r\nHost: test\r\n";

/// Declares a body of this length and sends none of it, alternately on POST and GET.
fn declared(address: SocketAddr, length: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut wrong = 0;
    paced(150, 50, |number| {
        let (method, status) = [("POST", "405"), ("GET", "413")][number as usize % 2];
        let request = format!("{method} / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        open.push(send(address, request.as_bytes()).map(|mut stream| {
            let reply = reply(&mut stream);
            // The load balancer may have refused a length that it cannot count.
            wrong += u32::from(!reply.contains(status) && !reply.contains(" 400 "));
            stream
        }));
    });
    (wrong > 0).then(|| format!("{wrong} of 150 were not refused"))
}

pub fn ten_to_15(address: SocketAddr) -> Option<String> {
    declared(address, "1000000000000000")
}

pub fn two_to_62(address: SocketAddr) -> Option<String> {
    declared(address, "4611686018427387904")
}

pub fn two_to_63_less_1(address: SocketAddr) -> Option<String> {
    declared(address, "9223372036854775807")
}

pub fn two_to_64_less_1(address: SocketAddr) -> Option<String> {
    declared(address, "18446744073709551615")
}

pub fn eight_gigabytes(address: SocketAddr) -> Option<String> {
    declared(address, "8000000000")
}

/// Begins 300 bodies and ends none; `refused` unless tiny_http wants to see them first.
fn unfinished(address: SocketAddr, rest: &str, refused: bool) -> Option<String> {
    let request = format!("{POST}{rest}");
    let mut open = send_many(address, 300, request.as_bytes());
    linger(1);
    let answered = |stream: &mut TcpStream| reply(stream).contains(" 405 ");
    let wrong = open
        .iter_mut()
        .filter_map(|stream| (refused && !answered(stream)).then_some(()))
        .count();
    linger(2);
    if open.len() < 300 {
        return Some(format!("only {} of 300 connections", open.len()));
    }
    (wrong > 0).then(|| format!("{wrong} of 300 were not refused"))
}

pub fn unfinished_large(address: SocketAddr) -> Option<String> {
    unfinished(address, "Content-Length: 100000\r\n\r\nabc", true)
}

pub fn unfinished_small(address: SocketAddr) -> Option<String> {
    unfinished(address, "Content-Length: 1000\r\n\r\nabc", false)
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

/// A request with field lines, sent often; `status` is what it has to get.
fn repeated(address: SocketAddr, request: &str, status: &str) -> Option<String> {
    let mut wrong = 0;
    paced(300, 150, |_| {
        let reply = send(address, request.as_bytes()).map(|mut stream| reply(&mut stream));
        wrong += u32::from(!reply.is_some_and(|reply| reply.contains(status)));
    });
    (wrong > 0).then(|| format!("{wrong} of 300 got no{status}"))
}

pub fn long_fields(address: SocketAddr) -> Option<String> {
    let field = |name| format!("X-{name}: {}\r\n", "x".repeat(15_000));
    let fields: String = (0..4).map(field).collect();
    repeated(address, &format!("GET / HTTP/1.1\r\nHost: test\r\n{fields}\r\n"), " 200 ")
}

pub fn many_fields(address: SocketAddr) -> Option<String> {
    let fields: String = (0..1000).map(|name| format!("X-{name}: y\r\n")).collect();
    repeated(address, &format!("GET / HTTP/1.1\r\nHost: test\r\n{fields}\r\n"), " 200 ")
}

/// tiny_http ends the connection, of which the balancer makes a 502.
pub fn not_ascii(address: SocketAddr) -> Option<String> {
    let request = "GET / HTTP/1.1\r\nHost: test\r\nCookie: gr\u{fc}n=\u{1f34f}\r\n\r\n";
    repeated(address, request, " 502 ")
}

pub fn odd_methods(address: SocketAddr) -> Option<String> {
    ["DELETE", "OPTIONS", "TRACE", "PROPFIND", "!#$%&'*+-.^_`|~"]
        .iter()
        .find_map(|method| {
            let mut wrong = 0;
            let request = format!("{method} / HTTP/1.1\r\nHost: test\r\n\r\n");
            paced(100, 200, |_| {
                let reply = send(address, request.as_bytes()).map(|mut stream| reply(&mut stream));
                wrong += u32::from(!reply.is_some_and(|reply| reply.contains(" 405 ")));
            });
            (wrong > 0).then(|| format!("{wrong} of 100 {method} got no 405"))
        })
}

pub fn upgrades(address: SocketAddr) -> Option<String> {
    let fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    repeated(address, &format!("GET / HTTP/1.1\r\nHost: test\r\n{fields}\r\n"), " 200 ")
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
    linger(2);
    drop(open);
    None
}

pub fn idle(address: SocketAddr) -> Option<String> {
    let mut open = send_many(address, 2000, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    let count = open.len();
    let answered = open
        .iter_mut()
        .filter(|stream| stream.peek(&mut [0]).is_ok_and(|count| count > 0))
        .count();
    linger(2);
    (answered < 2000).then(|| format!("{answered} of {count} were answered"))
}

/// More requests that must never be dropped than the hold has places.
pub fn budget_spent(address: SocketAddr) -> Option<String> {
    let request = format!("{POST}Content-Length: 1000000000000000\r\n\r\n");
    let open = send_many(address, 700, request.as_bytes());
    linger(1);
    drop(open);
    None
}
