//! The Unix connection to tiny_http: requests go out in one write per turn of the loop, and responses
//! come back in the same order.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::IpAddr;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use super::buffer::Buffer;
use super::fault::Fault;
use super::head::Head;
use super::{forward, limits};

/// Fields that a response of the service has at most.
const FIELDS: usize = 16;

/// The connection, and whose requests are on it.
pub struct Upstream {
    stream: UnixStream,
    /// Requests, of which the first bytes are sent.
    output: Vec<u8>,
    sent: usize,
    /// The start of a response.
    input: Buffer,
    /// The clients whose requests were forwarded, oldest first.
    waiting: VecDeque<usize>,
    /// The one of them whose request is large.
    large: Option<usize>,
    readable: bool,
    answered: u64,
    /// How many had been answered at the last tick, and at how many ticks that was the same.
    watched: (u64, u32),
}

/// Where a response ends.
pub struct Frame {
    /// The length of its head.
    pub head: usize,
    /// The length of all of it.
    pub total: usize,
}

impl Upstream {
    /// A connection to tiny_http, which does not block.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(mut stream: UnixStream, registry: &Registry, token: Token) -> io::Result<Self> {
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            output: Vec::new(),
            sent: 0,
            input: Buffer::default(),
            waiting: VecDeque::new(),
            large: None,
            readable: false,
            answered: 0,
            watched: (0, 0),
        })
    }

    /// There may be something to read.
    pub fn set_readable(&mut self) {
        self.readable = true;
    }

    /// Whether as many requests wait as may.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= limits::WAITING
    }

    /// Whether a large request waits, so that no other one may be forwarded.
    pub fn has_large(&self) -> bool {
        self.large.is_some()
    }

    /// Requests answered since the start.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Forwards a client's request with the next [`Upstream::flush`], unless it is large and another
    /// such waits. Returns whether it did.
    pub fn forward(&mut self, client: usize, head: &Head<'_>, peer: IpAddr) -> bool {
        let start = self.output.len();
        forward::write(head, peer, &mut self.output);
        if self.output.len() - start > limits::LARGE {
            if self.has_large() {
                self.output.truncate(start);
                return false;
            }
            self.large = Some(client);
        }
        self.waiting.push_back(client);
        true
    }

    /// Sends what has been forwarded. What does not fit is sent when the kernel says so, or earlier.
    ///
    /// # Errors
    /// tiny_http has left.
    pub fn flush(&mut self) -> Result<(), Fault> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Upstream(error.to_string())),
            }
        }
        // Moving the rest costs no more than sending did.
        if self.sent > self.output.len() / 2 {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        Ok(())
    }

    /// Reads responses; returns whether there was something to read.
    ///
    /// # Errors
    /// tiny_http has left.
    pub fn read(&mut self, scratch: &mut [u8]) -> Result<bool, Fault> {
        if !self.readable {
            return Ok(false);
        }
        match self.stream.read(scratch) {
            Ok(0) => Err(Fault::Upstream("it was closed".into())),
            Ok(count) => {
                self.readable = count == scratch.len();
                self.input.append([&scratch[..count]], 0);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(Fault::Upstream(error.to_string())),
        }
    }

    /// Whose response comes next.
    pub fn next(&self) -> Option<usize> {
        self.waiting.front().copied()
    }

    /// Takes what has arrived of the responses.
    pub fn take_input(&mut self) -> Buffer {
        mem::take(&mut self.input)
    }

    /// Puts back what is left of it.
    ///
    /// # Errors
    /// It is nobody's response.
    pub fn put_back(&mut self, input: Buffer) -> Result<(), Fault> {
        if self.waiting.is_empty() && !input.is_empty() {
            return Err(Fault::Upstream("it sent too much".into()));
        }
        self.input = input;
        Ok(())
    }

    /// The next response is being relayed.
    pub fn answer(&mut self) {
        if self.waiting.pop_front() == self.large {
            self.large = None;
        }
        self.answered += 1;
    }

    /// Watches that requests are answered.
    ///
    /// # Errors
    /// The oldest has waited for too long.
    pub fn tick(&mut self) -> Result<(), Fault> {
        let (answered, ticks) = self.watched;
        self.watched = if self.waiting.is_empty() || answered != self.answered {
            (self.answered, 0)
        } else {
            (answered, ticks + 1)
        };
        if self.watched.1 < limits::LATE {
            Ok(())
        } else {
            Err(Fault::Late)
        }
    }
}

/// Where the response at the start of `bytes` ends; `None` if it is incomplete.
///
/// # Errors
/// It is no response.
pub fn frame(bytes: &[u8], head_only: bool) -> Result<Option<Frame>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(bytes);
    let wrong = || Fault::Upstream("it sent no response".into());
    let httparse::Status::Complete(head) = parsed.map_err(|_| wrong())? else {
        return Ok(None);
    };
    let mut fields = response.headers.iter();
    let length = fields.find(|field| field.name == "Content-Length");
    let length = length.and_then(|field| str::from_utf8(field.value).ok()?.parse().ok());
    let content: usize = length.ok_or_else(wrong)?;
    let total = head + if head_only { 0 } else { content };
    Ok((total <= bytes.len()).then_some(Frame { head, total }))
}
