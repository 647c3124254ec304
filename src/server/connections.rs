//! The process's TCP connections, found in proc(5), because tiny_http does not expose its sockets.
//!
//! A descriptor may be closed, or belong to another connection, by the time it is used. So it
//! counts for nothing: a connection is known by its peer's address, which is unique while it lasts.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::os::fd::RawFd;

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

/// Bytes that a connection has received since it was opened (tcp(7), `TCP_INFO`).
pub fn bytes_received(descriptor: RawFd) -> Option<u64> {
    // `tcpi_bytes_received` in linux/tcp.h, which glibc's and libc's `tcp_info` do not reach.
    const BYTES_RECEIVED: usize = 128 / size_of::<u64>();
    let mut info = [0_u64; BYTES_RECEIVED + 1];
    let mut length = libc::socklen_t::try_from(size_of_val(&info)).ok()?;
    // SAFETY: the kernel writes no more than `length` bytes to `info`, of which every value is
    // valid, and sets `length` to how many it wrote.
    #[expect(
        unsafe_code,
        reason = "no crate reads this field without a dozen others"
    )]
    let status = unsafe {
        libc::getsockopt(
            descriptor,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (status == 0 && length as usize == size_of_val(&info)).then_some(info[BYTES_RECEIVED])
}

/// Closes the connections of these peers in both directions. tiny_http's thread reads the end of
/// the connection and lets go of it; whoever is writing to it fails.
pub fn shut(peers: &HashSet<SocketAddr>) {
    if peers.is_empty() {
        return;
    }
    for descriptor in descriptors() {
        if peer(descriptor).is_some_and(|peer| peers.contains(&peer)) {
            // Ignore connections that have ended in the meantime.
            let _ = shutdown(descriptor, Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
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
