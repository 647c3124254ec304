//! Clients that are slow on purpose, by `slowhttptest`: 2,000 connections, 400 a second.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// Connections, how many of them are opened in a second, and how many seconds it all takes.
const CONNECTIONS: &str = "2000";
const RATE: &str = "400";
const SECONDS: &str = "6";

/// Heads that never end.
pub fn headers(address: SocketAddr) -> Option<String> {
    slow(address, &["-H", "-i", "1"])
}

/// Bodies of 4 kB that come a few bytes a second.
pub fn bodies(address: SocketAddr) -> Option<String> {
    slow(address, &["-B", "-i", "1"])
}

/// Clients that read 5 bytes a second, through the smallest of windows.
pub fn reading(address: SocketAddr) -> Option<String> {
    slow(address, &["-X", "-k", "3"])
}

/// Runs one mode. What it says of the service does not count: the other clients know.
fn slow(address: SocketAddr, mode: &[&str]) -> Option<String> {
    let url = format!("http://{address}/");
    let output = Command::new("timeout")
        .args(["--signal=KILL", "15", "slowhttptest", "-v", "1"])
        .args(["-c", CONNECTIONS, "-r", RATE, "-l", SECONDS, "-u", &url])
        .args(mode)
        .stdin(Stdio::null())
        .output()
        .expect("slowhttptest runs: apt-get install slowhttptest");
    let text = String::from_utf8_lossy(&output.stdout);
    let ends = ["Hit test time limit", "No open connections left"];
    let attacked = ends.iter().any(|end| text.contains(end));
    (!attacked).then(|| format!("slowhttptest did not attack: {}", output.status))
}
