//! Relief: for connections that wait for a thread which nobody else will give back.
//!
//! Why there are such connections is told in `persistence.rs`. While those before them have sent
//! requests that never end (tiny_http reads a body of up to 1,024 bytes before it shows the
//! request), no thread comes free. So some that send nothing are ended: what they have sent so far
//! would not have been answered anyway.
//!
//! tiny_http shows no socket, so they are found in proc(5). Only their reading half is shut, which
//! its thread takes for the client's end of the connection; an answer on its way still arrives. That
//! a number may mean another connection by then does no more harm than that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockaddrLike, SockaddrStorage, getpeername, recv, shutdown,
};

/// How often more are ended at once: those who waited may be of the same kind.
const ROUNDS: u32 = 15;

/// How many rounds in a row may end none: threads need longer on a busy machine, and a body that
/// keeps coming looks like a connection that waits.
const FRUITLESS: u32 = 5;

/// Time for the threads to take up what waits, and to read it.
const PAUSE: Duration = Duration::from_millis(10);

/// A look takes some 1.5 us for each descriptor: it is left out once for this many, so that it costs
/// a few hundredths of a processor at most.
const DEAR: usize = 4000;

/// What the connections were like when they were last looked at.
#[derive(Default)]
pub struct Relief {
    last: Look,
    /// How often it is left out from now on.
    rest: usize,
}

impl Relief {
    /// Looks at the connections. Where some have sent what nobody has read since the last look, as
    /// many of those are ended that are waited for to send more, if there are.
    pub fn give(&mut self) {
        if self.rest > 0 {
            self.rest -= 1;
            return;
        }
        let (mut fruitless, mut ended) = (0, false);
        for _ in 0..ROUNDS {
            let look = Look::take();
            let waiting = look.waiting_since(&self.last);
            let silent = look.silent_since(&self.last);
            let victims: Vec<RawFd> = silent
                .filter(|descriptor| is_connection(*descriptor))
                .take(waiting)
                .collect();
            for descriptor in &victims {
                // A connection that ended meanwhile is no error.
                let _ = shutdown(*descriptor, Shutdown::Read);
            }
            self.last = look;
            ended |= !victims.is_empty();
            fruitless = if victims.is_empty() { fruitless + 1 } else { 0 };
            if waiting == 0 || fruitless == FRUITLESS {
                break;
            }
            thread::sleep(PAUSE);
        }
        if ended {
            log::warn!(
                "ended connections whose requests never end, for others that waited behind them"
            );
        }
        if self.last.unread.is_empty() {
            self.rest = self.last.silent.len() / DEAR;
        }
    }
}

/// The process's connections, by their descriptors: tiny_http has two of each.
#[derive(Default)]
struct Look {
    /// Those that have sent what nobody has read yet, with the names of their sockets.
    unread: BTreeMap<RawFd, PathBuf>,
    /// Those that have sent nothing, or not enough; other sockets may be among them.
    silent: BTreeSet<RawFd>,
}

impl Look {
    /// Where proc(5) is not to be had, there are none.
    fn take() -> Self {
        let mut look = Self::default();
        let entries = fs::read_dir("/proc/self/fd").into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(descriptor) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let peek = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
            match recv(descriptor, &mut [0], peek) {
                Ok(1) if is_connection(descriptor) => {
                    let name = fs::read_link(entry.path());
                    look.unread.extend(name.map(|name| (descriptor, name)));
                }
                Err(Errno::EAGAIN) => {
                    look.silent.insert(descriptor);
                }
                _ => {}
            }
        }
        look
    }

    /// How many have sent what was not read at the `last` look either.
    fn waiting_since(&self, last: &Self) -> usize {
        let waits = |(descriptor, name)| last.unread.get(descriptor) == Some(name);
        self.unread.iter().filter(|entry| waits(*entry)).count()
    }

    /// Those that send nothing and were there at the `last` look: of others, what they have to say
    /// may be on its way.
    fn silent_since(&self, last: &Self) -> impl Iterator<Item = RawFd> {
        let silent = self.silent.iter().copied();
        silent.filter(|descriptor| {
            last.silent.contains(descriptor) || last.unread.contains_key(descriptor)
        })
    }
}

/// Tells a TCP connection from the log, the signals and the listening socket.
fn is_connection(descriptor: RawFd) -> bool {
    getpeername::<SockaddrStorage>(descriptor).is_ok_and(|peer| {
        matches!(
            peer.family(),
            Some(AddressFamily::Inet | AddressFamily::Inet6)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    fn look(unread: &[(RawFd, &str)], silent: &[RawFd]) -> Look {
        let unread = unread.iter().map(|(fd, name)| (*fd, PathBuf::from(name)));
        Look {
            unread: unread.collect(),
            silent: silent.iter().copied().collect(),
        }
    }

    #[test]
    fn who_waits_was_there_at_the_last_look() {
        let last = look(&[(8, "a"), (9, "a"), (10, "b")], &[]);
        assert_eq!(last.waiting_since(&last), 3);
        let now = look(&[(8, "c"), (10, "b"), (11, "b")], &[]);
        assert_eq!(now.waiting_since(&last), 1);
    }

    #[test]
    fn who_is_ended_was_there_at_the_last_look() {
        let last = look(&[(8, "a"), (9, "b")], &[4, 5]);
        let now = look(&[(8, "a")], &[3, 4, 9, 11]);
        let silent: Vec<RawFd> = now.silent_since(&last).collect();
        assert_eq!(silent, [4, 9]);
    }

    #[test]
    fn connections_are_found_and_nothing_else() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        client.write_all(b"GET").unwrap();
        let (unix, _other) = UnixStream::pair().unwrap();
        let look = Look::take();
        assert!(look.silent.contains(&client.as_raw_fd()));
        assert!(is_connection(client.as_raw_fd()));
        assert!(!is_connection(unix.as_raw_fd()));
        let name = &look.unread[&server.as_raw_fd()];
        assert!(name.to_str().unwrap().starts_with("socket:["));
        let listener = listener.as_raw_fd();
        assert!(!look.silent.contains(&listener) && !look.unread.contains_key(&listener));
    }
}
