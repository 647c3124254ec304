//! The listening socket: handed over by systemd, or else bound here.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// The port when none is set.
const DEFAULT_PORT: u16 = 8080;

/// How many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A dead peer's connection ends after two minutes, as with the socket unit.
const KEEP_ALIVE_TIME: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_PROBES: u32 = 6;

/// The log target of this file's own line, which operators filter by.
const LOG: &str = "publicip_poc";

/// Why there is no listening socket.
pub enum Error {
    /// Something other than one listening TCP socket was handed over.
    HandedOver(String),
    /// Listening on the address failed.
    Bind(String),
}

/// Takes the socket that was handed over (sd_listen_fds(3)), or binds `address`: by default port 8080
/// on every address. Returns the socket and whether it was handed over.
///
/// # Errors
/// One line that says what is wrong and what to do.
pub fn open(address: Option<SocketAddr>) -> Result<(TcpListener, bool), Error> {
    let mut handed_over = ListenFd::from_env();
    match handed_over.len() {
        0 => bind_any(address)
            .map(|listener| (listener, false))
            .map_err(|(address, error)| Error::Bind(cannot_listen(address, &error))),
        1 => {
            if let Some(address) = address {
                log::warn!(target: LOG, "{address} is not used: systemd hands over a socket");
            }
            take(&mut handed_over)
                .map(|listener| (listener, true))
                .map_err(Error::HandedOver)
        }
        count => Err(Error::HandedOver(format!(
            "LISTEN_FDS hands over {count} sockets, expected one: an override of the socket unit must \
             first clear the list with an empty ListenStream="
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
    Ok(listener)
}

fn bind_any(address: Option<SocketAddr>) -> Result<TcpListener, (SocketAddr, io::Error)> {
    let ipv6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT));
    let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DEFAULT_PORT));
    let at = |address| bind(address).map_err(|error| (address, error));
    match address {
        Some(address) => at(address),
        // Without IPv6, the error varies. Any other error would occur with IPv4 too.
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
    // Accepted connections inherit these.
    socket.set_tcp_nodelay(true)?;
    let keep_alive = TcpKeepalive::new()
        .with_time(KEEP_ALIVE_TIME)
        .with_interval(KEEP_ALIVE_INTERVAL)
        .with_retries(KEEP_ALIVE_PROBES);
    socket.set_tcp_keepalive(&keep_alive)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "stop what listens there or set another --listen",
        ErrorKind::PermissionDenied => "use the systemd socket or set a --listen port above 1023",
        ErrorKind::AddrNotAvailable => "set --listen to an address of this host",
        _ => "set another --listen",
    };
    format!("cannot listen on {address}: {error}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_match_the_socket_unit() {
        let unit = include_str!("../../systemd/publicip-poc.socket");
        let directive = |name: &str| {
            let line = unit.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix('=')).expect(name)
        };
        let seconds = |name| Duration::from_secs(directive(name).parse().unwrap());
        let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let socket = SockRef::from(&listener);
        let time = socket.tcp_keepalive_time().unwrap();
        let interval = socket.tcp_keepalive_interval().unwrap();
        let probes = socket.tcp_keepalive_retries().unwrap();
        assert_eq!(directive("KeepAlive"), "yes");
        assert!(socket.keepalive().unwrap());
        assert_eq!(time, seconds("KeepAliveTimeSec"));
        assert_eq!(interval, seconds("KeepAliveIntervalSec"));
        assert_eq!(probes.to_string(), directive("KeepAliveProbes"));
        assert_eq!(directive("NoDelay"), "yes");
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(BACKLOG.to_string(), directive("Backlog"));
    }
}
