//! The attackers' tools: bytes on sockets, and patience with bounds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that one step of an attack may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection on which `bytes` were sent, or `None` where that was not possible.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(bytes).ok()?;
    Some(stream)
}

/// As many such connections, kept open.
pub fn send_many(address: SocketAddr, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    (0..count).filter_map(|_| send(address, bytes)).collect()
}

/// The first bytes that come back: empty at the connection's end or after a second.
pub fn reply(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).unwrap_or(0);
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

/// How many of these connections had a reply with this in it by now.
pub fn count_replies(streams: &mut [TcpStream], part: &str) -> usize {
    let has = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).is_ok() && reply(stream).contains(part)
    };
    streams
        .iter_mut()
        .filter_map(|stream| has(stream).then_some(()))
        .count()
}

/// All that comes back until the connection's end or a pause.
pub fn replies(stream: &mut TcpStream, pause: Duration) -> String {
    let _ = stream.set_read_timeout(Some(pause));
    let mut all = Vec::new();
    let mut buffer = [0; 16384];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        all.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Does something `count` times, at this many times a second.
pub fn paced(count: u32, a_second: u32, mut each: impl FnMut(u32)) {
    let begin = Instant::now();
    for number in 0..count {
        let due = begin + Duration::from_secs(1) / a_second * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        each(number);
    }
}

/// Keeps what is open open for a while.
pub fn linger(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}
