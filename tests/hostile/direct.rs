//! What only a peer can do that reaches the port itself, past the load balancer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::support::heads::with_unordered_codings;
use crate::wire::{count_replies, linger, send, send_many};

/// How long the attacks last that send as fast as they can, and how much in bytes.
const BURST: Duration = Duration::from_secs(8);
const BURST_BYTES: usize = 2 << 30;

fn idle(address: SocketAddr, count: usize) -> Option<String> {
    let open = send_many(address, count, b"GET / HTTP/1.1\r\n");
    linger(2000);
    drop(open);
    None
}

pub fn idle_100(address: SocketAddr) -> Option<String> {
    idle(address, 100)
}

pub fn idle_800(address: SocketAddr) -> Option<String> {
    idle(address, 800)
}

pub fn idle_2000(address: SocketAddr) -> Option<String> {
    idle(address, 2000)
}

/// A request that is never dropped, with some of its body, which nobody ever reads.
fn hold_one(address: SocketAddr) -> Option<TcpStream> {
    let head = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000000000\r\n\r\n";
    send(address, format!("{head}{}", "x".repeat(3000)).as_bytes())
}

/// What waits forever on one connection must not count against clients that are slow.
pub fn held_beside_slow_clients(address: SocketAddr) -> Option<String> {
    let held = hold_one(address);
    linger(500);
    let mut halves = send_many(address, 20, b"GET / HTTP/1.1\r\n");
    let mut early = send_many(address, 20, b"");
    linger(300);
    for stream in &mut halves {
        let _ = stream.write_all(b"Host: test\r\n\r\n");
    }
    linger(700);
    for stream in &mut early {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    }
    linger(500);
    drop(held);
    let answered = [&mut halves, &mut early].map(|clients| count_replies(clients, " 200 "));
    (answered != [20, 20]).then(|| format!("{answered:?} of 20 were answered"))
}

/// Looking for starved connections must stay cheap, however many there are.
pub fn held_beside_idle(address: SocketAddr) -> Option<String> {
    let held = hold_one(address);
    let open = send_many(address, 2900, b"");
    linger(3000);
    drop((held, open));
    None
}

/// Pipelines far more answers than any buffer holds, and reads just enough of them that every worker
/// goes on.
pub fn trickle(address: SocketAddr) -> Option<String> {
    let quotes = "'".repeat(500);
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {quotes}\r\n\r\n");
    let mut stream = send(address, b"")?;
    let mut reader = stream.try_clone().ok()?;
    let writer = thread::spawn(move || {
        for _ in 0..24 {
            if stream.write_all(request.repeat(1000).as_bytes()).is_err() {
                break;
            }
        }
    });
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut buffer = vec![0; 1 << 21];
    while Instant::now() < deadline && reader.read_exact(&mut buffer).is_ok() {
        linger(600);
    }
    let _ = writer.join();
    None
}

/// A reset that mostly comes before the connection is accepted.
pub fn resets(address: SocketAddr) -> Option<String> {
    for _ in 0..500 {
        if let Some(stream) = send(address, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n") {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }
    linger(1000);
    None
}

/// Sends the same bytes over and over on `connections` connections, and reads nothing.
fn flood(address: SocketAddr, connections: usize, begin: &[u8], over_and_over: &[u8]) {
    let deadline = Instant::now() + BURST;
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let Some(mut stream) = send(address, begin) else {
                    return;
                };
                let mut left = BURST_BYTES / connections;
                while Instant::now() < deadline && stream.write_all(over_and_over).is_ok() {
                    left = left.saturating_sub(over_and_over.len());
                    if left == 0 {
                        break;
                    }
                }
            });
        }
    });
}

pub fn endless_line(address: SocketAddr) -> Option<String> {
    flood(
        address,
        2,
        b"GET / HTTP/1.1\r\nX: ",
        "x".repeat(65_536).as_bytes(),
    );
    None
}

pub fn pipelining(address: SocketAddr) -> Option<String> {
    let requests = "GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(1000);
    flood(address, 4, b"", requests.as_bytes());
    None
}

/// Other protocols, other versions, and noise.
pub fn nonsense(address: SocketAddr) -> Option<String> {
    let unordered = with_unordered_codings("Content-Length: 2000");
    let mut open = Vec::new();
    for bytes in [
        unordered.as_bytes(),
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
        b"POST / HTTP/2.0\r\nContent-Length: 1000000000000000\r\n\r\n",
        b"POST / HTTP/3.0\r\nTransfer-Encoding: chunked\r\n\r\nzz",
        b"GET /\r\n",
        b"POST / HTTP/0.9\r\nContent-Length: 1000000000000000\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 18446744073709551615\r\n\r\n",
        b"GET / HTTP/1.1\r\nExpect: something else\r\nContent-Length: 9\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b" / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc",
    ] {
        open.extend(send_many(address, 20, bytes));
    }
    linger(1000);
    drop(open);
    None
}

/// Enough requests for the log to fill every buffer on the way to its reader.
pub fn many_requests(address: SocketAddr) -> Option<String> {
    for _ in 0..3000 {
        drop(send(
            address,
            b"GET /a-path-that-is-long-enough-to-fill-the-pipe-soon HTTP/1.1\r\nHost: test\r\n\r\n",
        ));
    }
    linger(3000);
    None
}
