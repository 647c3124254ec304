//! What tiny_http made of a request's body, derived from the header lines that it looked at.
//!
//! tiny_http 0.12 exposes neither the body's reader nor the state of the connection, yet both
//! decide how a `Request` may be disposed of (see `hold`). So this pure function repeats the rules
//! of `new_request` in its `request.rs` and of `next` in its `client.rs`.

use tiny_http::{HTTPVersion, Header};

use crate::answer::lines;

/// tiny_http reads bodies up to this many bytes before it hands out the request.
const READ_AHEAD: usize = 1024;

/// The longest body, in bytes, whose reader may be dropped: tiny_http then allocates what is left
/// of it in one piece, and the process aborts if that fails.
const MAX_DROPPABLE: usize = 1 << 20;

/// How a request may be disposed of, and what becomes of its connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    pub(super) reader: Reader,
    /// The length is contradictory or not a number (RFC 9112, section 6.3), so nothing that
    /// follows on the connection can be trusted.
    pub(super) invalid_length: bool,
    /// tiny_http closes the connection after this request.
    pub(super) last: bool,
}

/// The body's reader inside tiny_http's `Request`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reader {
    /// There is no body.
    Empty,
    /// The body has been read: dropping the request costs nothing.
    Done,
    /// The body is still to come: dropping the request blocks until it has arrived, or leaves it
    /// on the connection, to be parsed as the next request.
    Pending,
    /// The declared length may not be allocatable: dropping the request may abort the process.
    Undroppable,
    /// Like the two before, but tiny_http may panic over the request when it answers it, or drops it
    /// unanswered: it sorts the codings in `TE` by their weights, among which `nan` has no order.
    Unanswerable,
}

/// The framing of a request, from its version and headers.
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
    let mut lengths = lines(headers, "Content-Length");
    let length = lengths.clone().next();
    let coded = first("Transfer-Encoding").is_some();
    Framing {
        reader: match reader(length, coded, upgrade, first("Expect").is_some()) {
            Reader::Pending | Reader::Undroppable if has_unordered_codings(headers) => {
                Reader::Unanswerable
            }
            reader => reader,
        },
        invalid_length: !coded && lengths.any(|other| Some(other) != length || !is_length(other)),
        last: upgrade || connection_has("close") || (old && !connection_has("keep-alive")),
    }
}

fn reader(length: Option<&str>, coded: bool, upgrade: bool, expects: bool) -> Reader {
    // tiny_http takes any transfer coding for chunked, and then ignores the length. It takes a
    // length that it cannot parse for none.
    match length.map_or(Ok(0), str::parse::<usize>) {
        _ if coded => Reader::Pending,
        Ok(1..) if upgrade => Reader::Pending,
        Ok(1..=READ_AHEAD) if !expects => Reader::Done,
        Ok(1..=MAX_DROPPABLE) => Reader::Pending,
        Ok(1..) => Reader::Undroppable,
        _ => Reader::Empty,
    }
}

fn has_unordered_codings(headers: &[Header]) -> bool {
    lines(headers, "TE").any(|line| line.to_ascii_lowercase().contains("nan"))
}

/// Digits only (RFC 9110, section 8.6), and small enough to count.
fn is_length(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<usize>().is_ok()
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
    fn readers() {
        let huge = "Content-Length: 1000000000000000";
        for (lines, reader) in [
            (&[][..], Reader::Empty),
            (&["Content-Length: 0"], Reader::Empty),
            (&["Content-Length: 1"], Reader::Done),
            (&["Content-Length: +1"], Reader::Done),
            (&["Content-Length: 1024"], Reader::Done),
            (
                &["Content-Length: 1", "Expect: 100-continue"],
                Reader::Pending,
            ),
            (
                &["Content-Length: 1", "Connection: upgrade"],
                Reader::Pending,
            ),
            (&["Content-Length: 1025"], Reader::Pending),
            (&["Content-Length: +1025"], Reader::Pending),
            (&["Content-Length: 1048576"], Reader::Pending),
            (&["Content-Length: 1048577"], Reader::Undroppable),
            (&["Content-Length: +1048577"], Reader::Undroppable),
            (&[huge], Reader::Undroppable),
            (
                &["content-length: 18446744073709551615"],
                Reader::Undroppable,
            ),
            (&["Content-Length: 18446744073709551616"], Reader::Empty),
            (&["Content-Length: -1"], Reader::Empty),
            (&["Content-Length: 0", "Content-Length: 7"], Reader::Empty),
            (&["Content-Length: 7", "Content-Length: 0"], Reader::Done),
            (&["Transfer-Encoding: chunked"], Reader::Pending),
            (&["Transfer-Encoding: identity", huge], Reader::Pending),
            (&["TE: a;q=NaN"], Reader::Empty),
            (&["TE: a;q=nan", "Content-Length: 1"], Reader::Done),
            (
                &["TE: a;q=nan", "Content-Length: 1025"],
                Reader::Unanswerable,
            ),
            (
                &["TE: gzip", "te: a;q=NaN", "Transfer-Encoding: chunked"],
                Reader::Unanswerable,
            ),
            (&["TE: a;q=nan", huge], Reader::Unanswerable),
            (&["TE: trailers", huge], Reader::Undroppable),
        ] {
            assert_eq!(framing(&HTTP_1_1, lines).reader, reader, "{lines:?}");
        }
    }

    #[test]
    fn lengths_are_digits_that_agree() {
        let invalid = |lines: &[&str]| framing(&HTTP_1_1, lines).invalid_length;
        for valid in ["0", "7", "18446744073709551615"] {
            assert!(!invalid(&[&format!("Content-Length: {valid}")]), "{valid}");
        }
        for length in ["+41", "-1", "4x", "0x10", "18446744073709551616", "7, 7"] {
            assert!(invalid(&[&format!("Content-Length: {length}")]), "{length}");
        }
        assert!(!invalid(&["Content-Length: 7", "Content-Length: 7"]));
        assert!(invalid(&["Content-Length: 0", "Content-Length: 7"]));
        assert!(invalid(&["Content-Length: 7", "Content-Length: 0"]));
        assert!(!invalid(&[
            "Transfer-Encoding: chunked",
            "Content-Length: 7"
        ]));
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
