//! A client that sends at a constant rate, whether or not the server keeps up.
//!
//!     steady PORT CONNECTIONS REQUESTS_PER_SECOND SECONDS
//!
//! wrk sends the next request when the last one is answered, so a slow server is asked less. People
//! do not wait for each other. Here each request has a scheduled time, and its latency counts from
//! then: a pause shows in all requests that fall into it (coordinated omission). One line comes
//! out: requests, errors, p50 and p99 in microseconds.

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\
    X-Forwarded-For: 203.0.113.195\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n\r\n";

fn main() {
    let mut arguments = env::args()
        .skip(1)
        .map(|text| text.parse().expect("a number"));
    let mut next = || arguments.next().expect("PORT CONNECTIONS RATE SECONDS");
    let (port, connections, rate, seconds): (u64, u64, u64, u64) = (next(), next(), next(), next());
    let port = u16::try_from(port).expect("a port");
    let interval =
        Duration::from_secs(1) * u32::try_from(connections).expect("few") / rate_of(rate);
    let each = rate * seconds / connections;
    let start = Arc::new(Barrier::new(usize::try_from(connections).expect("few")));
    let threads: Vec<_> = (0..connections)
        .map(|number| {
            let start = Arc::clone(&start);
            // Spread evenly, so that the requests of all connections together are too.
            let offset = interval * u32::try_from(number).expect("few") / rate_of(connections);
            thread::spawn(move || {
                start.wait();
                run(port, each, offset, interval)
            })
        })
        .collect();
    let (mut latencies, mut errors) = (Vec::new(), 0);
    for thread in threads {
        let (some, failed) = thread.join().expect("no panic");
        latencies.extend(some);
        errors += failed;
    }
    latencies.sort_unstable();
    let percentile = |percent: usize| {
        let index = latencies.len() * percent / 100;
        latencies.get(index).map_or(0, Duration::as_micros)
    };
    println!(
        "{} {errors} {} {}",
        latencies.len(),
        percentile(50),
        percentile(99)
    );
}

fn rate_of(number: u64) -> u32 {
    u32::try_from(number).expect("a number that fits")
}

/// Sends `count` requests on one connection, reconnecting when the server closes it; the latencies
/// and the number of errors.
fn run(port: u16, count: u64, offset: Duration, interval: Duration) -> (Vec<Duration>, u64) {
    let begin = Instant::now() + offset;
    let (mut latencies, mut errors) = (Vec::new(), 0);
    let mut stream = None;
    for number in 0..count {
        let due = begin + interval * rate_of(number);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let connected = stream
            .take()
            .map_or_else(|| TcpStream::connect(("127.0.0.1", port)), Ok);
        match connected.and_then(exchange) {
            Ok((open, closes)) => {
                latencies.push(due.elapsed());
                stream = (!closes).then_some(open);
            }
            Err(_) => errors += 1,
        }
    }
    (latencies, errors)
}

/// One request and its response; whether the server closes the connection after it.
fn exchange(mut stream: TcpStream) -> std::io::Result<(TcpStream, bool)> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(REQUEST)?;
    let (mut response, mut buffer) = (Vec::with_capacity(2048), [0; 2048]);
    while !response.ends_with(b"</html>") {
        match stream.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => response.extend_from_slice(&buffer[..length]),
        }
    }
    let closes = response
        .windows(17)
        .any(|window| window == b"Connection: close");
    Ok((stream, closes))
}
