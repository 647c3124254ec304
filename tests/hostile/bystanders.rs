//! The other clients: a steady stream of GETs while an attack goes on.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a client waits for its answer.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Clients at a time, and how often each asks.
const CLIENTS: u8 = 4;
const PERIOD: Duration = Duration::from_millis(5);

/// One GET, from the first try to connect to the last byte.
pub struct Get {
    pub begin: Instant,
    pub end: Instant,
    /// The page came in time and showed this client and no other.
    pub answered: bool,
    /// The connection was refused.
    pub refused: bool,
}

impl Get {
    pub fn elapsed(&self) -> Duration {
        self.end - self.begin
    }

    /// How many GETs were due while this one went unanswered: a client that waits asks less, and
    /// that must not make the service look better.
    pub fn unanswered(&self) -> usize {
        match self.elapsed().as_millis() / PERIOD.as_millis() {
            _ if self.answered => 0,
            due => usize::try_from(due).expect("few").max(1),
        }
    }
}

pub struct Bystanders {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Get>>>,
}

impl Bystanders {
    pub fn start(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |number| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let mut gets = Vec::new();
                while !stop.load(Relaxed) {
                    let token = format!("192.0.{number}.{}", gets.len() % 250);
                    gets.push(get(address, &token));
                    let elapsed = gets.last().map_or(PERIOD, Get::elapsed);
                    thread::sleep(PERIOD.saturating_sub(elapsed));
                }
                gets
            })
        };
        Self {
            clients: (0..CLIENTS).map(client).collect(),
            stop,
        }
    }

    /// Ends the stream and gives all GETs in the order of their ends.
    pub fn finish(self) -> Vec<Get> {
        self.stop.store(true, Relaxed);
        let mut gets: Vec<Get> = self
            .clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client ends"))
            .collect();
        gets.sort_by_key(|get| get.end);
        gets
    }
}

fn get(address: SocketAddr, token: &str) -> Get {
    let begin = Instant::now();
    let result = page(address, token, begin + PATIENCE);
    let end = Instant::now();
    Get {
        begin,
        end,
        refused: matches!(&result, Err(error) if error.kind() == ErrorKind::ConnectionRefused),
        answered: end - begin <= PATIENCE
            && result.is_ok_and(|page| {
                page.starts_with("HTTP/1.1 200 ")
                    && page.contains(&format!("green;\">{token}</span>"))
            }),
    }
}

fn page(address: SocketAddr, token: &str, deadline: Instant) -> std::io::Result<String> {
    let left = || match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut),
        left => Ok(left),
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    let request =
        format!("GET /bystander HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {token}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut page = Vec::new();
    let mut buffer = [0; 4096];
    while !page.ends_with(b"</html>") {
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => page.extend_from_slice(&buffer[..count]),
        }
    }
    String::from_utf8(page).map_err(|_| ErrorKind::InvalidData.into())
}
