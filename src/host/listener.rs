//! The listening socket: handed over by systemd, or else bound here.

use std::env::{self, VarError};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use listenfd::ListenFd;
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::exit::Failure;

/// Where to listen when no address is set; the second is for hosts without IPv6.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8080);
const DEFAULT_IPV4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080);

/// How many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A dead peer's connection ends after two minutes, as with the socket unit.
const KEEP_ALIVE_TIME: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_PROBES: u32 = 6;

/// The log target of this file's own line, which operators filter by.
const LOG: &str = "publicip_poc";

/// Takes the socket that was handed over (sd_listen_fds(3)), or binds `address`, or else [`DEFAULT`].
/// Returns the socket, and whether it was handed over.
///
/// # Errors
/// One line that says what is wrong and what to do.
pub fn open(address: Option<SocketAddr>) -> Result<(TcpListener, bool), Failure> {
    let Some(mut handed_over) = handed_over()? else {
        return bind_any(address)
            .map(|listener| (listener, false))
            .map_err(|(address, error)| Failure::Service(cannot_listen(address, &error)));
    };
    if let Some(address) = address {
        log::warn!(target: LOG, "{address} is ignored: systemd passes a socket");
    }
    let listener = take(&mut handed_over).map_err(Failure::Setting)?;
    Ok((listener, true))
}

/// What [`open`] would listen on.
///
/// # Errors
/// What is handed over cannot be one socket.
pub fn describe(address: Option<SocketAddr>) -> Result<String, Failure> {
    Ok(match handed_over()? {
        None => address.unwrap_or(DEFAULT).to_string(),
        Some(_) => "the socket from systemd".into(),
    })
}

/// What to open in a browser on this host.
pub fn url(address: SocketAddr) -> String {
    let authority = if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    format!("http://{}/", authority.trim_end_matches(":80"))
}

/// The one descriptor that was handed over, still unopened.
fn handed_over() -> Result<Option<ListenFd>, Failure> {
    let wrong = |what| Err(Failure::Setting(what));
    match env::var("LISTEN_FDS").map(|count| count.parse::<u32>()) {
        Ok(Ok(_)) | Err(VarError::NotPresent) => {}
        // listenfd takes it for zero.
        _ => return wrong("LISTEN_FDS is not a number; unset it, or use a systemd socket".into()),
    }
    let handed_over = ListenFd::from_env();
    match handed_over.len() {
        0 => Ok(None),
        1 => Ok(Some(handed_over)),
        count => wrong(format!(
            "LISTEN_FDS hands over {count} sockets, expected one: an override of the socket unit must \
             first clear the list with an empty ListenStream="
        )),
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
    let at = |address| bind(address).map_err(|error| (address, error));
    match address {
        Some(address) => at(address),
        // Without IPv6, the error varies. Any other error would occur with IPv4 too.
        None => at(DEFAULT).or_else(|(address, error)| match error.kind() {
            ErrorKind::AddrInUse | ErrorKind::PermissionDenied => Err((address, error)),
            _ => at(DEFAULT_IPV4),
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
    // The unit's RestrictAddressFamilies= leaves the program no socket but the one it is passed.
    let by_systemd = env::var_os("NOTIFY_SOCKET").is_some();
    if by_systemd && error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32) {
        return "systemd has handed over no socket: systemctl restart publicip-poc.socket".into();
    }
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
    fn urls() {
        for (address, expected) in [
            ("[::]:80", "http://localhost/"),
            ("0.0.0.0:8080", "http://localhost:8080/"),
            ("127.0.0.1:80", "http://127.0.0.1/"),
            ("[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert_eq!(url(address.parse().unwrap()), expected);
        }
    }

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
