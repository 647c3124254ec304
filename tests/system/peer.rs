//! A peer that reaches the port itself, good and bad; tests/system/run.sh runs it in the guest's network.
//!
//!   peer ask CLIENTS UNTIL ADDRESS    requests, each on a new connection, until the file UNTIL exists
//!   peer hold COUNT SECONDS ADDRESS   connections that say nothing
//!
//! Everything ends after a minute at the latest. A connection that fails is what is looked for, not an error.

use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a number");
    let seconds = |text: &str| Duration::from_secs(text.parse().expect("seconds")).min(LONGEST);
    let address = arguments.last().and_then(|text| text.parse().ok());
    let address: SocketAddr = address.expect("the last argument is an address");
    match arguments[..] {
        ["ask", clients, until, _] => ask(number(clients), Path::new(until), address),
        ["hold", count, time, _] => hold(number(count), seconds(time), address),
        _ => panic!("unknown arguments {arguments:?}"),
    }
}

/// What became of requests.
#[derive(Default)]
struct Tally {
    answered: u32,
    other_status: u32,
    refused: u32,
    cut: u32,
    slowest: Duration,
}

fn ask(clients: usize, until: &Path, address: SocketAddr) {
    let end = Instant::now() + LONGEST;
    let client = || {
        let mut tally = Tally::default();
        while !until.exists() && Instant::now() < end {
            let begin = Instant::now();
            match request(address) {
                Ok(answer)
                    if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("</html>") =>
                {
                    tally.answered += 1;
                    tally.slowest = tally.slowest.max(begin.elapsed());
                }
                Ok(answer) if answer.ends_with("</html>") || answer.starts_with("HTTP/1.1 5") => {
                    tally.other_status += 1;
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => tally.refused += 1,
                Ok(_) | Err(_) => tally.cut += 1,
            }
        }
        tally
    };
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let tallies = threads.into_iter().map(thread::ScopedJoinHandle::join);
        tallies.map(|tally| tally.expect("no panic")).collect()
    });
    let sum = |count: fn(&Tally) -> u32| tallies.iter().map(count).sum::<u32>();
    let slowest = tallies.iter().map(|tally| tally.slowest).max();
    println!(
        "answered={} refused={} cut={} other={} slowest_ms={}",
        sum(|tally| tally.answered),
        sum(|tally| tally.refused),
        sum(|tally| tally.cut),
        sum(|tally| tally.other_status),
        slowest.unwrap_or_default().as_millis(),
    );
}

fn request(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map(|_| answer)
}

fn hold(count: usize, time: Duration, address: SocketAddr) {
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok();
    let _open: Vec<TcpStream> = (0..count).filter_map(connect).collect();
    thread::sleep(time);
}
