//! What systemd is told (sd_notify(3)); without `NOTIFY_SOCKET` nobody is told anything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sd_notify::NotifyState::{self, Ready, Status as StatusText, Stopping};

use crate::client::Reading;

/// Least time between two status lines.
const INTERVAL: Duration = Duration::from_secs(5);

/// The line that `systemctl status` shows behind `Status:`.
pub struct Status {
    about: String,
    told: Option<(u64, Instant)>,
}

impl Status {
    /// The status of a service that listens on `address` and decides the client by `reading`.
    pub fn new(address: SocketAddr, reading: &Reading) -> Self {
        Self {
            about: format!("Listening on {address}; client: {reading}"),
            told: None,
        }
    }

    /// Tells how many requests were served, if that is news; the first time, that the service
    /// is ready.
    pub fn update(&mut self, served: u64) {
        let text = |about| format!("{about}; {served} requests served");
        match self.told {
            None => notify(&[Ready, StatusText(&text(&self.about))]),
            Some((last, when)) if last != served && when.elapsed() >= INTERVAL => {
                notify(&[StatusText(&text(&self.about))]);
            }
            Some(_) => return,
        }
        self.told = Some((served, Instant::now()));
    }
}

/// Tells that the service stops.
pub fn stopping() {
    notify(&[Stopping]);
}

/// Tells why the service ends. `systemctl status` shows it until the next start, even where the
/// journal's lines of a process that lived for milliseconds are not shown as this service's.
pub fn failed(reason: &str) {
    notify(&[StatusText(reason.lines().next().unwrap_or_default())]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("systemd cannot be told: {error}");
    }
}
