//! Notifications to systemd (sd_notify(3)); without `NOTIFY_SOCKET` they do nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sd_notify::NotifyState::{self, Ready, Status as StatusText, Stopping};

use crate::answer::client::Reading;

/// The log target of these messages, which operators filter by.
const LOG: &str = "publicip_poc::systemd";

/// Minimum time between two status lines.
const INTERVAL: Duration = Duration::from_secs(5);

/// The line that `systemctl status` shows after `Status:`.
pub struct Status {
    about: String,
    last: Option<(u64, Instant)>,
}

impl Status {
    /// The status of a service that listens on `address` and reads the client's address so.
    pub fn new(address: SocketAddr, reading: &Reading) -> Self {
        Self {
            about: format!("Listening on {address}; client: {reading}"),
            last: None,
        }
    }

    /// Reports how many requests were served if that has changed; the first time, that the service
    /// is ready.
    pub fn update(&mut self, served: u64) {
        let text = |about| format!("{about}; {served} requests served");
        match self.last {
            None => notify(&[Ready, StatusText(&text(&self.about))]),
            Some((last, when)) if last != served && when.elapsed() >= INTERVAL => {
                notify(&[StatusText(&text(&self.about))]);
            }
            Some(_) => return,
        }
        self.last = Some((served, Instant::now()));
    }
}

/// Reports that the service is stopping.
pub fn stopping() {
    notify(&[Stopping]);
}

/// Reports why the service ends. `systemctl status` shows it until the next start, even if journald
/// could not attribute the lines of a process that lived for milliseconds.
pub fn failed(reason: &str) {
    notify(&[StatusText(reason.lines().next().unwrap_or_default())]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!(target: LOG, "systemd cannot be notified: {error}");
    }
}
