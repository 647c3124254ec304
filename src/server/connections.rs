//! The process's TCP connections, found in proc(5), because tiny_http does not expose its sockets.
//!
//! A descriptor may be closed, or belong to another connection, by the time it is used. So it
//! counts for nothing: a connection is known by its peer's address, which is unique while it lasts.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, Shutdown, SockaddrLike, SockaddrStorage, getpeername, shutdown,
};

/// All descriptors of the process; none if proc(5) is unavailable.
pub fn descriptors() -> impl Iterator<Item = RawFd> {
    fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The peer's address, if the descriptor is a TCP connection.
pub fn peer(descriptor: RawFd) -> Option<SocketAddr> {
    let address = getpeername::<SockaddrStorage>(descriptor).ok()?;
    match address.family()? {
        AddressFamily::Inet => Some(SocketAddr::V4((*address.as_sockaddr_in()?).into())),
        AddressFamily::Inet6 => Some(SocketAddr::V6((*address.as_sockaddr_in6()?).into())),
        _ => None,
    }
}

/// What the kernel knows of a connection: the start of `tcp_info` in linux/tcp.h (tcp(7),
/// `TCP_INFO`), which goes further than glibc's and libc's.
#[repr(C)]
#[derive(Default)]
struct Info {
    state: u8,
    _options: [u8; 7],
    _before: [u64; 15],
    bytes_received: u64,
    _segments: u64,
    bytes_not_sent: u32,
    _min_rtt: u32,
    _data_segments_in: u32,
    data_segments_out: u32,
}

/// Bytes that a connection has received since it was opened.
pub fn bytes_received(descriptor: RawFd) -> Option<u64> {
    /// The peer has said that it sends no more, which the kernel counts as a byte.
    const CLOSE_WAIT: u8 = 8;
    let info = info(descriptor)?;
    let end = u64::from(info.state == CLOSE_WAIT);
    Some(info.bytes_received.saturating_sub(end))
}

/// Whether something was ever written to a connection; also true if the kernel does not say.
pub fn answered(descriptor: RawFd) -> bool {
    info(descriptor).is_none_or(|info| info.data_segments_out > 0 || info.bytes_not_sent > 0)
}

fn info(descriptor: RawFd) -> Option<Info> {
    let mut info = Info::default();
    let mut length = libc::socklen_t::try_from(size_of::<Info>()).ok()?;
    // SAFETY: the kernel writes no more than `length` bytes to `info`, of which every value is
    // valid, and sets `length` to how many it wrote.
    #[expect(
        unsafe_code,
        reason = "no crate reads these fields without a dozen others"
    )]
    let status = unsafe {
        libc::getsockopt(
            descriptor,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    (status == 0 && length as usize == size_of::<Info>()).then_some(info)
}

/// The connections of these peers, on descriptors of our own.
pub fn of(peers: &HashSet<SocketAddr>) -> impl Iterator<Item = OwnedFd> {
    let descriptors = (!peers.is_empty()).then(descriptors);
    let of_these = |descriptor: RawFd| peer(descriptor).is_some_and(|peer| peers.contains(&peer));
    descriptors
        .into_iter()
        .flatten()
        .filter(move |descriptor| of_these(*descriptor))
        .filter_map(duplicate)
        // In the meantime the descriptor may have become another connection's.
        .filter(move |own| of_these(own.as_raw_fd()))
}

/// A descriptor of our own, which stays this connection's when the other one is closed.
pub fn duplicate(descriptor: RawFd) -> Option<OwnedFd> {
    // SAFETY: fcntl(2) refuses what is not a descriptor; the new one belongs to nobody else.
    #[expect(
        unsafe_code,
        reason = "safe wrappers want the owner, which is inside tiny_http"
    )]
    unsafe {
        let duplicate = libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0);
        (duplicate >= 0).then(|| OwnedFd::from_raw_fd(duplicate))
    }
}

/// Closes the connections of these peers in both directions. tiny_http's thread reads the end of
/// the connection and lets go of it; whoever is writing to it fails.
pub fn shut(peers: &HashSet<SocketAddr>) {
    of(peers).for_each(|own| end(own.as_raw_fd()));
}

/// The same for one connection.
pub fn end(descriptor: RawFd) {
    // Ignore connections that have ended in the meantime.
    let _ = shutdown(descriptor, Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn peers_are_those_that_std_sees() {
        for address in [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue; // a machine without IPv6
            };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, address) = listener.accept().unwrap();
            assert_eq!(peer(server.as_raw_fd()), Some(address));
            assert_eq!(peer(listener.as_raw_fd()), None);
            assert!(descriptors().any(|descriptor| descriptor == client.as_raw_fd()));
        }
        let (unix, _other) = UnixStream::pair().unwrap();
        assert_eq!(peer(unix.as_raw_fd()), None);
    }

    #[test]
    fn a_connection_is_answered_once_something_was_written() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"request").unwrap();
        assert!(!answered(server.as_raw_fd()));
        server.write_all(b"response").unwrap();
        assert!(answered(server.as_raw_fd()));
    }

    #[test]
    fn one_connection_is_shut_and_no_other() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let connect = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            client.set_nonblocking(true).unwrap();
            (client, listener.accept().unwrap())
        };
        let (mut shut_client, (_first, peer)) = connect();
        let (mut other_client, _second) = connect();
        shut(&HashSet::from([peer]));
        assert_eq!(shut_client.read(&mut [0]).unwrap(), 0);
        assert!(other_client.read(&mut [0]).is_err(), "nothing to read yet");
    }
}
