//! What tiny_http made of a request's body, told from the same header lines that it looked at.
//!
//! tiny_http 0.12 shows neither the body's reader nor the state of the connection, yet both decide
//! what may safely be done with a `Request` (see `refusal.rs`). So its rules are repeated here,
//! from `new_request` in its `request.rs` and `next` in its `client.rs`, as a pure function.

use tiny_http::{HTTPVersion, Header};

use crate::report::lines;

/// Bodies up to this many bytes are read by tiny_http before the request is handed out.
const READ_AHEAD: usize = 1024;

/// The longest declared body, in bytes, whose reader may be dropped: tiny_http then allocates what
/// is left of it in one piece, and the process aborts where that fails.
const MAX_DROPPABLE: usize = 1 << 20;

/// The body of a request and the end of its connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// What is to come behind the header section.
    pub body: Body,
    /// tiny_http ends the connection after this request.
    pub last: bool,
}

/// A request's body as tiny_http holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body {
    /// There is none.
    None,
    /// It was read already: dropping the request costs nothing.
    Read,
    /// It is still to come: dropping the request blocks until it came, or leaves it on the
    /// connection to be taken for the next request.
    Pending,
    /// It is declared this long in bytes, more than can be allocated: dropping the request
    /// may abort the process.
    Undroppable(usize),
    /// Its length is contradictory or no number, and nothing of it is pending for tiny_http: what
    /// follows on the connection cannot be trusted (RFC 9112, section 6.3).
    Invalid,
}

/// Tells the framing of a request from its version and headers.
pub fn of(version: &HTTPVersion, headers: &[Header]) -> Framing {
    let first = |name| lines(headers, name).next();
    let connection = first("Connection").map(str::to_ascii_lowercase);
    let connection_has = |option| {
        connection
            .as_ref()
            .is_some_and(|value| value.contains(option))
    };
    let upgrade = connection_has("upgrade");
    let old = *version == HTTPVersion(1, 0);
    Framing {
        body: body(headers, upgrade),
        last: upgrade || connection_has("close") || (old && !connection_has("keep-alive")),
    }
}

fn body(headers: &[Header], upgrade: bool) -> Body {
    let coded = lines(headers, "Transfer-Encoding").next().is_some();
    let mut lengths = lines(headers, "Content-Length");
    let first = lengths.clone().next();
    let length = first.map(str::parse::<usize>);
    let contradictory = lengths.clone().any(|other| Some(other) != first);
    let expects = lines(headers, "Expect").next().is_some();
    match length {
        // Any transfer coding is taken for chunked, and then no length counts.
        _ if coded => Body::Pending,
        Some(Ok(1..)) if upgrade => Body::Pending,
        Some(Ok(1..=READ_AHEAD)) if !expects && contradictory => Body::Invalid,
        Some(Ok(1..=READ_AHEAD)) if !expects => Body::Read,
        Some(Ok(1..=MAX_DROPPABLE)) => Body::Pending,
        Some(Ok(length @ 1..)) => Body::Undroppable(length),
        _ if lengths.any(|length| length != "0") => Body::Invalid,
        _ => Body::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP_1_0: HTTPVersion = HTTPVersion(1, 0);
    const HTTP_1_1: HTTPVersion = HTTPVersion(1, 1);

    fn framing(version: &HTTPVersion, lines: &[&str]) -> Framing {
        let headers: Vec<Header> = lines.iter().map(|line| line.parse().unwrap()).collect();
        of(version, &headers)
    }

    #[test]
    fn bodies() {
        let huge = "Content-Length: 1000000000000000";
        for (lines, body) in [
            (&[][..], Body::None),
            (&["Content-Length: 0"], Body::None),
            (&["Content-Length: 1"], Body::Read),
            (&["Content-Length: 1024"], Body::Read),
            (
                &["Content-Length: 1", "Expect: 100-continue"],
                Body::Pending,
            ),
            (&["Content-Length: 1", "Connection: upgrade"], Body::Pending),
            (&["Content-Length: 1025"], Body::Pending),
            (&["Content-Length: 1048576"], Body::Pending),
            (&["Content-Length: 1048577"], Body::Undroppable(1_048_577)),
            (&[huge], Body::Undroppable(1_000_000_000_000_000)),
            (
                &["content-length: 18446744073709551615"],
                Body::Undroppable(usize::MAX),
            ),
            (&["Content-Length: 18446744073709551616"], Body::Invalid),
            (&["Content-Length: -1"], Body::Invalid),
            (&["Content-Length: 0", "Content-Length: 7"], Body::Invalid),
            (&["Content-Length: 7", "Content-Length: 0"], Body::Invalid),
            (&["Content-Length: 7", "Content-Length: 7"], Body::Read),
            (&["Transfer-Encoding: chunked"], Body::Pending),
            (&["Transfer-Encoding: identity", huge], Body::Pending),
            (
                &["Transfer-Encoding: chunked", "Content-Length: 0"],
                Body::Pending,
            ),
        ] {
            assert_eq!(framing(&HTTP_1_1, lines).body, body, "{lines:?}");
        }
    }

    #[test]
    fn last_requests() {
        assert!(!framing(&HTTP_1_1, &[]).last);
        assert!(!framing(&HTTP_1_1, &["Connection: keep-alive"]).last);
        assert!(framing(&HTTP_1_1, &["Connection: Close"]).last);
        assert!(framing(&HTTP_1_1, &["connection: Upgrade, HTTP2-Settings"]).last);
        assert!(framing(&HTTP_1_0, &[]).last);
        assert!(!framing(&HTTP_1_0, &["Connection: Keep-Alive"]).last);
    }
}
