//! Whether a connection persists after a response.
//!
//! tiny_http hands an accepted connection to a thread of its pool that waits, or to a new one when
//! none does. But a thread counts as waiting until it woke up: of a burst of connections, ten at
//! once are enough, more are handed over than threads wait, and the rest lies in the pool's queue
//! until the thread of some other connection is done. Behind a load balancer, which keeps
//! connections open, that would be minutes.
//!
//! From outside only one thing helps: connections have to end. So a connection persists only while
//! many requests come in, where opening one for each would cost; and even then one response in
//! [`ONE_IN`] ends its connection, so that a queue is worked off within a second.
//!
//! What is left: a connection that comes in the same instant as a burst of connections that are
//! slow to send their requests waits until as many others have ended as wait before it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Connections persist while more requests than this come in in a second.
const BUSY: u64 = 1000;

/// While connections persist, one response in this many still ends its connection.
const ONE_IN: u64 = 32;

/// Decides over the connections of a service.
#[derive(Default)]
pub struct Persistence {
    busy: AtomicBool,
    responses: AtomicU64,
}

impl Persistence {
    /// Takes note of how many requests came in during the last while.
    pub fn note(&self, requests: u64, during: Duration) {
        let busy = u128::from(requests) * 1000 > u128::from(BUSY) * during.as_millis();
        self.busy.store(busy, Relaxed);
    }

    /// Tells whether the connection of the next response persists.
    pub fn grants(&self) -> bool {
        self.busy.load(Relaxed) && self.responses.fetch_add(1, Relaxed) % ONE_IN != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_persist_while_many_requests_come_in() {
        let persistence = Persistence::default();
        let granted = || (0..320).filter(|_| persistence.grants()).count();
        assert_eq!(granted(), 0);
        persistence.note(251, Duration::from_millis(250));
        assert_eq!(granted(), 310);
        persistence.note(250, Duration::from_millis(250));
        assert_eq!(granted(), 0);
        persistence.note(0, Duration::ZERO);
        assert_eq!(granted(), 0);
    }
}
