//! The Unix connection to tiny_http: requests go out in one write per turn of the loop, and responses
//! come back in the same order. Nothing that a client sends leads to an error here.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;
use std::os::unix::net;
use std::str;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use super::head::Head;
use super::{forward, limits};

/// The connection, and whose requests are on it.
pub struct Upstream {
    stream: UnixStream,
    /// What is left to be sent of the requests.
    output: Vec<u8>,
    /// The start of a response.
    pub input: Vec<u8>,
    /// The clients whose requests were forwarded, oldest first.
    waiting: VecDeque<usize>,
    /// The one of them whose request is large.
    large: Option<usize>,
    /// There may be something to read: the kernel says so only once.
    pub readable: bool,
    /// Responses so far.
    pub answered: u64,
    /// How many there were at the last tick, and at how many ticks that has not changed.
    watched: (u64, u32),
}

impl Upstream {
    /// Requests go to the other end of `stream`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(stream: net::UnixStream, registry: &Registry, token: Token) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            output: Vec::new(),
            input: Vec::new(),
            waiting: VecDeque::new(),
            large: None,
            readable: false,
            answered: 0,
            watched: (0, 0),
        })
    }

    /// Whether as many requests wait as may.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= limits::WAITING
    }

    /// Whether a large request waits, so that no other such may be forwarded.
    pub fn has_large(&self) -> bool {
        self.large.is_some()
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
    pub fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        match self.stream.write(&self.output) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => drop(self.output.drain(..result?)),
        }
        Ok(())
    }

    /// Reads responses; returns whether there was something to read.
    ///
    /// # Errors
    /// tiny_http has left.
    pub fn read(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        if !self.readable {
            return Ok(false);
        }
        match self.stream.read(scratch) {
            Ok(0) => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "tiny_http has closed the connection",
            )),
            Ok(count) => {
                self.readable = count == scratch.len();
                self.input.extend_from_slice(&scratch[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whose response comes next.
    pub fn next(&self) -> Option<usize> {
        self.waiting.front().copied()
    }

    /// That response has come.
    pub fn answer(&mut self) {
        let client = self.waiting.pop_front();
        self.large = self.large.filter(|large| Some(*large) != client);
        self.answered += 1;
    }

    /// Watches that requests are answered.
    ///
    /// # Errors
    /// None was for too long.
    pub fn tick(&mut self) -> io::Result<()> {
        let (answered, ticks) = self.watched;
        self.watched = if self.waiting.is_empty() || answered != self.answered {
            (self.answered, 0)
        } else {
            (answered, ticks + 1)
        };
        if self.watched.1 < limits::LATE {
            Ok(())
        } else {
            Err(io::Error::new(
                ErrorKind::TimedOut,
                "a request was not answered in 5 s",
            ))
        }
    }
}

/// The lengths of the head, and of all, of the response at the start of `bytes`; `None` if it is
/// incomplete.
///
/// # Errors
/// It is no response.
pub fn frame(bytes: &[u8], head_only: bool) -> io::Result<Option<(usize, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut fields);
    let wrong = || io::Error::new(ErrorKind::InvalidData, "tiny_http has sent no response");
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(|_| wrong())? else {
        return Ok(None);
    };
    let mut fields = response.headers.iter();
    let length = fields.find(|field| field.name == "Content-Length");
    let length = length.and_then(|field| str::from_utf8(field.value).ok()?.parse().ok());
    let content: usize = length.ok_or_else(wrong)?;
    let all = head + if head_only { 0 } else { content };
    Ok((all <= bytes.len()).then_some((head, all)))
}
