//! The gateway (RFC 9110, section 3.7): takes whatever clients send, and passes only well-formed
//! requests on to tiny_http, over a Unix connection.
//!
//! One thread, one epoll loop, which is here. The life of a connection: `acceptor` accepts it, `client`
//! reads it, `head` parses what came, `rules` says what becomes of it. What is refused is answered at
//! once. A GET or HEAD goes, as `forward` writes it, to `upstream`, which brings back the response; then
//! the connection persists or closes. `exchange` ties these together, and `clients` says who gives up
//! when `limits` are reached.

mod acceptor;
mod client;
mod clients;
mod exchange;
pub mod forward;
mod head;
mod limits;
mod rules;
mod upstream;

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use nix::sys::resource::{Resource, getrlimit};

use crate::answer::client::Reading;
use crate::answer::response::Status;
use acceptor::Acceptor;
use clients::Clients;
use rules::refusal;
use upstream::Upstream;

const LISTENER: Token = Token(usize::MAX);
const UPSTREAM: Token = Token(usize::MAX - 1);
const SIGNAL: Token = Token(usize::MAX - 2);

/// The gateway, ready to run.
pub struct Gateway {
    poll: Poll,
    /// `None` once it accepts no more.
    acceptor: Option<Acceptor>,
    clients: Clients,
    upstream: Upstream,
    /// How the client's address is determined, for the log of what is refused.
    reading: Reading,
    /// Requests answered without the service.
    answered: u64,
    /// Clients that have taken too long, as of the last tick.
    expired: Vec<usize>,
    signals: Receiver<&'static str>,
    /// Closed with its last owner, and a wake-up that is not seen yet would be lost.
    _waker: Arc<Waker>,
    /// The time of this turn of the loop.
    now: Instant,
    stop: Option<Stop>,
}

/// A service that is stopping.
struct Stop {
    signal: &'static str,
    since: Instant,
    /// When a client did something for the last time.
    active: Instant,
}

impl Gateway {
    /// Serves `listener`, with tiny_http at the other end of `upstream`. What is returned besides stops
    /// it, given the name of a signal.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(
        listener: TcpListener,
        is_handed_over: bool,
        upstream: UnixStream,
        reading: Reading,
    ) -> io::Result<(Self, impl Fn(&'static str) + Send + 'static)> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let waker = Arc::new(Waker::new(registry, SIGNAL)?);
        let (sender, signals) = mpsc::channel();
        let gateway = Self {
            acceptor: Some(Acceptor::new(listener, is_handed_over, registry, LISTENER)?),
            upstream: Upstream::new(upstream, registry, UPSTREAM)?,
            clients: Clients::new(registry.try_clone()?, max_clients()?),
            poll,
            reading,
            answered: 0,
            expired: Vec::new(),
            signals,
            _waker: Arc::clone(&waker),
            now: Instant::now(),
            stop: None,
        };
        let stop = move |signal| {
            // Either fails only when the gateway has ended.
            let _ = sender.send(signal);
            let _ = waker.wake();
        };
        Ok((gateway, stop))
    }

    /// Requests answered since the start.
    pub fn answered(&self) -> u64 {
        self.answered + self.upstream.answered
    }

    /// Whether a signal has come.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Serves until a signal stops it, and returns the signal's name. `on_tick` is called every
    /// [`limits::TICK`].
    ///
    /// # Errors
    /// It cannot go on.
    pub fn run(&mut self, mut on_tick: impl FnMut(&Self)) -> io::Result<&'static str> {
        let mut events = Events::with_capacity(limits::WAITING);
        let mut scratch = vec![0; limits::HEAD];
        let mut next_tick = self.now;
        loop {
            self.wait(&mut events, next_tick)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.acceptor.iter_mut().for_each(|it| it.is_ready = true),
                    UPSTREAM => self.upstream.readable = true,
                    SIGNAL => {
                        self.begin_to_stop();
                        next_tick = self.now;
                    }
                    Token(key) => {
                        let (readable, ended) = (event.is_readable(), event.is_read_closed());
                        self.clients.wake(key, readable, ended);
                        self.stop.iter_mut().for_each(|stop| stop.active = self.now);
                    }
                }
            }
            self.turn(&mut scratch)?;
            if self.now >= next_tick {
                next_tick = self.now + limits::TICK;
                self.upstream.tick()?;
                self.acceptor.iter_mut().for_each(Acceptor::tick);
                self.expired = self.clients.expired(self.now);
                on_tick(self);
            }
            if let Some(signal) = self.stopped() {
                return Ok(signal);
            }
        }
    }

    /// Waits for events, but not if there is something to do without them.
    fn wait(&mut self, events: &mut Events, next_tick: Instant) -> io::Result<()> {
        let is_busy = (self.clients.ready() > 0 && !self.upstream.is_full())
            || (self.clients.has_deferred() && !self.upstream.has_large())
            || !self.expired.is_empty()
            || self.acceptor.as_ref().is_some_and(|it| it.is_ready);
        let timeout = match &self.stop {
            _ if is_busy => Duration::ZERO,
            None => next_tick.saturating_duration_since(self.now),
            Some(_) => limits::QUIET / 20,
        };
        let result = self.poll.poll(events, Some(timeout));
        self.now = Instant::now();
        match result {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Does what there is to do, in pieces that keep nobody waiting.
    fn turn(&mut self, scratch: &mut [u8]) -> io::Result<()> {
        self.accept();
        self.expire();
        if !self.upstream.has_large() {
            if let Some(key) = self.clients.next_deferred() {
                self.receive(key, scratch);
                self.settle(key);
            }
        }
        for _ in 0..self.clients.ready() {
            if self.upstream.is_full() {
                break;
            }
            if let Some(key) = self.clients.next() {
                self.advance(key, scratch);
            }
        }
        self.upstream.flush()?;
        while self.upstream.read(scratch)? {
            self.relay()?;
        }
        Ok(())
    }

    fn accept(&mut self) {
        for _ in 0..limits::PER_TURN {
            let Some(acceptor) = self.acceptor.as_mut().filter(|it| it.is_ready) else {
                break;
            };
            if let Some((stream, peer)) = acceptor.accept() {
                self.clients.make_room();
                // If the kernel refuses, the connection is closed.
                let _ = self.clients.add(stream, peer.ip().to_canonical(), self.now);
            }
        }
        // All that would be lost has been accepted.
        if self.stop.is_some() && self.acceptor.as_ref().is_some_and(|it| !it.is_ready) {
            self.acceptor = None;
        }
    }

    /// Ends some of what has taken too long.
    fn expire(&mut self) {
        for _ in 0..limits::PER_TURN {
            let Some(key) = self.expired.pop() else {
                break;
            };
            // It may have gone on, or made room for another.
            let client = self.clients.all.get(key);
            if client.is_some_and(|client| client.is_expired(self.now)) {
                let reason = "The request did not arrive within 10 seconds.";
                self.give_up(key, refusal(Status::REQUEST_TIMEOUT, reason));
                self.settle(key);
            }
        }
    }

    fn begin_to_stop(&mut self) {
        let Ok(signal) = self.signals.try_recv() else {
            return;
        };
        let (since, active) = (self.now, self.now);
        self.stop = Some(Stop {
            signal,
            since,
            active,
        });
        if let Some(acceptor) = self.acceptor.take_if(|acceptor| acceptor.is_handed_over) {
            acceptor.close(self.poll.registry());
        }
    }

    /// The signal, once everybody is answered, or the time for it is over.
    fn stopped(&self) -> Option<&'static str> {
        let stop = self.stop.as_ref()?;
        let is_quiet = self.acceptor.is_none()
            && self.now - stop.active >= limits::QUIET
            && self.clients.are_done();
        (is_quiet || self.now - stop.since >= limits::DRAIN_TIME).then_some(stop.signal)
    }
}

/// As many as there may be descriptors (getrlimit(2)), less a reserve.
fn max_clients() -> io::Result<usize> {
    let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let max = descriptors.saturating_sub(limits::RESERVED_DESCRIPTORS);
    Ok(max.max(1))
}

#[cfg(test)]
mod tests;
