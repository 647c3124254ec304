//! What a request tells of its client: plain data, which the page and the other forms show.

use std::borrow::Cow;
use std::net::IpAddr;

use tiny_http::Header;

use crate::client::{self, Reading};

/// What is shown of one request.
#[derive(Debug, PartialEq)]
pub struct Report<'a> {
    /// The client's address as the [`Reading`] has it; `None` is shown as `Not available`.
    pub original: Option<Cow<'a, str>>,
    /// The connection's other end, IPv4 also on a dual-stack socket.
    pub direct: IpAddr,
    /// The first `X-Forwarded-For` line as it came.
    pub forwarded_for: Option<&'a str>,
    /// The first `X-Forwarded-Proto` line as it came.
    pub forwarded_proto: Option<&'a str>,
    /// The first `X-Forwarded-Port` line as it came.
    pub forwarded_port: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Gathers what `headers` and the connection's `peer` tell.
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

/// The values of all lines of one header field, in order (RFC 9110, section 5.3).
pub fn lines<'a>(
    headers: &'a [Header],
    name: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> + Clone {
    headers
        .iter()
        .filter(move |header| header.field.equiv(name))
        .map(|header| header.value.as_str())
}
