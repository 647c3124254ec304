//! Keep-alive: whether a connection persists after a response.
//!
//! tiny_http hands an accepted connection to an idle thread of its pool, or to a new one if there
//! is none. But a thread counts as idle until it has woken up. So of a burst of connections, ten at
//! once are enough, some are queued behind threads that are already taken, and stay there until
//! some other connection ends. A load balancer keeps connections open for minutes.
//!
//! So connections have to end. Keep-alive is on only under load, where opening a connection for
//! each request would cost, and even then some responses close. `starvation` answers whoever is
//! left.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Keep-alive is on above this many requests per second.
const BUSY: u64 = 1000;

/// Responses per period that close even when busy.
const CLOSING_WHEN_BUSY: u64 = 25;

/// Decides for all connections of a server.
pub struct KeepAlive {
    /// How many more responses close in this period.
    closing: AtomicU64,
}

impl KeepAlive {
    /// Keep-alive is off at first.
    pub fn new() -> Self {
        Self {
            closing: AtomicU64::new(u64::MAX),
        }
    }

    /// Starts the next period after one with this many requests.
    pub fn start_period(&self, requests: u64, last: Duration) {
        let busy = u128::from(requests) * 1000 > u128::from(BUSY) * last.as_millis();
        let closing = if busy { CLOSING_WHEN_BUSY } else { u64::MAX };
        self.closing.store(closing, Relaxed);
    }

    /// Whether the connection persists after the next response.
    pub fn persists(&self) -> bool {
        let take = |closing: u64| closing.checked_sub(1);
        self.closing.fetch_update(Relaxed, Relaxed, take).is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_persist_only_under_load() {
        let keep_alive = KeepAlive::new();
        let persisting = || (0..1000).filter(|_| keep_alive.persists()).count();
        let period = Duration::from_millis(250);
        assert_eq!(persisting(), 0);
        keep_alive.start_period(251, period);
        assert_eq!(persisting(), 975);
        assert_eq!(persisting(), 1000);
        keep_alive.start_period(251, period);
        assert_eq!(persisting(), 975);
        keep_alive.start_period(250, period);
        assert_eq!(persisting(), 0);
        keep_alive.start_period(0, Duration::ZERO);
        assert_eq!(persisting(), 0);
    }
}
