//! The listening socket: handed over by systemd, else bound here.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// The port when none is set.
const DEFAULT_PORT: u16 = 8080;

/// Connections that wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Why there is no listening socket.
pub enum Error {
    /// What was handed over is not one listening TCP socket.
    HandedOver(String),
    /// The address cannot be listened on.
    Bind(String),
}

/// Takes the socket that was handed over (sd_listen_fds(3)), else binds `address`, or any address
/// and port 8080 when there is none.
///
/// # Errors
/// One line each that says what is wrong and what to do.
pub fn open(address: Option<SocketAddr>) -> Result<TcpListener, Error> {
    let mut handed_over = ListenFd::from_env();
    match handed_over.len() {
        0 => bind_any(address)
            .map_err(|(address, error)| Error::Bind(cannot_listen(address, &error))),
        1 => take(&mut handed_over).map_err(Error::HandedOver),
        count => Err(Error::HandedOver(format!(
            "LISTEN_FDS hands over {count} sockets, expected one: give the socket unit one ListenStream="
        ))),
    }
}

fn take(handed_over: &mut ListenFd) -> Result<TcpListener, String> {
    let wrong =
        |what: String| format!("LISTEN_FDS hands over {what}, expected a listening TCP socket");
    let listener = handed_over
        .take_tcp_listener(0)
        .map_err(|error| wrong(format!("something else ({error})")))?
        .ok_or_else(|| wrong("nothing".into()))?;
    match SockRef::from(&listener).is_listener() {
        Ok(true) => {}
        Ok(false) => return Err(wrong("a socket that does not listen".into())),
        Err(error) => return Err(wrong(format!("something else ({error})"))),
    }
    // A predecessor left it non-blocking when it stopped accepting (see `supervision.rs`).
    listener
        .set_nonblocking(false)
        .map_err(|error| wrong(format!("an unusable socket ({error})")))?;
    Ok(listener)
}

fn bind_any(address: Option<SocketAddr>) -> Result<TcpListener, (SocketAddr, io::Error)> {
    let ipv6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT));
    let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DEFAULT_PORT));
    let at = |address| bind(address).map_err(|error| (address, error));
    match address {
        Some(address) => at(address),
        // A host without IPv6 says so in one of several ways; what else is wrong shows again.
        None => at(ipv6).or_else(|(address, error)| match error.kind() {
            ErrorKind::AddrInUse | ErrorKind::PermissionDenied => Err((address, error)),
            _ => at(ipv4),
        }),
    }
}

/// Sets what `systemd/publicip-poc.socket` sets.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    // Accepted connections inherit both.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new())?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let way_out = match error.kind() {
        ErrorKind::AddrInUse => "stop what listens there or set another --listen",
        ErrorKind::PermissionDenied => "use the systemd socket or set --listen to a port from 1024",
        ErrorKind::AddrNotAvailable => "set --listen to an address of this host",
        _ => "set another --listen",
    };
    format!("cannot listen on {address}: {error}; {way_out}")
}
