//! Whether a connection persists after a response.
//!
//! tiny_http hands an accepted connection to a thread of its pool that waits, or to a new one when
//! none does. But a thread counts as waiting until it woke up: of a burst of connections, ten at
//! once are enough, more are handed over than threads wait, and the rest lies in the pool's queue
//! until the thread of some other connection is done. Behind a load balancer, which keeps
//! connections open, that would be minutes.
//!
//! From outside only one thing helps: connections have to end. So a connection persists only while
//! many requests come in, where opening one for each would cost; and even then some end in every
//! while, so that a queue is worked off within a second or so.
//!
//! What this does not help: a connection that comes in the same instant as a burst of connections
//! whose requests never end. `relief.rs` does.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Connections persist while more requests than this come in in a second.
const BUSY: u64 = 1000;

/// How many end in each while all the same.
const SOME: u64 = 25;

/// More than can end in a while.
const ALL: u64 = u64::MAX;

/// Decides over the connections of a service.
pub struct Persistence {
    /// How many are still to end in this while.
    ends: AtomicU64,
}

impl Persistence {
    /// Lets no connection persist at first.
    pub fn new() -> Self {
        Self {
            ends: AtomicU64::new(ALL),
        }
    }

    /// Begins another while, after one in which so many requests came in; tells whether these were
    /// many.
    pub fn begin(&self, requests: u64, during: Duration) -> bool {
        let busy = u128::from(requests) * 1000 > u128::from(BUSY) * during.as_millis();
        self.ends.store(if busy { SOME } else { ALL }, Relaxed);
        busy
    }

    /// Tells whether the connection of the next response persists.
    pub fn grants(&self) -> bool {
        let take = |ends: u64| ends.checked_sub(1);
        self.ends.fetch_update(Relaxed, Relaxed, take).is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_persist_periodmany_requests_come_in() {
        let persistence = Persistence::new();
        let granted = || (0..1000).filter(|_| persistence.grants()).count();
        let period = Duration::from_millis(250);
        assert_eq!(granted(), 0);
        persistence.begin(251, period);
        assert_eq!(granted(), 975);
        assert_eq!(granted(), 1000);
        persistence.begin(251, period);
        assert_eq!(granted(), 975);
        persistence.begin(250, period);
        assert_eq!(granted(), 0);
        persistence.begin(0, Duration::ZERO);
        assert_eq!(granted(), 0);
    }
}
