//! The nudge: lets no connection wait in tiny_http until another one ends.
//!
//! tiny_http hands an accepted connection to a thread of its pool that waits, or to a new one when
//! none does. But a thread that was handed one counts as waiting until it woke up. So of a burst of
//! connections more are handed over than threads wait, ten at once are enough, and the rest lies in
//! the pool's queue until some thread is done with its connection. Behind a load balancer, which
//! keeps connections open, that is minutes.
//!
//! A thread that is done looks into the queue. So this service connects to itself ten times a
//! second: that connection is over at once, and its thread takes what lies in the queue. As long as
//! that takes time, costs the pool one thread more, or the thread its life, more may lie there.
//!
//! Where that is not possible, as in a network namespace without the listening socket, every
//! response has to end its connection.

use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::fatal;

/// Time between two nudges.
const PERIOD: Duration = Duration::from_millis(100);

/// How long connecting may take; on the own host it is done at once.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a nudge may take that is not itself in the queue.
const OVER: Duration = Duration::from_millis(20);

/// Most nudges in a row.
const MOST: usize = 1024;

/// Starts nudging the service that listens on `address`, and tells in `works` whether it does.
///
/// # Errors
/// There is no thread to be had.
pub fn start(address: SocketAddr, works: &'static AtomicBool) -> io::Result<()> {
    let address = reachable(address);
    let nudging = move || loop {
        let result = nudge(address);
        let worked = works.swap(result.is_ok(), Relaxed);
        match result {
            Err(error) if worked => log::warn!(
                "cannot connect to itself on {address}: {error}; responses end their connections"
            ),
            _ => thread::sleep(PERIOD),
        }
    };
    let builder = thread::Builder::new().name("nudge".into());
    builder.spawn(nudging).map(drop)
}

/// Nudges until the queue is empty for sure.
fn nudge(address: SocketAddr) -> io::Result<()> {
    for _ in 0..MOST {
        let (threads_before, lost_before) = (threads(), fatal::connections_lost());
        let over = connect(address)?;
        if over && threads() <= threads_before && fatal::connections_lost() == lost_before {
            break;
        }
    }
    Ok(())
}

/// Connects, and waits for the end that a connection without a request gets. Tells whether it
/// came; if not, this connection lies in the queue itself, and does no harm there.
fn connect(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(OVER))?;
    stream.shutdown(Shutdown::Write)?;
    Ok(matches!(stream.read(&mut [0]), Ok(0)))
}

/// An address to connect to where the service may listen on any.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// How many threads this process has, from proc(5).
fn threads() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"))?;
    line.trim().parse().ok()
}
