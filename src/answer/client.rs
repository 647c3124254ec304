//! Who the client is, decided from the peer's address and the `X-Forwarded-For` lines.
//!
//! A load balancer appends the address it saw to `X-Forwarded-For`, so everything further left
//! was written by the client or by a proxy in front. Several lines of the field form one list, in
//! order (RFC 9110, section 5.3).

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroUsize;

use ipnet::IpNet;

/// How `X-Forwarded-For` is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// The first entry of the first line, unchanged. The original program shows it, and any client
    /// can forge it.
    FirstEntry,
    /// The entry that the outermost of our own load balancers wrote.
    TrustedHops {
        /// How many load balancers are in front; the client is this entry from the right.
        hops: NonZeroUsize,
        /// Peers whose lines are believed; all of them if empty. Any other peer is the client.
        peers: Vec<IpNet>,
    },
}

/// The client's address, or `None` if it is unknown.
///
/// `peer` is the canonical address of the other end of the connection, `lines` are the values of
/// all `X-Forwarded-For` lines in order. With [`Reading::TrustedHops`], a missing or invalid entry
/// in the deciding position yields `None`, never an entry further left: those can be forged.
pub fn original<'a>(
    reading: &Reading,
    peer: &'a str,
    mut lines: impl DoubleEndedIterator<Item = &'a str>,
) -> Option<Cow<'a, str>> {
    match reading {
        Reading::FirstEntry => {
            let line = lines.next().filter(|line| !line.is_empty())?;
            Some(
                line.split(',')
                    .next()
                    .unwrap_or_default()
                    .trim_matches(is_python_space)
                    .into(),
            )
        }
        Reading::TrustedHops { peers, .. } if !peers.is_empty() && !is_in(peer, peers) => {
            Some(peer.into())
        }
        Reading::TrustedHops { hops, .. } => lines
            .rev()
            .flat_map(|line| line.rsplit(','))
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .nth(hops.get() - 1)
            .and_then(address),
    }
}

fn is_in(peer: &str, networks: &[IpNet]) -> bool {
    let contain = |peer: IpAddr| networks.iter().any(|network| network.contains(&peer));
    peer.parse().is_ok_and(contain)
}

/// What Python's `str.strip`, and so the original program, strips from ASCII.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// The canonical address in one entry: IPv4 or IPv6, with or without a port, which the ALB adds
/// when `routing.http.xff_client_port.enabled` is set. Zone identifiers are dropped because they
/// mean nothing on another host. An IPv4-mapped address becomes IPv4.
fn address(entry: &str) -> Option<Cow<'_, str>> {
    // IPv4 is borrowed: what parses has no other spelling, leading zeros being refused.
    let ipv4 = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    let ipv6 = |text: &str| {
        let (address, zone) = text.split_once('%').unwrap_or((text, "-"));
        address
            .parse::<Ipv6Addr>()
            .ok()
            .filter(|_| !zone.is_empty())
            .map(|ip| ip.to_canonical().to_string().into())
    };
    if let Some(bracketed) = entry.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        let port = rest.strip_prefix(':').is_none_or(is_port);
        return ipv6(address).filter(|_| port && (rest.is_empty() || rest.starts_with(':')));
    }
    match entry.split_once(':') {
        None => ipv4(entry).then_some(entry.into()),
        Some((address, port)) if is_port(port) && address.contains('.') => {
            ipv4(address).then_some(address.into())
        }
        Some(_) => ipv6(entry),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// As shown in the start-up log line and by `systemctl status`.
impl fmt::Display for Reading {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstEntry => write!(out, "first X-Forwarded-For entry (forgeable)"),
            Self::TrustedHops { hops, peers } => {
                write!(out, "X-Forwarded-For entry {hops} from the right")?;
                for (index, network) in peers.iter().enumerate() {
                    let separator = if index == 0 { ", believed from " } else { "," };
                    write!(out, "{separator}{network}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
pub mod tests;
