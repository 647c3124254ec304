//! Lingering close (RFC 9112, section 9.6): connections on which nothing more is owed.
//!
//! A request that is refused before its body has arrived is answered with `Connection: close`. The
//! body is then read and discarded for a while, so that the answer is not lost to a reset, and the
//! connection is shut before tiny_http can take what follows for the next request. A large answer
//! gets more time, because it is owed, but not forever.
//!
//! A connection is known by its peer's address, and a load balancer may use that for another one
//! as soon as the first has ended. But to that one nothing was ever written.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connections;

/// The connections, by their peers.
#[derive(Default)]
pub struct Lingering {
    connections: Mutex<HashMap<SocketAddr, State>>,
    shut: Condvar,
}

enum State {
    OpenUntil(Instant),
    /// What tiny_http has buffered of it may still turn up as a request, until the next tick.
    Shut,
}

impl Lingering {
    /// Shuts the connection after this time.
    pub fn add(&self, peer: SocketAddr, time: Duration) {
        let state = State::OpenUntil(Instant::now() + time);
        self.lock().insert(peer, state);
    }

    /// Whether the connection is one of these; to be asked when all responses before have been
    /// written to it.
    pub fn contains(&self, peer: SocketAddr) -> bool {
        if !self.lock().contains_key(&peer) {
            return false;
        }
        // Of a connection that has ended there is no descriptor: what is left of it is in buffers.
        let known = connections::of(&HashSet::from([peer]))
            .all(|own| connections::answered(own.as_raw_fd()));
        if !known {
            self.lock().remove(&peer);
        }
        known
    }

    /// Has the connection shut at the next tick, and waits until it is.
    pub fn wait_until_shut(&self, peer: SocketAddr) {
        let mut connections = self.lock();
        connections.insert(peer, State::OpenUntil(Instant::now()));
        while let Some(State::OpenUntil(_)) = connections.get(&peer) {
            let wait = self.shut.wait(connections);
            connections = wait.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Shuts the connections whose time is up.
    pub fn tick(&self) {
        let now = Instant::now();
        let mut expired = HashSet::new();
        self.lock().retain(|peer, state| match state {
            State::Shut => false,
            State::OpenUntil(deadline) => {
                if *deadline <= now {
                    expired.insert(*peer);
                }
                true
            }
        });
        connections::of(&expired)
            .filter(|own| connections::answered(own.as_raw_fd()))
            .for_each(|own| connections::end(own.as_raw_fd()));
        // Not by `expired`: a new connection from the same port may have an entry by now.
        for state in self.lock().values_mut() {
            if matches!(state, State::OpenUntil(deadline) if *deadline <= now) {
                *state = State::Shut;
            }
        }
        self.shut.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, State>> {
        let lock = self.connections.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}
