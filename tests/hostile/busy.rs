//! Busy clients, so many that the service lets connections persist and the balancer shares those
//! among them. Then one client's request can cost another its answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::send;

/// Requests per second, and from how many clients, so that the service lets connections persist.
const BUSY: u32 = 2000;
const BUSY_CLIENTS: u32 = 8;

/// Attacks while the clients are busy; returns what the attack complains of, or else the clients.
pub fn while_busy(address: SocketAddr, attack: impl FnOnce() -> Option<String>) -> Option<String> {
    let (stop, right) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wrong = AtomicUsize::new(0);
    let begin = Instant::now();
    let complaint = thread::scope(|scope| {
        for client in 0..BUSY_CLIENTS {
            let (stop, right, wrong) = (&stop, &right, &wrong);
            scope.spawn(move || keep_busy(address, client, stop, right, wrong));
        }
        // Two periods of the service's, until connections persist.
        thread::sleep(Duration::from_millis(600));
        let complaint = attack();
        stop.store(true, Relaxed);
        complaint
    });
    let (right, wrong) = (right.into_inner(), wrong.into_inner());
    let a_second = u128::try_from(right).unwrap_or(0) * 1000 / begin.elapsed().as_millis();
    complaint
        .or_else(|| (wrong > right / 1000).then(|| format!("{wrong} wrong answers, {right} right")))
        .or_else(|| (a_second <= 1000).then(|| format!("only {a_second} requests a second")))
}

/// One of the busy clients: asks on one connection, and looks for its own address in the page.
fn keep_busy(
    address: SocketAddr,
    client: u32,
    stop: &AtomicBool,
    right: &AtomicUsize,
    wrong: &AtomicUsize,
) {
    let mut stream = None;
    let mut due = Instant::now();
    let mut number = 0;
    while !stop.load(Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += Duration::from_secs(1) * BUSY_CLIENTS / BUSY;
        number = (number + 1) % 250;
        let token = format!("198.51.{client}.{number}");
        let answered = stream.get_or_insert_with(|| connect(address)).as_mut();
        if answered.and_then(|stream| ask(stream, &token)).is_some() {
            right.fetch_add(1, Relaxed);
        } else {
            wrong.fetch_add(1, Relaxed);
            stream = None;
        }
    }
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    send(address, b"")
}

/// Whether the next answer is the page for this address.
fn ask(stream: &mut TcpStream, token: &str) -> Option<()> {
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut page = Vec::new();
    let mut buffer = [0; 4096];
    while !page.ends_with(b"</html>") {
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => page.extend_from_slice(&buffer[..count]),
        }
    }
    let page = String::from_utf8(page).ok()?;
    let own = page.contains(&format!("green;\">{token}</span>"));
    (page.starts_with("HTTP/1.1 200 ") && own).then_some(())
}
