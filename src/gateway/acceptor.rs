//! The listening socket.

use std::io::{self, ErrorKind};
use std::net::{self, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::limits;

/// Accepts connections.
pub struct Acceptor {
    socket: TcpListener,
    /// It belongs to the service manager: connections that wait on it are for the next process. Those
    /// that wait on our own are lost when it is closed.
    pub is_handed_over: bool,
    /// Connections may be waiting: the kernel says so only once.
    pub is_ready: bool,
    /// The process has run out of descriptors or memory.
    failing: bool,
}

impl Acceptor {
    /// Accepts on this socket.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(
        socket: net::TcpListener,
        is_handed_over: bool,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Accepted connections inherit it.
        SockRef::from(&socket).set_tcp_notsent_lowat(limits::UNSENT)?;
        let mut socket = TcpListener::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self {
            socket,
            is_handed_over,
            is_ready: true,
            failing: false,
        })
    }

    /// The next connection, if there is one.
    pub fn accept(&mut self) -> Option<(TcpStream, SocketAddr)> {
        match self.socket.accept() {
            Ok(accepted) => {
                self.failing = false;
                return Some(accepted);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_ready = false,
            // The client has left before.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !self.failing {
                    log::warn!(target: "publicip_poc", "new connections wait: {error}");
                }
                (self.failing, self.is_ready) = (true, false);
            }
        }
        None
    }

    /// Tries again after a failure.
    pub fn tick(&mut self) {
        self.is_ready |= self.failing;
    }

    /// Stops listening. Another process may have the socket, so that the kernel would go on telling
    /// of it.
    pub fn close(mut self, registry: &Registry) {
        // If this fails, it tells in vain.
        let _ = registry.deregister(&mut self.socket);
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
        let mut acceptor = Acceptor::new(listener, false, poll.registry(), Token(0)).unwrap();
        let _client = net::TcpStream::connect(address).unwrap();
        let (accepted, _) = acceptor.accept().unwrap();
        let unsent = SockRef::from(&accepted).tcp_notsent_lowat().unwrap();
        assert_eq!(unsent, limits::UNSENT);
    }
}
