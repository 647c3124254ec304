//! All clients: who has something to do, and who gives up when there are too many or they keep too
//! much.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use slab::Slab;

use super::client::{Client, State};
use super::limits;

/// All clients, by the keys that are their tokens.
pub struct Clients {
    pub all: Slab<Client>,
    registry: Registry,
    /// Those that have something to do, in the order in which it came.
    ready: VecDeque<usize>,
    /// Those that are deferred, and some that were.
    deferred: VecDeque<usize>,
    /// Most clients at a time.
    max: usize,
    /// Memory that is kept for all of them, in bytes.
    kept: usize,
    oldest: Candidates<Instant>,
    largest: Candidates<Reverse<usize>>,
}

impl Clients {
    /// No clients yet, and `max` at a time.
    pub fn new(registry: Registry, max: usize) -> Self {
        Self {
            all: Slab::new(),
            registry,
            ready: VecDeque::new(),
            deferred: VecDeque::new(),
            max,
            kept: 0,
            oldest: Candidates(Vec::new()),
            largest: Candidates(Vec::new()),
        }
    }

    /// Adds a client.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn add(&mut self, mut stream: TcpStream, peer: IpAddr, now: Instant) -> io::Result<()> {
        let entry = self.all.vacant_entry();
        let token = Token(entry.key());
        self.registry
            .register(&mut stream, token, Interest::READABLE)?;
        entry.insert(Client::new(stream, peer, now));
        Ok(())
    }

    /// Closes a client's connection.
    pub fn remove(&mut self, key: usize) {
        self.kept -= self.all.remove(key).counted;
    }

    /// The kernel has news of a client, unless it has left meanwhile.
    pub fn wake(&mut self, key: usize, readable: bool, half_closed: bool) {
        if let Some(client) = self.all.get_mut(key) {
            client.readable |= readable;
            client.half_closed |= half_closed;
            enqueue(&mut self.ready, key, client);
        }
    }

    /// Counts what is kept for a client, and sees whether there is more to do for it.
    pub fn settle(&mut self, key: usize) {
        if let Some(client) = self.all.get_mut(key) {
            let kept = client.input.capacity() + client.output.capacity();
            self.kept = self.kept - client.counted + kept;
            client.counted = kept;
            if client.has_work() {
                enqueue(&mut self.ready, key, client);
            }
        }
    }

    /// How many have something to do.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Takes the next one that has something to do.
    pub fn next(&mut self) -> Option<usize> {
        let key = self.ready.pop_front()?;
        self.all.get_mut(key)?.queued = false;
        Some(key)
    }

    /// Puts a client into the queue of those that are deferred.
    pub fn defer(&mut self, key: usize) {
        self.deferred.push_back(key);
    }

    /// Whether any may be deferred.
    pub fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// Takes the next one that was deferred, if it still is.
    pub fn next_deferred(&mut self) -> Option<usize> {
        let key = self.deferred.pop_front()?;
        let is_deferred = |client: &Client| client.state == State::Deferred;
        self.all.get(key).is_some_and(is_deferred).then_some(key)
    }

    /// Asks the kernel to say when more can be sent to a client.
    pub fn await_writable(&mut self, key: usize) {
        let stream = &mut self.all[key].stream;
        let both = Interest::READABLE | Interest::WRITABLE;
        // If the kernel refuses, the client's time runs out.
        let _ = self.registry.reregister(stream, Token(key), both);
    }

    /// Those that have taken too long.
    pub fn expired(&self, now: Instant) -> Vec<usize> {
        let all = self.all.iter();
        all.filter_map(|(key, client)| client.is_expired(now).then_some(key))
            .collect()
    }

    /// Whether nobody has sent a part of a request, or lacks a part of a response.
    pub fn are_done(&self) -> bool {
        let is_done = |client: &Client| matches!(client.state, State::Idle | State::Lingering);
        self.ready.is_empty() && self.all.iter().all(|(_, client)| is_done(client))
    }

    /// If there are as many as there may be, closes the connection for which nothing has changed for
    /// longest.
    pub fn make_room(&mut self) {
        let rank = |client: &Client| match client.state {
            State::Waiting { .. } => None,
            _ => Some(client.since),
        };
        while self.all.len() >= self.max {
            let Some(key) = self.oldest.next(&self.all, rank) else {
                break;
            };
            self.remove(key);
        }
    }

    /// Who keeps most, if all together keep more than they may.
    pub fn over_budget(&mut self) -> Option<usize> {
        if self.kept <= limits::KEPT {
            return None;
        }
        self.largest
            .next(&self.all, |client| Some(Reverse(client.counted)))
    }
}

fn enqueue(ready: &mut VecDeque<usize>, key: usize, client: &mut Client) {
    if !client.queued {
        client.queued = true;
        ready.push_back(key);
    }
}

/// Those with the lowest ranks, the very lowest last. Many are looked up at a time, because that takes a
/// look at all clients.
struct Candidates<R>(Vec<(R, usize)>);

impl<R: Copy + Ord> Candidates<R> {
    /// The one with the lowest rank.
    fn next(&mut self, all: &Slab<Client>, rank: impl Fn(&Client) -> Option<R>) -> Option<usize> {
        while let Some((ranked, key)) = self.0.pop() {
            if all.get(key).and_then(&rank) == Some(ranked) {
                return Some(key);
            }
        }
        let ranked = all.iter();
        self.0 = ranked
            .filter_map(|(key, client)| Some((rank(client)?, key)))
            .collect();
        if self.0.len() > limits::PER_TURN {
            self.0.select_nth_unstable(limits::PER_TURN);
            self.0.truncate(limits::PER_TURN);
        }
        self.0.sort_unstable_by(|a, b| b.cmp(a));
        self.0.pop().map(|(_, key)| key)
    }
}
