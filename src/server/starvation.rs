//! Starvation: answers connections that tiny_http has accepted but that no thread reads.
//!
//! `keep_alive` says why there are such connections. While the connections before them do not end,
//! and an undroppable request never does, no thread comes free for them. So a request of which
//! nothing has been read yet is taken from the socket and answered here, with `Connection: close`.
//! When tiny_http's thread gets to the connection at last, it finds that it has ended.
//!
//! SECURITY: a request is taken only if the kernel says that not one byte of its connection has
//! ever been read. Otherwise the middle of a body could pass for a request.
//!
//! Rejected: connecting to ourselves, so that a thread comes free (needs the network that the unit
//! takes away); ending other clients' connections for it (they may be half-way through a request);
//! ending the process (the connection is lost, and so are others); receive timeouts on the listening
//! socket (`accept` then fails, and tiny_http stops); several servers on one socket (each starves).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use tiny_http::{HTTPVersion, Header, Method};

use super::connections;

/// A thread that has been woken reads within this time, unless the machine is overloaded.
const PAUSE: Duration = Duration::from_millis(20);

/// A look costs some 2 us per descriptor. The pause that follows is this many times as long, so that
/// looking takes 1 % of a processor, or 4 % while connections are likely to starve.
const REST: u32 = 99;
const REST_WHEN_LIKELY: u32 = 24;

/// But no longer than this, even if the process was stopped during the look: 8,000 idle connections
/// cost 4 % of a processor.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// More than a load balancer lets through, in bytes.
const MAX_HEAD: usize = 80 * 1024;

/// When to look again.
pub struct Starvation {
    next_look: Instant,
}

/// A request that was taken from its connection.
pub struct Starved {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) version: HTTPVersion,
    pub(super) headers: Vec<Header>,
    pub(super) peer: SocketAddr,
    descriptor: OwnedFd,
}

impl Starvation {
    /// The first look may come at once.
    pub fn new() -> Self {
        Self {
            next_look: Instant::now(),
        }
    }

    /// Takes the requests of which nothing is read, one at a time; none before the next look is
    /// due, which is sooner if they are `likely`.
    pub fn find(&mut self, likely: bool) -> impl Iterator<Item = Starved> + use<> {
        self.look(likely)
            .into_iter()
            .filter_map(|(peer, descriptor)| take(peer, descriptor))
    }

    /// The connections that two looks found unread.
    fn look(&mut self, likely: bool) -> BTreeMap<SocketAddr, RawFd> {
        let begin = Instant::now();
        if begin < self.next_look {
            return BTreeMap::new();
        }
        let before = unread_connections();
        let rest = if likely || !before.is_empty() {
            REST_WHEN_LIKELY
        } else {
            REST
        };
        self.next_look = Instant::now() + (begin.elapsed() * rest).min(LONGEST_REST);
        if before.is_empty() {
            return before;
        }
        thread::sleep(PAUSE);
        let mut unread = unread_connections();
        unread.retain(|peer, _| before.contains_key(peer));
        unread
    }
}

impl Starved {
    /// Answers the request and ends its connection.
    pub fn respond(self, response: &[u8]) {
        // Ignore disconnects. What exceeds an empty send buffer, some 80 kB, is cut off.
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let _ = send(self.descriptor.as_raw_fd(), response, flags);
        connections::end(self.descriptor.as_raw_fd());
    }
}

/// The connections that have sent something of which nothing has been read.
fn unread_connections() -> BTreeMap<SocketAddr, RawFd> {
    let mut buffer = vec![0; MAX_HEAD];
    connections::descriptors()
        .filter(|descriptor| unread(*descriptor, &mut buffer).is_some())
        .filter_map(|descriptor| Some((connections::peer(descriptor)?, descriptor)))
        .collect()
}

/// How many bytes a connection has sent, if none has been read; they are copied to the buffer.
fn unread(descriptor: RawFd, buffer: &mut [u8]) -> Option<usize> {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    let waiting = |buffer: &mut [u8]| recv(descriptor, buffer, flags).ok().filter(|&n| n > 0);
    waiting(&mut buffer[..1])?;
    // Asked for first: bytes that arrive in between must not pass for bytes that were read.
    let received = connections::bytes_received(descriptor)?;
    waiting(buffer).filter(|&count| count as u64 >= received)
}

/// Takes a complete request from a connection; leaves everything else to tiny_http.
fn take(peer: SocketAddr, descriptor: RawFd) -> Option<Starved> {
    // If its client leaves meanwhile, tiny_http's descriptor may become another connection's.
    let own = connections::duplicate(descriptor)?;
    let descriptor = own.as_raw_fd();
    if connections::peer(descriptor) != Some(peer) {
        return None;
    }
    let mut bytes = vec![0; MAX_HEAD];
    let count = unread(descriptor, &mut bytes)?;
    let (method, target, version, headers) = parse(&bytes[..count])?;
    let mut taken = vec![0; count];
    let result = recv(descriptor, &mut taken, MsgFlags::MSG_DONTWAIT);
    if result == Err(Errno::EAGAIN) {
        return None;
    }
    if result != Ok(count) || taken != bytes[..count] {
        // tiny_http's thread has just begun to read: neither has the whole request now.
        connections::end(descriptor);
        return None;
    }
    Some(Starved {
        method,
        target,
        version,
        headers,
        peer,
        descriptor: own,
    })
}

/// Parses a head as tiny_http does; `None` if it is incomplete, or malformed in tiny_http's eyes.
fn parse(bytes: &[u8]) -> Option<(Method, String, HTTPVersion, Vec<Header>)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end])
        .ok()
        .filter(|head| head.is_ascii())?;
    let mut lines = head.split("\r\n").map(str::trim);
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let version = match words.next()? {
        "HTTP/1.0" => HTTPVersion(1, 0),
        "HTTP/1.1" => HTTPVersion(1, 1),
        _ => return None,
    };
    let headers = lines.map(|line| line.parse().ok()).collect::<Option<_>>()?;
    Some((method, target, version, headers))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    const GET: &[u8] = b"GET /path HTTP/1.1\r\nHost: test\r\n\r\n";

    /// A client that has sent these bytes, and the server's end of its connection.
    fn connection(bytes: &[u8]) -> (TcpStream, TcpStream, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(bytes).unwrap();
        let (server, peer) = listener.accept().unwrap();
        server.peek(&mut [0]).unwrap();
        (client, server, peer)
    }

    #[test]
    fn a_request_that_nobody_reads_is_answered() {
        let (mut client, server, peer) = connection(GET);
        let starved = take(peer, server.as_raw_fd()).unwrap();
        assert_eq!((&starved.method, &*starved.target), (&Method::Get, "/path"));
        assert_eq!(starved.headers[0].to_string(), "Host: test");
        starved.respond(b"response");
        let mut response = String::new();
        client.read_to_string(&mut response).unwrap();
        assert_eq!(response, "response");
    }

    #[test]
    fn a_client_that_has_said_all_is_answered_too() {
        let (client, server, peer) = connection(GET);
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(take(peer, server.as_raw_fd()).is_some());
    }

    #[test]
    fn a_body_never_passes_for_a_request() {
        let head = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 37\r\n\r\n";
        let (_client, mut server, peer) = connection(&[head, GET].concat());
        server.read_exact(&mut vec![0; head.len()]).unwrap();
        let mut buffer = vec![0; MAX_HEAD];
        assert_eq!(
            server.peek(&mut buffer).unwrap(),
            GET.len(),
            "a request is all that is left"
        );
        assert!(take(peer, server.as_raw_fd()).is_none());
    }

    #[test]
    fn what_is_incomplete_or_malformed_is_left_alone() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: test\r\n"[..],
            b"GET /\r\n\r\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: \xff\r\n\r\n",
        ] {
            let (_client, server, peer) = connection(bytes);
            assert!(take(peer, server.as_raw_fd()).is_none(), "{bytes:?}");
            let mut left = vec![0; bytes.len()];
            assert_eq!(server.peek(&mut left).unwrap(), bytes.len());
        }
    }

    #[test]
    fn looking_finds_the_connection_among_all_descriptors() {
        let (_client, server, peer) = connection(GET);
        let descriptors = unread_connections();
        assert_eq!(descriptors[&peer], server.as_raw_fd());
    }
}
