//! Why the gateway cannot go on. Nothing that a client sends leads here.

use std::fmt;
use std::io;

use super::limits;

/// A fault that ends the service with exit status 1; systemd then starts it again.
#[derive(Debug)]
pub enum Fault {
    /// epoll(7) failed.
    Poll(io::Error),
    /// The connection to tiny_http ended or went wrong, in this way.
    Upstream(String),
    /// A request was not answered in time.
    Late,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poll(error) => write!(out, "waiting for connections failed: {error}"),
            Self::Upstream(what) => write!(out, "the connection to tiny_http failed: {what}"),
            Self::Late => {
                let time = limits::TICK * limits::LATE;
                write!(out, "a request was not answered in {} s", time.as_secs())
            }
        }
    }
}
