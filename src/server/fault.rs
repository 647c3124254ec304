//! Why a server cannot go on.

use std::fmt;
use std::io;
use std::time::Duration;

use super::PATIENCE;

/// A fault that ends the service with exit status 1; systemd then starts it again.
pub enum Fault {
    /// tiny_http's accept loop has ended.
    Accept(io::Error),
    /// This many undroppable requests are kept.
    HoldFull(usize),
    /// A request could not be held.
    NoThread(io::Error),
    /// Requests have waited for a worker this long.
    Deaf(Duration),
    /// Resident memory, in MB.
    Memory(u64),
}

impl Fault {
    /// How long the server may drain.
    pub fn patience(&self) -> Duration {
        match self {
            // What it has received already takes ten times as much memory once it is parsed.
            Self::Memory(_) => PATIENCE / 4,
            _ => PATIENCE,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(error) => write!(out, "accepting connections failed: {error}"),
            Self::HoldFull(max) => write!(out, "{max} requests that cannot be dropped are kept"),
            Self::NoThread(error) => write!(out, "no thread to hold a request: {error}"),
            Self::Deaf(time) => write!(
                out,
                "requests have waited for {} s behind peers that do not read",
                time.as_secs()
            ),
            Self::Memory(megabytes) => {
                write!(out, "{megabytes} MB are taken by peers that send too much")
            }
        }
    }
}
