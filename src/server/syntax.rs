//! Requests that a server must refuse (RFC 9110 and 9112), but that tiny_http lets through.
//!
//! tiny_http has removed white space around lines and around values by then, so a folded line looks
//! like a field of its own; `tests/conformance.rs` lists what it hides, and `SECURITY.md` names it.

use tiny_http::{HTTPVersion, Header, Method};

use crate::answer::lines;

/// Why a request is malformed, as a sentence for its sender; `None` if it is not.
pub fn fault(
    method: &Method,
    target: &str,
    version: &HTTPVersion,
    headers: &[Header],
) -> Option<&'static str> {
    let mut hosts = lines(headers, "Host");
    let (host, more) = (hosts.next(), hosts.next().is_some());
    let has = |wrong: fn(&Header) -> bool| headers.iter().any(wrong);
    if version.0 == 0 {
        // HTTP/0.9 has no version in its requests.
        Some("The HTTP version must be 1.0 or 1.1.")
    } else if !is_target(method, target) {
        // RFC 9112, section 3.2.
        Some("The request target is not valid.")
    } else if more || (host.is_none() && version.1 == 1) {
        // RFC 9112, section 3.2.
        Some("There must be one Host field.")
    } else if !host.is_none_or(is_host) {
        Some("The Host is not valid.")
    } else if !ends_where_it_says(version, headers) {
        // RFC 9112, sections 6.1 and 6.3.
        Some("The Transfer-Encoding is not valid.")
    } else if has(|header| !is_token(header.field.as_str().as_str())) {
        // RFC 9110, section 5.1.
        Some("A field name is not valid.")
    } else if has(|header| header.value.as_str().bytes().any(is_control)) {
        // RFC 9110, section 5.5.
        Some("A field value has a control character.")
    } else {
        None
    }
}

/// Only OPTIONS and CONNECT, which are refused with 405, have targets of other forms than these
/// two. Characters such as `|` and `{` are let through, because browsers send them.
fn is_target(method: &Method, target: &str) -> bool {
    let has_scheme = |scheme: &str| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let get = matches!(method, Method::Get | Method::Head);
    !target
        .bytes()
        .any(|byte| byte.is_ascii_control() || byte == b'#')
        && (!get || target.starts_with('/') || has_scheme("http://") || has_scheme("https://"))
}

/// A name or an address, and maybe a port (RFC 9110, section 7.2). It may be empty.
fn is_host(value: &str) -> bool {
    let end = value.rfind(']').map_or(0, |bracket| bracket + 1);
    let (name, port) = value[end..].split_once(':').unwrap_or((&value[end..], ""));
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
    value.bytes().all(is_allowed)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (end == 0 || (value.starts_with('[') && name.is_empty()))
}

/// Only chunked, as the last coding, and only in HTTP/1.1, says where a body ends.
fn ends_where_it_says(version: &HTTPVersion, headers: &[Header]) -> bool {
    lines(headers, "Transfer-Encoding")
        .last()
        .is_none_or(|codings| {
            let last = codings.rsplit(',').next().unwrap_or_default();
            last.trim().eq_ignore_ascii_case("chunked") && version.1 == 1
        })
}

/// A token (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    let is_tchar = |byte| match byte {
        b'-' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => true,
        _ => b"!#$%&'*+.^_`|~".contains(&byte),
    };
    !name.is_empty() && name.bytes().all(is_tchar)
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(minor: u8, lines: &[&str]) -> bool {
        let headers: Vec<Header> = lines.iter().map(|line| line.parse().unwrap()).collect();
        fault(&Method::Get, "/", &HTTPVersion(1, minor), &headers).is_none()
    }

    #[test]
    fn versions() {
        let accepts = |version| fault(&Method::Get, "/", &version, &[]).is_none();
        assert!(accepts(HTTPVersion(1, 0)));
        assert!(!accepts(HTTPVersion(0, 9)));
    }

    #[test]
    fn targets() {
        let accepts = |method, target| fault(&method, target, &HTTPVersion(1, 0), &[]).is_none();
        for target in [
            "/",
            "//",
            "/a?b={c|d}&\"<e>\"",
            "http://test/a",
            "HTTPS://test",
        ] {
            assert!(accepts(Method::Get, target), "{target}");
        }
        for target in [
            "",
            "a",
            "*",
            "test:80",
            "ftp://test/",
            "/a#b",
            "/\0",
            "/\r",
            "/\x7f",
        ] {
            assert!(!accepts(Method::Get, target), "{target:?}");
            assert!(!accepts(Method::Head, target), "{target:?}");
        }
        assert!(accepts(Method::Options, "*"));
        assert!(accepts(Method::Connect, "test:80"));
        assert!(!accepts(Method::Post, "/a#b"));
    }

    #[test]
    fn hosts() {
        for host in [
            "",
            "a",
            "a_b.example:80",
            "a:",
            "192.0.2.1:8080",
            "[2001:db8::1]",
            "[::1]:80",
        ] {
            assert!(accepts(1, &[&format!("Host: {host}")]), "{host}");
        }
        for host in [
            "a b", "a, b", "user@a", "a/b", "http://a", "a:b", "a:80:80", "::1", "[::1]a",
            "a[::1]", "a\\b",
        ] {
            assert!(!accepts(1, &[&format!("Host: {host}")]), "{host}");
            assert!(!accepts(0, &[&format!("Host: {host}")]), "{host}");
        }
    }

    #[test]
    fn one_host() {
        assert!(accepts(1, &["Host: test"]));
        assert!(accepts(1, &["host:"]));
        assert!(!accepts(1, &[]));
        assert!(!accepts(1, &["Host: test", "HOST: test"]));
        assert!(accepts(0, &[]));
        assert!(!accepts(0, &["Host: test", "Host: test"]));
    }

    #[test]
    fn codings_end_in_chunked() {
        for codings in ["chunked", "Chunked", "gzip, chunked", "gzip,chunked"] {
            let line = format!("Transfer-Encoding: {codings}");
            assert!(accepts(1, &["Host:", &line]), "{codings}");
            assert!(!accepts(0, &["Host:", &line]), "{codings}");
        }
        for codings in [
            "",
            "identity",
            "gzip",
            "chunked, gzip",
            "chunked;a",
            "xchunked",
        ] {
            let line = format!("Transfer-Encoding: {codings}");
            assert!(!accepts(1, &["Host:", &line]), "{codings}");
        }
    }

    #[test]
    fn names_are_tokens() {
        assert!(accepts(0, &["X-1_a!#$%&'*+.^`|~: y"]));
        for name in ["", "a(b)", "a/b", "a@b", "\"a\"", "a{", "a\0"] {
            assert!(!accepts(0, &[&format!("{name}: y")]), "{name:?}");
        }
    }

    #[test]
    fn values_have_no_control_characters() {
        assert!(accepts(0, &["X: a\tb ~"]));
        for value in ["a\0b", "a\rb", "a\nb", "a\x0bb", "a\x7fb"] {
            assert!(!accepts(0, &[&format!("X: {value}")]), "{value:?}");
        }
    }
}
