//! Load above the rate at which keep-alive is on (`src/server/keep_alive.rs`).

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use super::{PATIENCE, Response, connect};

/// Keeps the program busy with this many clients until it is killed, and returns as soon as
/// connections persist.
pub fn keep_busy(address: SocketAddr, clients: usize) {
    for _ in 0..clients {
        thread::spawn(move || {
            while let Ok(stream) = TcpStream::connect(address) {
                let mut stream = BufReader::new(stream);
                while closes(&mut stream) == Some(false) {}
            }
        });
    }
    let begin = Instant::now();
    let mut persisted = 0;
    while persisted < 10 {
        assert!(begin.elapsed() < PATIENCE, "connections do not persist");
        persisted += usize::from(closes(&mut BufReader::new(connect(address))) == Some(false));
    }
}

/// Sends a GET and returns whether the response closes the connection; `None` without a response.
pub fn closes(stream: &mut BufReader<TcpStream>) -> Option<bool> {
    let request = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    stream.get_mut().write_all(request).ok()?;
    let response = Response::read(stream, false)?;
    Some(response.field("Connection") == Some("close"))
}
