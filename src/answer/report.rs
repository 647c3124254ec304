//! What a request says about its client: plain data that the page and the other forms show.

use std::borrow::Cow;
use std::net::IpAddr;

use tiny_http::Header;

use super::client::{self, Reading};
use super::lines;

/// What is shown of one request.
pub struct Report<'a> {
    /// The client's address according to the [`Reading`]; `None` is shown as `Not available`.
    pub(super) original: Option<Cow<'a, str>>,
    /// The other end of the connection; an IPv4-mapped address is shown as IPv4.
    pub(super) direct: IpAddr,
    /// The first `X-Forwarded-For` line as it came.
    pub(super) forwarded_for: Option<&'a str>,
    /// The first `X-Forwarded-Proto` line as it came.
    pub(super) forwarded_proto: Option<&'a str>,
    /// The first `X-Forwarded-Port` line as it came.
    pub(super) forwarded_port: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Gathers what is shown from `headers` and the connection's `peer`.
    pub fn new(reading: &Reading, peer: IpAddr, headers: &'a [Header]) -> Self {
        let direct = peer.to_canonical();
        let first = |name| lines(headers, name).next();
        Self {
            original: client::original(reading, direct, lines(headers, "X-Forwarded-For")),
            direct,
            forwarded_for: first("X-Forwarded-For"),
            forwarded_proto: first("X-Forwarded-Proto"),
            forwarded_port: first("X-Forwarded-Port"),
        }
    }
}
