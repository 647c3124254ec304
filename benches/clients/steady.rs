//! A client that sends at a constant rate, whether or not the server keeps up.
//!
//!     steady PORT CONNECTIONS REQUESTS_PER_SECOND SECONDS
//!
//! wrk sends the next request when the last one is answered, so a slow server is asked less. People
//! do not wait for each other. Here each request has a scheduled time, and its latency counts from
//! then: a pause shows in all requests that fall into it (coordinated omission). One line comes
//! out: p50 and p99 in microseconds.

use std::env;
use std::io::{self, Read, Write};
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
    let mut next = || -> u32 { arguments.next().expect("PORT CONNECTIONS RATE SECONDS") };
    let (port, connections, rate, seconds) = (next(), next(), next(), next());
    let port = u16::try_from(port).expect("a port");
    let interval = Duration::from_secs(1) * connections / rate;
    let each = rate * seconds / connections;
    let start = Arc::new(Barrier::new(usize::try_from(connections).expect("few")));
    let threads: Vec<_> = (0..connections)
        .map(|number| {
            let start = Arc::clone(&start);
            // Spread evenly, so that the requests of all connections together are too.
            let offset = interval * number / connections;
            thread::spawn(move || {
                let stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
                start.wait();
                run(stream, each, offset, interval).expect("an answer each time")
            })
        })
        .collect();
    let mut latencies: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().expect("no error"))
        .collect();
    latencies.sort_unstable();
    let percentile = |percent: usize| latencies[latencies.len() * percent / 100].as_micros();
    println!("{} {}", percentile(50), percentile(99));
}

/// Sends `count` requests; their latencies.
fn run(
    mut stream: TcpStream,
    count: u32,
    offset: Duration,
    interval: Duration,
) -> io::Result<Vec<Duration>> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let begin = Instant::now() + offset;
    (0..count)
        .map(|number| {
            let due = begin + interval * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            exchange(&mut stream)?;
            Ok(due.elapsed())
        })
        .collect()
}

/// One request and its response.
fn exchange(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(REQUEST)?;
    let (mut response, mut buffer) = (Vec::with_capacity(2048), [0; 2048]);
    while !response.ends_with(b"</html>") {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => response.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(())
}
