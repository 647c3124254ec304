//! The honest clients: 400 GETs a second while an attack goes on.
//!
//! Every GET is due at a time that does not depend on the one before, and its latency counts from
//! then: clients that have to wait do not ask less (no coordinated omission).

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Time between two GETs.
const PERIOD: Duration = Duration::from_micros(2500);

/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Stack of a client's thread, in bytes.
const STACK: usize = 64 * 1024;

/// One GET.
pub struct Get {
    /// From when it was due to the last byte.
    pub latency: Duration,
    /// Whether the answer was the page for this client; `None` if there was none.
    pub is_right: Option<bool>,
}

pub struct Bystanders {
    stop: Arc<AtomicBool>,
    schedule: JoinHandle<Vec<Get>>,
}

impl Bystanders {
    pub fn start(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let schedule = thread::spawn(move || schedule(address, &stopped));
        Self { stop, schedule }
    }

    /// Waits for the last answers.
    pub fn finish(self) -> Vec<Get> {
        self.stop.store(true, Relaxed);
        self.schedule.join().expect("the schedule ends")
    }
}

fn schedule(address: SocketAddr, stop: &AtomicBool) -> Vec<Get> {
    let begin = Instant::now();
    let idle = Arc::new(Mutex::new(Vec::new()));
    let mut clients = Vec::new();
    for number in 0.. {
        let due = begin + PERIOD * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if stop.load(Relaxed) {
            break;
        }
        let idle = Arc::clone(&idle);
        let client = thread::Builder::new().stack_size(STACK);
        let client = client.spawn(move || get(address, number, due, &idle));
        clients.push(client.expect("a thread"));
    }
    let clients = clients.into_iter().map(JoinHandle::join);
    clients.map(|get| get.expect("a client ends")).collect()
}

/// Connections that are open between two GETs.
type Idle = Mutex<Vec<TcpStream>>;

/// Half of the GETs open a connection, half use one that another has left open.
fn get(address: SocketAddr, number: u32, due: Instant, idle: &Idle) -> Get {
    let token = format!("192.0.{}.{}", number / 250 % 250, number % 250);
    let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = (number % 2 == 0).then(|| idle().pop()).flatten();
    let result = page(address, &token, due + PATIENCE, kept);
    let latency = due.elapsed();
    let is_right = result.ok().map(|(page, stream)| {
        let closes = page.to_ascii_lowercase().contains("connection: close");
        if number % 2 == 0 && !closes {
            idle().push(stream);
        }
        page.starts_with("HTTP/1.1 200 ") && page.contains(&format!("green;\">{token}</span>"))
    });
    Get { latency, is_right }
}

fn page(
    address: SocketAddr,
    token: &str,
    deadline: Instant,
    kept: Option<TcpStream>,
) -> Result<(String, TcpStream), Error> {
    if let Some(stream) = kept {
        // One that ended before a byte of the answer came is tried anew (RFC 9110, section 9.2.2).
        match ask(stream, token, deadline) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            result => return result,
        }
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let stream = TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1)))?;
    ask(stream, token, deadline)
}

/// Sends the GET and reads the answer. `ConnectionReset` means that the connection ended before a byte
/// of it came.
fn ask(
    mut stream: TcpStream,
    token: &str,
    deadline: Instant,
) -> Result<(String, TcpStream), Error> {
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
        match stream.read(&mut buffer)? {
            0 if page.is_empty() => return Err(ErrorKind::ConnectionReset.into()),
            // An answer that is no page.
            0 => break,
            count => page.extend_from_slice(&buffer[..count]),
        }
    }
    let page = String::from_utf8_lossy(&page).into_owned();
    Ok((page, stream))
}
