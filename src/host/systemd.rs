//! Notifications to systemd (sd_notify(3)); without `NOTIFY_SOCKET` they do nothing.

use std::env;
use std::io::{self, ErrorKind};
use std::net;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Once;
use std::time::{Duration, Instant};

use crate::answer::client::Reading;

/// The log target of these messages, which operators filter by.
const LOG: &str = "publicip_poc";

/// Time between two notifications; the unit's `WatchdogSec=` is several times as long.
const INTERVAL: Duration = Duration::from_secs(1);

/// The line that `systemctl status` shows after `Status:`.
pub struct Status {
    about: String,
    last: Option<Instant>,
}

impl Status {
    /// The status of a service with these settings.
    pub fn new(address: net::SocketAddr, reading: &Reading) -> Self {
        Self {
            about: format!("Listening on {address}; client: {reading}"),
            last: None,
        }
    }

    /// Reports, at first and then at most once in an interval, that the service is ready and alive, and
    /// how many requests it has served; or that it is stopping.
    pub fn update(&mut self, served: u64, stopping: bool) {
        if stopping {
            notify("STOPPING=1\n");
        } else if self.last.is_none_or(|last| last.elapsed() >= INTERVAL) {
            let status = format!("STATUS={}; {}\n", self.about, requests(served));
            let state = if self.last.is_none() {
                "READY=1"
            } else {
                "WATCHDOG=1"
            };
            if notify(&format!("{state}\n{status}")) {
                self.last = Some(Instant::now());
            }
        }
    }
}

/// Reports why the service ends. `systemctl status` shows it until the next start, even when the
/// process was too short-lived for journald to attribute its lines.
pub fn failed(reason: &str) {
    let line = reason.lines().next().unwrap_or_default();
    notify(&format!("STATUS={line}\n"));
}

/// `count` requests, in words.
pub fn requests(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} request{plural} served")
}

/// Sends these lines; returns whether that succeeded.
fn notify(lines: &str) -> bool {
    match send(lines) {
        Ok(()) => true,
        // The queue is full: the next update sends what matters again.
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| log::warn!(target: LOG, "systemd cannot be notified: {error}"));
            false
        }
    }
}

/// Never blocks, because the gateway must go on even if systemd does not read.
fn send(lines: &str) -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(lines.as_bytes(), &address).map(drop)
}
