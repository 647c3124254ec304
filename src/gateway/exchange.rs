//! An exchange: a request is received, judged, and forwarded or answered here; its response is sent.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::IpAddr;

use memchr::memmem;

use super::client::{self, State};
use super::head::{self, Head, NO_FIELDS};
use super::rules::{self, Action, After, Refusal, refusal};
use super::upstream;
use super::{Gateway, forward};
use crate::answer;
use crate::answer::response::{Response, Status};

/// What becomes of a client that has sent something.
enum Next {
    Enter(State),
    Respond(Vec<u8>, After),
}

impl Gateway {
    /// Does one thing for a client.
    pub(super) fn advance(&mut self, key: usize, scratch: &mut [u8]) {
        match self.clients.all[key].state {
            State::Deferred | State::Waiting { .. } => {}
            State::Idle | State::Receiving { .. } => self.receive(key, scratch),
            State::Sending { after } => match self.clients.all[key].flush() {
                Ok(()) => self.sent(key, after),
                Err(_) => self.clients.remove(key),
            },
            State::Lingering => {
                if self.clients.all[key].read(scratch).is_none() {
                    self.clients.remove(key);
                }
            }
        }
        self.settle(key);
    }

    /// Takes the next request, from what is kept or from the socket. A head that arrives whole is
    /// parsed where it was read.
    pub(super) fn receive(&mut self, key: usize, scratch: &mut [u8]) {
        let client = &mut self.clients.all[key];
        let (seen, is_complete) = match client.state {
            State::Receiving { seen } => (seen, false),
            _ => (0, !client.input.is_empty()),
        };
        let mut count = 0;
        if !is_complete {
            match client.read(scratch) {
                None => return self.clients.remove(key),
                Some(0) => return,
                Some(read) => count = read,
            }
        }
        let (peer, mut kept) = (client.peer, mem::take(&mut client.input));
        let is_kept = !kept.is_empty();
        if is_kept {
            kept.extend_from_slice(&scratch[..count]);
        }
        let bytes = if is_kept { &kept } else { &scratch[..count] };
        let (taken, next) = self.judge(key, peer, bytes, seen);
        if is_kept {
            client::take(&mut kept, taken);
        } else {
            kept.extend_from_slice(&scratch[taken..count]);
        }
        let client = &mut self.clients.all[key];
        client.input = kept;
        match next {
            Next::Respond(response, after) => self.respond(key, &response, after),
            Next::Enter(state) => {
                match (client.state, state) {
                    // The time counts from the first byte.
                    (State::Receiving { .. }, State::Receiving { .. }) => client.state = state,
                    _ => client.enter(state, self.now),
                }
                if state == State::Deferred {
                    self.clients.defer(key);
                }
            }
        }
    }

    /// Judges what a client has sent, and forwards it if it is a GET or HEAD. Returns how many bytes of
    /// it are done with.
    fn judge(&mut self, key: usize, peer: IpAddr, bytes: &[u8], seen: usize) -> (usize, Next) {
        let mut fields = NO_FIELDS;
        let (head, length) = match head::parse(bytes, seen, &mut fields) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => {
                let seen = bytes.len();
                return (0, Next::Enter(State::Receiving { seen }));
            }
            Err(refusal) => return (bytes.len(), self.refuse(None, peer, refusal)),
        };
        let next = match rules::action(&head) {
            Ok(Action::Forward(after)) => {
                if !self.upstream.forward(key, &head, peer) {
                    return (0, Next::Enter(State::Deferred));
                }
                let head_only = head.is_head();
                Next::Enter(State::Waiting { head_only, after })
            }
            Ok(Action::Options(after)) => {
                let response = Response::options();
                self.log(Some(&head), peer, &response, None);
                Next::Respond(response.to_bytes(false), after)
            }
            Err(refusal) => self.refuse(Some(&head), peer, refusal),
        };
        (length, next)
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

    /// Relays the responses that have arrived.
    pub(super) fn relay(&mut self) -> io::Result<()> {
        let mut input = mem::take(&mut self.upstream.input);
        let mut relayed = 0;
        while let Some(key) = self.upstream.next() {
            let State::Waiting { head_only, after } = self.clients.all[key].state else {
                unreachable!("it is not read, sent to or removed before its response has come");
            };
            let Some((head, all)) = upstream::frame(&input[relayed..], head_only)? else {
                break;
            };
            self.upstream.answer();
            self.send(key, &input[relayed..relayed + all], head, after);
            self.settle(key);
            relayed += all;
        }
        client::take(&mut input, relayed);
        if self.upstream.next().is_none() && !input.is_empty() {
            let reason = "tiny_http has sent a response too many";
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        }
        self.upstream.input = input;
        Ok(())
    }

    fn respond(&mut self, key: usize, response: &[u8], after: After) {
        let head = memmem::find(response, b"\r\n\r\n").map_or(0, |at| at + 4);
        self.send(key, response, head, after);
    }

    /// Sends a response, of which the head is that long, and says what the connection does afterwards.
    fn send(&mut self, key: usize, response: &[u8], head: usize, after: After) {
        let after = match after {
            After::Persist | After::KeepAlive if self.stop.is_some() => After::Close,
            after => after,
        };
        let (head, rest) = response.split_at(head - "\r\n".len());
        let client = &mut self.clients.all[key];
        match client.send([head, after.field().as_bytes(), rest]) {
            Err(_) => self.clients.remove(key),
            Ok(()) if client.output.is_empty() => self.sent(key, after),
            Ok(()) => {
                client.enter(State::Sending { after }, self.now);
                self.clients.await_writable(key);
            }
        }
    }

    /// What comes after a response, if all of it is sent.
    fn sent(&mut self, key: usize, after: After) {
        let client = &mut self.clients.all[key];
        let has_more = client.readable || !client.input.is_empty();
        match after {
            _ if !client.output.is_empty() => {}
            After::Persist | After::KeepAlive => client.enter(State::Idle, self.now),
            After::Close if !has_more => self.clients.remove(key),
            // Data that was not read would turn the close into a reset, which may destroy the response.
            // What follows a body, or should not be there, is never taken for a request.
            After::Close | After::Linger => {
                client.input = Vec::new();
                client.enter(State::Lingering, self.now);
                // An error says that it has left, as the next read does.
                let _ = client.stream.shutdown(std::net::Shutdown::Write);
            }
        }
    }

    /// Sees whether there is more to do for a client. Those that keep most make room for the others.
    pub(super) fn settle(&mut self, key: usize) {
        self.clients.settle(key);
        while let Some(key) = self.clients.over_budget() {
            let reason = "Too many requests are incomplete.";
            self.give_up(key, refusal(Status::SERVICE_UNAVAILABLE, reason));
            self.clients.settle(key);
        }
    }

    /// Ends what a client is doing: an incomplete request is refused.
    pub(super) fn give_up(&mut self, key: usize, refusal: Refusal) {
        let client = &mut self.clients.all[key];
        match client.state {
            State::Idle | State::Receiving { .. } | State::Deferred => {
                client.input = Vec::new();
                let peer = client.peer;
                if let Next::Respond(response, after) = self.refuse(None, peer, refusal) {
                    self.respond(key, &response, after);
                }
            }
            // What it sent behind its request is ignored, and its response says so.
            State::Waiting { head_only, .. } => {
                client.input = Vec::new();
                let after = After::Linger;
                client.state = State::Waiting { head_only, after };
            }
            State::Sending { .. } | State::Lingering => self.clients.remove(key),
        }
    }
}
