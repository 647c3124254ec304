//! The listening socket: accepts connections, and pauses when the process runs out of something.

use std::io::{self, ErrorKind};
use std::net::{self, IpAddr};
use std::time::Instant;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::limits;

/// The log target, which operators filter by.
const LOG: &str = "publicip_poc";

/// A listening socket, and whose it is.
pub enum Listener {
    /// The service manager's: connections that wait on it are for the next process.
    HandedOver(net::TcpListener),
    /// Our own: connections that wait on it are lost when it is closed.
    Bound(net::TcpListener),
}

/// The listening socket.
pub struct Acceptor {
    listener: TcpListener,
    is_bound: bool,
    registry: Registry,
    /// Connections may be waiting: readiness is told only once.
    readable: bool,
    /// Since when accepting fails.
    failing: Option<Instant>,
}

impl Acceptor {
    /// Accepts on `listener`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(listener: Listener, registry: &Registry, token: Token) -> io::Result<Self> {
        let (listener, is_bound) = match listener {
            Listener::HandedOver(listener) => (listener, false),
            Listener::Bound(listener) => (listener, true),
        };
        listener.set_nonblocking(true)?;
        // Accepted connections inherit it.
        SockRef::from(&listener).set_tcp_notsent_lowat(limits::UNSENT)?;
        let mut listener = TcpListener::from_std(listener);
        registry.register(&mut listener, token, Interest::READABLE)?;
        Ok(Self {
            listener,
            is_bound,
            registry: registry.try_clone()?,
            readable: true,
            failing: None,
        })
    }

    /// Accepts no more connections than those that would be lost, if any.
    pub fn finish(mut self) -> Option<Self> {
        if self.is_bound {
            return Some(self);
        }
        // The kernel would go on to tell of a socket that another process has, too. If it refuses,
        // nobody listens.
        let _ = self.registry.deregister(&mut self.listener);
        None
    }

    /// There may be connections.
    pub fn set_readable(&mut self) {
        self.readable = true;
    }

    /// Whether the next call of [`Acceptor::accept`] may return a connection.
    pub fn is_ready(&self) -> bool {
        self.readable && self.failing.is_none()
    }

    /// The next connection, and the canonical address of its other end.
    pub fn accept(&mut self, now: Instant) -> Option<(TcpStream, IpAddr)> {
        if !self.readable || self.failing.is_some_and(|since| now - since < limits::TICK) {
            return None;
        }
        match self.listener.accept() {
            Ok((stream, peer)) => {
                self.failing = None;
                Some((stream, peer.ip().to_canonical()))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                None
            }
            // The client has left before it was accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => None,
            Err(error) if error.kind() == ErrorKind::Interrupted => None,
            Err(error) => {
                self.pause(&error, now);
                None
            }
        }
    }

    /// Accepts nothing for a while. Most likely there are no descriptors or there is no memory.
    pub fn pause(&mut self, error: &io::Error, now: Instant) {
        if self.failing.is_none() {
            log::warn!(target: LOG, "new connections wait: {error}");
        }
        self.failing = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_keeps_little_for_an_accepted_connection() {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let poll = mio::Poll::new().unwrap();
        let listener = Listener::Bound(listener);
        let mut acceptor = Acceptor::new(listener, poll.registry(), Token(0)).unwrap();
        let _client = net::TcpStream::connect(address).unwrap();
        let (accepted, _) = acceptor.accept(Instant::now()).unwrap();
        let unsent = SockRef::from(&accepted).tcp_notsent_lowat().unwrap();
        assert_eq!(unsent, limits::UNSENT);
    }
}
