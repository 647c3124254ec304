//! The other clients: GETs at a fixed rate while an attack goes on.
//!
//! Every GET is due at a time that does not depend on the one before, and its latency counts from
//! then: clients that have to wait do not ask less (no coordinated omission).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Stack of a client's thread, in bytes.
const STACK: usize = 64 * 1024;

/// Who asks.
#[derive(Clone, Copy, PartialEq)]
pub enum Crowd {
    /// 400 GETs a second, whatever becomes of those before. Half open a connection, half use one
    /// that another GET has left open.
    Many,
    /// One client, who opens a connection for each of 200 GETs a second, one after the other. So
    /// hardly any connection ends while it waits.
    Lone,
}

/// One GET, from when it was due to the last byte.
pub struct Get {
    pub due: Instant,
    pub end: Instant,
    /// The page came, and showed this client and no other.
    pub answered: bool,
    /// The connection was refused.
    pub refused: bool,
}

impl Get {
    pub fn latency(&self) -> Duration {
        self.end - self.due
    }
}

pub struct Bystanders {
    stop: Arc<AtomicBool>,
    schedule: JoinHandle<Vec<Get>>,
}

impl Bystanders {
    pub fn start(crowd: Crowd, address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let schedule = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || match crowd {
                Crowd::Many => many(address, &stop),
                Crowd::Lone => lone(address, &stop),
            })
        };
        Self { stop, schedule }
    }

    /// Waits for the last answers and returns all GETs in the order of their ends.
    pub fn finish(self) -> Vec<Get> {
        self.stop.store(true, Relaxed);
        let mut gets = self.schedule.join().expect("the schedule ends");
        gets.sort_by_key(|get| get.end);
        gets
    }
}

/// The times at which GETs are due, until `stop`.
fn due(period: Duration, stop: &AtomicBool) -> impl Iterator<Item = (u32, Instant)> {
    let begin = Instant::now();
    (0..)
        .map(move |number| (number, begin + period * number))
        .inspect(|(_, due)| thread::sleep(due.saturating_duration_since(Instant::now())))
        .take_while(|_| !stop.load(Relaxed))
}

fn many(address: SocketAddr, stop: &AtomicBool) -> Vec<Get> {
    let idle = Arc::new(Mutex::new(Vec::new()));
    let client = |(number, due)| {
        let idle = (number % 2 == 0).then(|| Arc::clone(&idle));
        let client = thread::Builder::new().stack_size(STACK);
        let client = client.spawn(move || get(address, number, due, idle.as_deref()));
        client.expect("a thread")
    };
    let clients: Vec<_> = due(Duration::from_micros(2500), stop).map(client).collect();
    let clients = clients.into_iter().map(JoinHandle::join);
    clients.map(|get| get.expect("a client ends")).collect()
}

fn lone(address: SocketAddr, stop: &AtomicBool) -> Vec<Get> {
    due(Duration::from_millis(5), stop)
        .map(|(number, due)| get(address, number, due, None))
        .collect()
}

/// Connections that are open between two GETs.
type Idle = Mutex<Vec<TcpStream>>;

fn get(address: SocketAddr, number: u32, due: Instant, idle: Option<&Idle>) -> Get {
    let token = format!("192.0.{}.{}", number / 250 % 250, number % 250);
    let result = page(address, &token, due + PATIENCE, idle);
    Get {
        due,
        end: Instant::now(),
        refused: matches!(&result, Err(error) if error.kind() == ErrorKind::ConnectionRefused),
        answered: result.is_ok_and(|page| {
            page.starts_with("HTTP/1.1 200 ") && page.contains(&format!("green;\">{token}</span>"))
        }),
    }
}

fn page(
    address: SocketAddr,
    token: &str,
    deadline: Instant,
    idle: Option<&Idle>,
) -> std::io::Result<String> {
    let connections = || idle.map(|idle| idle.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(mut stream) = connections().and_then(|mut idle| idle.pop()) {
        // One that ended before a byte of the answer came is tried anew (RFC 9110, section 9.2.2).
        match ask(&mut stream, token, deadline) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            result => return result.inspect(|page| keep(page, stream, idle)),
        }
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let mut stream = TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1)))?;
    ask(&mut stream, token, deadline).inspect(|page| keep(page, stream, idle))
}

fn keep(page: &str, stream: TcpStream, idle: Option<&Idle>) {
    let closes = page.to_ascii_lowercase().contains("connection: close");
    if let Some(idle) = idle.filter(|_| !closes) {
        idle.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(stream);
    }
}

/// Sends the GET and reads the page. `ConnectionReset` means that the connection ended before a byte
/// of the answer came.
fn ask(stream: &mut TcpStream, token: &str, deadline: Instant) -> std::io::Result<String> {
    let request =
        format!("GET /bystander HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {token}\r\n\r\n");
    let mut page = Vec::new();
    let mut buffer = [0; 4096];
    stream
        .write_all(request.as_bytes())
        .map_err(|_| ErrorKind::ConnectionReset)?;
    while !page.ends_with(b"</html>") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) if page.is_empty() => return Err(ErrorKind::ConnectionReset.into()),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => page.extend_from_slice(&buffer[..count]),
            Err(error) => return Err(error),
        }
    }
    String::from_utf8(page).map_err(|_| ErrorKind::InvalidData.into())
}
