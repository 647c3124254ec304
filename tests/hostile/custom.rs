//! Attacks with a program or a pattern of their own. Each says what it found wrong.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// slowhttptest, slow on purpose: 2,000 connections, 700 of them a second, for so many seconds.
const SLOW: [&str; 6] = ["-c", "2000", "-r", "700", "-l", "3"];

/// Heads that never end.
pub fn slow_heads(address: SocketAddr) -> Option<String> {
    slow(address, &["-H", "-i", "1"])
}

/// Bodies of 4 kB that come a few bytes a second.
pub fn slow_bodies(address: SocketAddr) -> Option<String> {
    slow(address, &["-B", "-i", "1"])
}

/// Clients that read 5 bytes a second, through the smallest of windows.
pub fn slow_reading(address: SocketAddr) -> Option<String> {
    slow(address, &["-X", "-k", "3"])
}

/// Runs one mode. What it says of the service does not count: the honest clients know.
fn slow(address: SocketAddr, mode: &[&str]) -> Option<String> {
    let url = format!("http://{address}/");
    let output = Command::new("timeout")
        .args(["--signal=KILL", "15", "slowhttptest", "-v", "1", "-u", &url])
        .args(SLOW)
        .args(mode)
        .stdin(Stdio::null())
        .output()
        .expect("slowhttptest runs: apt-get install slowhttptest");
    let text = String::from_utf8_lossy(&output.stdout);
    let ends = ["Hit test time limit", "No open connections left"];
    let attacked = ends.iter().any(|end| text.contains(end));
    (!attacked).then(|| format!("slowhttptest did not attack: {}", output.status))
}

/// A balancer that uses the same few ports over and over: each connection must be accepted and answered
/// at once, whatever became of the one before.
pub fn reused_ports(address: SocketAddr) -> Option<String> {
    let heads = [
        "GET / HTTP/1.1\r\nConnection: close",
        "POST / HTTP/1.1",
        "GET x HTTP/1.1",
    ];
    let begin = Instant::now();
    for number in 0.. {
        let asked = Instant::now();
        let port = 20_000 + number % 16;
        let head = heads[usize::from(number) % heads.len()];
        let answer = from_port(port, address, &format!("{head}\r\nHost: test\r\n\r\n"));
        let time = asked.elapsed();
        if !answer
            .as_ref()
            .is_ok_and(|answer| answer.starts_with("HTTP/1.1 "))
            || time.as_secs() > 0
        {
            return Some(format!(
                "use {number} of port {port}, after {time:.1?}: {answer:?}"
            ));
        }
        if begin.elapsed() >= Duration::from_secs(2) {
            break;
        }
    }
    None
}

fn from_port(port: u16, address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 3], port)).into())?;
    socket.connect_timeout(&address.into(), Duration::from_secs(1))?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.write_all(request.as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}
