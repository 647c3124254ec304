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

/// How many of those that may have to give up are looked up at a time, since that takes a look at all
/// clients.
const CANDIDATES: usize = 64;

/// All clients, by the keys that are their tokens.
pub struct Clients {
    all: Slab<Client>,
    registry: Registry,
    /// Those that have something to do, in the order in which it came.
    ready: VecDeque<usize>,
    /// Those that are deferred, and some that were.
    deferred: VecDeque<usize>,
    /// Most clients at a time.
    max: usize,
    /// Memory that is kept for all of them, in bytes.
    kept: usize,
    /// For whom nothing has changed for longest, the first one last.
    oldest: Vec<(Instant, usize)>,
    /// Who keeps most, the first one last.
    largest: Vec<(usize, usize)>,
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
            oldest: Vec::new(),
            largest: Vec::new(),
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
        self.kept -= self.all.remove(key).kept();
    }

    /// A client that is there.
    pub fn get(&self, key: usize) -> &Client {
        &self.all[key]
    }

    /// A client that may have left.
    pub fn find(&self, key: usize) -> Option<&Client> {
        self.all.get(key)
    }

    /// Changes a client.
    pub fn change<R>(&mut self, key: usize, change: impl FnOnce(&mut Client) -> R) -> R {
        let client = &mut self.all[key];
        self.kept -= client.kept();
        let result = change(client);
        self.kept += client.kept();
        result
    }

    /// The kernel has news of a client, unless it has left meanwhile.
    pub fn wake(&mut self, key: usize, readable: bool, half_closed: bool) {
        if let Some(client) = self.all.get_mut(key) {
            client.readable |= readable;
            client.half_closed |= half_closed;
            self.enqueue(key);
        }
    }

    /// A client has something to do.
    pub fn enqueue(&mut self, key: usize) {
        let client = &mut self.all[key];
        if !client.queued {
            client.queued = true;
            self.ready.push_back(key);
        }
    }

    /// How many have something to do.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether any has something to do.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the next one that has something to do.
    pub fn next(&mut self) -> Option<usize> {
        let key = self.ready.pop_front()?;
        let client = self.all.get_mut(key)?;
        client.queued = false;
        Some(key)
    }

    /// A client is deferred until [`Clients::next_deferred`].
    pub fn defer(&mut self, key: usize, now: Instant) {
        self.all[key].enter(State::Deferred, now);
        self.deferred.push_back(key);
    }

    /// Whether any may be deferred.
    pub fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// Takes the one that has been deferred for longest.
    pub fn next_deferred(&mut self) -> Option<usize> {
        let is_deferred = |key| {
            self.all
                .get(key)
                .is_some_and(|client| client.state == State::Deferred)
        };
        while let Some(key) = self.deferred.pop_front() {
            if is_deferred(key) {
                return Some(key);
            }
        }
        None
    }

    /// Asks the kernel to say when more can be sent to a client.
    pub fn await_writable(&mut self, key: usize) {
        let stream = &mut self.all[key].stream;
        let both = Interest::READABLE | Interest::WRITABLE;
        // If the kernel refuses, the client's time runs out.
        let _ = self.registry.reregister(stream, Token(key), both);
    }

    /// The clients whose time has run out.
    pub fn expired(&self, now: Instant) -> Vec<usize> {
        let expired = |(key, client): (usize, &Client)| client.is_expired(now).then_some(key);
        self.all.iter().filter_map(expired).collect()
    }

    /// Whether nobody has sent a part of a request, or lacks a part of a response.
    pub fn are_done(&self) -> bool {
        let is_done = |client: &Client| matches!(client.state, State::Idle | State::Lingering);
        self.ready.is_empty() && self.all.iter().all(|(_, client)| is_done(client))
    }

    /// Closes the connection for which nothing has changed for longest if there are as many as there may
    /// be. Returns whether there is room for one more.
    pub fn make_room(&mut self) -> bool {
        // If idle ones came first, whoever has just connected would make room for the next.
        let rank = |(key, client): (usize, &Client)| match client.state {
            State::Waiting { .. } => None,
            _ => Some((client.since, key)),
        };
        while self.all.len() >= self.max {
            if self.oldest.is_empty() {
                self.oldest = lowest(self.all.iter().filter_map(rank));
            }
            let Some(candidate) = self.oldest.pop() else {
                return false;
            };
            let key = candidate.1;
            let client = self.all.get(key).map(|client| (key, client));
            if client.and_then(rank) == Some(candidate) {
                self.remove(key);
            }
        }
        true
    }

    /// Who keeps most, if all of them keep more than they may.
    pub fn over_budget(&mut self) -> Option<usize> {
        let rank = |(key, client): (usize, &Client)| (Reverse(client.kept()), key);
        while self.kept > limits::KEPT {
            if self.largest.is_empty() {
                let all = lowest(self.all.iter().map(rank));
                self.largest = all.into_iter().map(|(kept, key)| (kept.0, key)).collect();
            }
            let (kept, key) = self.largest.pop()?;
            if self
                .all
                .get(key)
                .is_some_and(|client| client.kept() >= kept)
            {
                return Some(key);
            }
        }
        None
    }
}

/// The lowest few, the very lowest last.
fn lowest<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut lowest: Vec<T> = all.collect();
    if lowest.len() > CANDIDATES {
        lowest.select_nth_unstable(CANDIDATES);
        lowest.truncate(CANDIDATES);
    }
    lowest.sort_unstable_by(|a, b| b.cmp(a));
    lowest
}
