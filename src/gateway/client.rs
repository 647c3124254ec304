//! One client's connection: its socket, what is kept for it, and what it is doing.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{IpAddr, Shutdown};
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::buffer::Buffer;
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
    pub input: Buffer,
    /// What has not been sent yet of the response.
    pub output: Buffer,
    /// There may be something to read: readiness is told only once.
    pub readable: bool,
    /// The client sends no more (or is gone), which is told only once, too.
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
    /// Its request is large, and another one is with the service. It is not read meanwhile.
    Deferred,
    /// Its request is with the service. It is not read meanwhile.
    Waiting { head_only: bool, after: After },
    /// Its response did not fit into the send buffer.
    Sending { after: After },
    /// Its response is sent. What it still sends is discarded.
    Lingering,
}

/// What came of reading.
pub enum Arrived {
    /// This many bytes.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The end, or an error.
    End,
}

impl Client {
    pub fn new(stream: TcpStream, peer: IpAddr, now: Instant) -> Self {
        Self {
            stream,
            peer,
            state: State::Idle,
            since: now,
            input: Buffer::default(),
            output: Buffer::default(),
            readable: false,
            half_closed: false,
            queued: false,
        }
    }

    pub fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.since = now;
    }

    /// How long it may take for what it is doing, if that is limited.
    fn time(&self) -> Option<Duration> {
        match self.state {
            State::Idle | State::Deferred | State::Waiting { .. } => None,
            State::Receiving { .. } => Some(limits::HEAD_TIME),
            State::Sending { .. } => Some(limits::RESPONSE_TIME),
            State::Lingering => Some(limits::LINGER_TIME),
        }
    }

    /// Whether that time is over.
    pub fn is_expired(&self, now: Instant) -> bool {
        self.time().is_some_and(|time| now - self.since >= time)
    }

    /// Memory that is kept for it, in bytes.
    pub fn kept(&self) -> usize {
        self.input.capacity() + self.output.capacity()
    }

    /// Reads once, into `scratch`.
    pub fn read(&mut self, scratch: &mut [u8]) -> Arrived {
        match self.stream.read(scratch) {
            Ok(0) => Arrived::End,
            Ok(count) => {
                // Less than there was room for is all there is (epoll(7)).
                self.readable = count == scratch.len() || self.half_closed;
                Arrived::Bytes(count)
            }
            Err(error) if is_temporary(&error) => {
                self.readable = error.kind() == ErrorKind::Interrupted;
                Arrived::Nothing
            }
            Err(_) => Arrived::End,
        }
    }

    /// Sends a response, and keeps what does not fit into the send buffer.
    ///
    /// # Errors
    /// The client has left.
    pub fn send(&mut self, pieces: [&[u8]; 3]) -> io::Result<()> {
        let sent = match self.stream.write_vectored(&pieces.map(IoSlice::new)) {
            Err(error) if is_temporary(&error) => 0,
            result => result?,
        };
        if sent < pieces.iter().map(|piece| piece.len()).sum() {
            self.output.append(pieces, sent);
        }
        Ok(())
    }

    /// Sends what is kept.
    ///
    /// # Errors
    /// The client has left.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(sent) => self.output.take(sent),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether it must be read to its end before it is closed: data that was not read would turn the
    /// close into a reset, which may destroy the response (RFC 9112, section 9.6).
    pub fn must_linger(&self, after: After) -> bool {
        let left = self.readable || !self.input.is_empty();
        match after {
            After::Persist | After::KeepAlive => false,
            After::Close => left && !self.half_closed,
            After::Linger => true,
        }
    }

    /// Tells the client that nothing more will come.
    pub fn shut_down(&self) {
        // An error says that it has left, which the next read says too.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
