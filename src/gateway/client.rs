//! One client's connection: its socket, what is kept for it, and what it is doing.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::limits;
use super::rules::After;

/// A client's connection.
pub struct Client {
    pub stream: TcpStream,
    /// Its canonical address.
    pub peer: IpAddr,
    /// What it is doing, and since when.
    pub state: State,
    pub since: Instant,
    /// What has arrived and is not answered yet.
    pub input: Vec<u8>,
    /// What is left to be sent of the response.
    pub output: Vec<u8>,
    /// Memory that has been counted for both, in bytes.
    pub counted: usize,
    /// There may be something to read: the kernel says so only once.
    pub readable: bool,
    /// The client sends no more, or is gone.
    pub half_closed: bool,
    /// It is in the queue of those that have something to do.
    pub queued: bool,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// Nothing: it waits for a request, or for its turn.
    Idle,
    /// It has sent a part of a head, of which the first bytes have been looked at.
    Receiving { seen: usize },
    /// Its request is large, and waits until no other such is with the service.
    Deferred,
    /// Its request is with the service. It is not read meanwhile.
    Waiting { head_only: bool, after: After },
    /// A part of its response did not fit into the send buffer.
    Sending { after: After },
    /// Its response is sent. What it still sends is discarded.
    Lingering,
}

impl Client {
    pub fn new(stream: TcpStream, peer: IpAddr, now: Instant) -> Self {
        Self {
            stream,
            peer,
            state: State::Idle,
            since: now,
            input: Vec::new(),
            output: Vec::new(),
            counted: 0,
            readable: false,
            half_closed: false,
            queued: false,
        }
    }

    pub fn enter(&mut self, state: State, now: Instant) {
        (self.state, self.since) = (state, now);
    }

    /// Whether there is something to do for it.
    pub fn has_work(&self) -> bool {
        match self.state {
            State::Idle => self.readable || !self.input.is_empty(),
            State::Receiving { .. } | State::Lingering => self.readable,
            State::Deferred | State::Waiting { .. } | State::Sending { .. } => false,
        }
    }

    /// Whether it has taken too long.
    pub fn is_expired(&self, now: Instant) -> bool {
        let time = match self.state {
            State::Idle | State::Deferred | State::Waiting { .. } => Duration::MAX,
            State::Receiving { .. } => limits::HEAD_TIME,
            State::Sending { .. } => limits::RESPONSE_TIME,
            State::Lingering => limits::LINGER_TIME,
        };
        now - self.since >= time
    }

    /// Reads once, into `scratch`, and returns how many bytes there were: `None` after the last.
    pub fn read(&mut self, scratch: &mut [u8]) -> Option<usize> {
        if !self.readable {
            return Some(0);
        }
        match self.stream.read(scratch) {
            Ok(0) => None,
            Ok(count) => {
                // Less than there was room for is all there is (epoll(7)), except for the end.
                self.readable = count == scratch.len() || self.half_closed;
                Some(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Some(0)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Some(0),
            Err(_) => None,
        }
    }

    /// Sends a response, and keeps what does not fit into the send buffer.
    ///
    /// # Errors
    /// The client has left.
    pub fn send(&mut self, pieces: [&[u8]; 3]) -> io::Result<()> {
        let mut sent = match self.stream.write_vectored(&pieces.map(IoSlice::new)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            result => result?,
        };
        for piece in pieces {
            let skipped = sent.min(piece.len());
            sent -= skipped;
            self.output.extend_from_slice(&piece[skipped..]);
        }
        Ok(())
    }

    /// Sends what is left.
    ///
    /// # Errors
    /// The client has left.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                result => take(&mut self.output, result?),
            }
        }
        Ok(())
    }
}

/// Takes bytes from the front. What is empty owns no memory.
pub fn take(bytes: &mut Vec<u8>, count: usize) {
    if count < bytes.len() {
        bytes.drain(..count);
    } else {
        *bytes = Vec::new();
    }
}
