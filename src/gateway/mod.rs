//! The gateway (RFC 9110, section 3.7): takes whatever clients send, and passes only well-formed
//! requests on to tiny_http, over a Unix connection.
//!
//! One thread, one epoll loop. The life of a connection: `acceptor` accepts it, `client` reads it,
//! `head` parses what came, `rules` says what becomes of it. What is refused is answered here, by
//! `refusal`. A GET or HEAD goes as `forward` writes it to `upstream`, which brings back the response;
//! then the connection persists or closes. `clients` says who gives up when `limits` are reached.

mod acceptor;
mod buffer;
mod client;
mod clients;
mod fault;
pub mod forward;
mod head;
mod limits;
mod refusal;
mod rules;
mod upstream;

use std::io::{self, ErrorKind};
use std::mem;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use memchr::memmem;
use mio::{Events, Poll, Token, Waker};
use nix::sys::resource::{Resource, getrlimit};

use crate::answer;
use crate::answer::client::Reading;
use crate::answer::response::Response;
use acceptor::Acceptor;
pub use acceptor::Listener;
use client::{Arrived, Client, State};
use clients::Clients;
pub use fault::Fault;
use head::{Head, NO_FIELDS};
use refusal::Refusal;
use rules::{Action, After};
use upstream::{Frame, Upstream};

const LISTENER: Token = Token(usize::MAX);
const UPSTREAM: Token = Token(usize::MAX - 1);
const SIGNAL: Token = Token(usize::MAX - 2);

/// Events taken from the kernel at a time.
const EVENTS: usize = 1024;

/// The gateway, ready to run.
pub struct Gateway {
    poll: Poll,
    /// `None` once it accepts no more.
    acceptor: Option<Acceptor>,
    clients: Clients,
    upstream: Upstream,
    /// How the client's address is determined, for the log of what is refused.
    reading: Reading,
    /// What is read from any socket.
    scratch: Vec<u8>,
    /// Requests answered without the service.
    answered: u64,
    /// Clients whose time was over at the last tick.
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

/// What becomes of a client that has sent something.
enum Next {
    /// Its head is incomplete, after this many bytes.
    Receive(usize),
    /// Its request is deferred.
    Defer,
    /// Its request was forwarded.
    Wait { head_only: bool, after: After },
    /// It gets this response.
    Respond(Vec<u8>, After),
}

impl Gateway {
    /// Serves `listener`, with tiny_http at the other end of `upstream`. What is returned besides stops
    /// it, given the name of a signal.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(
        listener: Listener,
        upstream: UnixStream,
        reading: Reading,
    ) -> io::Result<(Self, impl Fn(&'static str) + Send + 'static)> {
        upstream.set_nonblocking(true)?;
        let upstream = mio::net::UnixStream::from_std(upstream);
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Arc::new(Waker::new(&registry, SIGNAL)?);
        let (sender, signals) = mpsc::channel();
        let gateway = Self {
            acceptor: Some(Acceptor::new(listener, &registry, LISTENER)?),
            upstream: Upstream::new(upstream, &registry, UPSTREAM)?,
            clients: Clients::new(registry, max_clients()?),
            poll,
            reading,
            scratch: vec![0; limits::HEAD],
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
        self.answered + self.upstream.answered()
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
    pub fn run(&mut self, mut on_tick: impl FnMut(&Self)) -> Result<&'static str, Fault> {
        let mut events = Events::with_capacity(EVENTS);
        let mut next_tick = self.now;
        loop {
            self.wait(&mut events, next_tick)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.acceptor.iter_mut().for_each(Acceptor::set_readable),
                    UPSTREAM => self.upstream.set_readable(),
                    SIGNAL => {
                        self.begin_to_stop();
                        next_tick = self.now;
                    }
                    Token(key) => {
                        self.clients
                            .wake(key, event.is_readable(), event.is_read_closed());
                        self.stop.iter_mut().for_each(|stop| stop.active = self.now);
                    }
                }
            }
            self.turn()?;
            if self.now >= next_tick {
                next_tick = self.now + limits::TICK;
                self.upstream.tick()?;
                self.expired = self.clients.expired(self.now);
                on_tick(self);
            }
            if let Some(signal) = self.stopped() {
                return Ok(signal);
            }
        }
    }

    /// Waits for events, but not if there is something to do without them.
    fn wait(&mut self, events: &mut Events, next_tick: Instant) -> Result<(), Fault> {
        let has_ready = self.clients.has_ready() && !self.upstream.is_full();
        let is_busy = has_ready
            || (self.clients.has_deferred() && !self.upstream.has_large())
            || !self.expired.is_empty()
            || self.acceptor.as_ref().is_some_and(Acceptor::is_ready);
        let timeout = match &self.stop {
            _ if is_busy => Duration::ZERO,
            None => next_tick.saturating_duration_since(self.now),
            Some(_) => limits::QUIET / 20,
        };
        let result = self.poll.poll(events, Some(timeout));
        self.now = Instant::now();
        match result {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(Fault::Poll(error)),
            _ => Ok(()),
        }
    }

    /// Does what there is to do, in pieces that keep nobody waiting.
    fn turn(&mut self) -> Result<(), Fault> {
        self.accept();
        self.expire();
        if !self.upstream.has_large() {
            let next = self.clients.next_deferred();
            next.into_iter().for_each(|key| self.receive(key));
        }
        for _ in 0..self.clients.ready() {
            if self.upstream.is_full() {
                break;
            }
            if let Some(key) = self.clients.next() {
                self.advance(key);
            }
        }
        self.upstream.flush()?;
        while self.upstream.read(&mut self.scratch)? {
            self.relay()?;
        }
        Ok(())
    }

    fn accept(&mut self) {
        let Some(acceptor) = &mut self.acceptor else {
            return;
        };
        for _ in 0..limits::ACCEPTED {
            if !self.clients.make_room() {
                return;
            }
            let Some((stream, peer)) = acceptor.accept(self.now) else {
                break;
            };
            if let Err(error) = self.clients.add(stream, peer, self.now) {
                acceptor.pause(&error, self.now);
            }
        }
        if self.stop.is_some() && !acceptor.is_ready() {
            self.acceptor = None;
        }
    }

    /// Does one thing for a client.
    fn advance(&mut self, key: usize) {
        match self.clients.get(key).state {
            State::Deferred | State::Waiting { .. } => {}
            State::Sending { after } => match self.clients.change(key, Client::flush) {
                Ok(()) => self.sent(key, after),
                Err(_) => self.clients.remove(key),
            },
            State::Lingering => {
                let mut scratch = mem::take(&mut self.scratch);
                self.read(key, &mut scratch);
                self.scratch = scratch;
            }
            State::Idle | State::Receiving { .. } => self.receive(key),
        }
    }

    /// Reads once; `None` if there is nothing, or the client has left, which removes it.
    fn read(&mut self, key: usize, scratch: &mut [u8]) -> Option<usize> {
        if !self.clients.get(key).readable {
            return None;
        }
        match self.clients.change(key, |client| client.read(scratch)) {
            Arrived::Bytes(count) => {
                if self.clients.get(key).readable {
                    self.clients.enqueue(key);
                }
                Some(count)
            }
            Arrived::Nothing => None,
            Arrived::End => {
                self.clients.remove(key);
                None
            }
        }
    }

    /// Takes the next request, from what is kept or from the socket. A head that arrives whole is
    /// parsed where it was read.
    fn receive(&mut self, key: usize) {
        let client = self.clients.get(key);
        let peer = client.peer;
        let (seen, wants_more) = match client.state {
            State::Receiving { seen } => (seen, true),
            _ => (0, client.input.is_empty()),
        };
        let mut scratch = mem::take(&mut self.scratch);
        let arrived = if wants_more {
            self.read(key, &mut scratch)
        } else {
            Some(0)
        };
        if let Some(count) = arrived {
            let arrived = &scratch[..count];
            let mut kept = self
                .clients
                .change(key, |client| mem::take(&mut client.input));
            let next = if kept.is_empty() {
                let (taken, next) = self.judge(key, peer, arrived, seen);
                kept.append([&arrived[taken..]], 0);
                next
            } else {
                kept.append([arrived], 0);
                let (taken, next) = self.judge(key, peer, &kept, seen);
                kept.take(taken);
                next
            };
            self.clients.change(key, |client| client.input = kept);
            self.follow(key, next);
        }
        self.scratch = scratch;
    }

    /// Judges what a client has sent, and forwards it if it is a GET or HEAD. Returns how many bytes of it
    /// are done with.
    fn judge(&mut self, key: usize, peer: IpAddr, bytes: &[u8], seen: usize) -> (usize, Next) {
        let mut fields = NO_FIELDS;
        let (head, length) = match head::parse(bytes, seen, &mut fields) {
            Ok(None) => return (0, Next::Receive(bytes.len())),
            Ok(Some(parsed)) => parsed,
            Err(refusal) => return (bytes.len(), self.refuse(None, peer, refusal)),
        };
        let (after, next) = match rules::action(&head) {
            Ok(Action::Forward(after)) => {
                if !self.upstream.forward(key, &head, peer) {
                    return (0, Next::Defer);
                }
                let head_only = head.is_head();
                (after, Next::Wait { head_only, after })
            }
            Ok(Action::Options(after)) => {
                let response = Response::options();
                self.log(Some(&head), peer, &response, None);
                (after, Next::Respond(response.to_bytes(false), after))
            }
            Err(refusal) => (After::Linger, self.refuse(Some(&head), peer, refusal)),
        };
        // What follows a body, or should not be there, is never taken for a request.
        let is_last = after == After::Linger;
        (if is_last { bytes.len() } else { length }, next)
    }

    /// The response to a request that is refused; `head` is what could be read of it.
    fn refuse(&mut self, head: Option<&Head<'_>>, peer: IpAddr, refusal: Refusal) -> Next {
        let response = Response::refusal(refusal.status, refusal.reason);
        self.log(head, peer, &response, Some(refusal.reason));
        let head_only = head.is_some_and(Head::is_head);
        Next::Respond(response.to_bytes(head_only), After::Linger)
    }

    /// Counts and logs an answer that is not the service's.
    fn log(
        &mut self,
        head: Option<&Head<'_>>,
        peer: IpAddr,
        response: &Response,
        reason: Option<&str>,
    ) {
        self.answered += 1;
        let request = forward::request(head, peer);
        if let Some(line) = answer::log(&request, &self.reading, response, reason) {
            line.log();
        }
    }

    fn follow(&mut self, key: usize, next: Next) {
        let now = self.now;
        match next {
            Next::Receive(seen) => {
                let state = State::Receiving { seen };
                self.clients.change(key, |client| match client.state {
                    // The time counts from the first byte.
                    State::Receiving { .. } => client.state = state,
                    _ => client.enter(state, now),
                });
                self.keep_within_budget();
            }
            Next::Defer => {
                self.clients.defer(key, now);
                self.keep_within_budget();
            }
            Next::Wait { head_only, after } => {
                let state = State::Waiting { head_only, after };
                self.clients.change(key, |client| client.enter(state, now));
                self.keep_within_budget();
            }
            Next::Respond(response, after) => {
                let head = memmem::find(&response, b"\r\n\r\n").map_or(0, |at| at + 4);
                self.send(key, &response, head, after);
            }
        }
    }

    /// Those that keep most make room for the others.
    fn keep_within_budget(&mut self) {
        while let Some(key) = self.clients.over_budget() {
            let client = self.clients.get(key);
            match client.state {
                State::Idle | State::Receiving { .. } | State::Deferred => {
                    let next = self.refuse(None, client.peer, refusal::NO_MEMORY);
                    self.clients.change(key, |client| client.input.clear());
                    self.follow(key, next);
                }
                // What it sent behind its request is ignored, and its response says so.
                State::Waiting { head_only, .. } => self.clients.change(key, |client| {
                    client.input.clear();
                    let after = After::Linger;
                    client.state = State::Waiting { head_only, after };
                }),
                State::Sending { .. } | State::Lingering => self.clients.remove(key),
            }
        }
    }

    /// Relays the responses that have arrived.
    fn relay(&mut self) -> Result<(), Fault> {
        let mut input = self.upstream.take_input();
        while let Some(key) = self.upstream.next() {
            let State::Waiting { head_only, after } = self.clients.get(key).state else {
                unreachable!("it is not read, sent to or removed before its response has come");
            };
            let Some(Frame { head, total }) = upstream::frame(&input, head_only)? else {
                break;
            };
            self.upstream.answer();
            self.send(key, &input[..total], head, after);
            input.take(total);
        }
        self.upstream.put_back(input)
    }

    /// Sends a response, of which the head is that long, and what it says about the connection.
    fn send(&mut self, key: usize, response: &[u8], head: usize, after: After) {
        let after = match after {
            After::Persist | After::KeepAlive if self.stop.is_some() => After::Close,
            after => after,
        };
        let field = match after {
            After::Persist => "",
            After::KeepAlive => "Connection: keep-alive\r\n",
            After::Close | After::Linger => "Connection: close\r\n",
        };
        let (head, rest) = response.split_at(head - "\r\n".len());
        let pieces = [head, field.as_bytes(), rest];
        match self.clients.change(key, |client| client.send(pieces)) {
            Ok(()) => self.sent(key, after),
            Err(_) => self.clients.remove(key),
        }
    }

    /// What comes after a response, or after a part of it.
    fn sent(&mut self, key: usize, after: After) {
        let now = self.now;
        let client = self.clients.get(key);
        if !client.output.is_empty() {
            if !matches!(client.state, State::Sending { .. }) {
                let state = State::Sending { after };
                self.clients.change(key, |client| client.enter(state, now));
                self.clients.await_writable(key);
                self.keep_within_budget();
            }
        } else if after == After::Persist || after == After::KeepAlive {
            let is_ready = client.readable || !client.input.is_empty();
            self.clients
                .change(key, |client| client.enter(State::Idle, now));
            if is_ready {
                self.clients.enqueue(key);
            }
        } else if client.must_linger(after) {
            self.clients.change(key, |client| {
                client.input.clear();
                client.shut_down();
                client.enter(State::Lingering, now);
            });
            self.clients.enqueue(key);
        } else {
            self.clients.remove(key);
        }
    }

    /// Ends some of what has taken too long.
    fn expire(&mut self) {
        for _ in 0..limits::EXPIRED {
            let Some(key) = self.expired.pop() else {
                break;
            };
            // It may have gone on, or made room for another.
            let client = self.clients.find(key);
            let Some(client) = client.filter(|client| client.is_expired(self.now)) else {
                continue;
            };
            if let State::Receiving { .. } = client.state {
                let next = self.refuse(None, client.peer, refusal::TOO_SLOW);
                self.clients.change(key, |client| client.input.clear());
                self.follow(key, next);
            } else {
                self.clients.remove(key);
            }
        }
    }

    fn begin_to_stop(&mut self) {
        let Ok(signal) = self.signals.try_recv() else {
            return;
        };
        self.stop = Some(Stop {
            signal,
            since: self.now,
            active: self.now,
        });
        self.acceptor = self.acceptor.take().and_then(Acceptor::finish);
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
    Ok(descriptors
        .saturating_sub(limits::RESERVED_DESCRIPTORS)
        .max(1))
}
