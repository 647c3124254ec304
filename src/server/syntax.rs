//! Requests that a server must refuse (RFC 9110 and 9112), but that tiny_http lets through.
//!
//! tiny_http has removed white space around lines and around values by then, so a folded line and
//! a blank before the colon look like fields of their own; `SECURITY.md` names what it hides.

use tiny_http::{HTTPVersion, Header};

use crate::answer::lines;

/// Why a request is malformed, as a sentence for its sender; `None` if it is not.
pub fn fault(version: &HTTPVersion, headers: &[Header]) -> Option<&'static str> {
    let hosts = lines(headers, "Host").take(2).count();
    let has = |wrong: fn(&Header) -> bool| headers.iter().any(wrong);
    if hosts > 1 || (hosts == 0 && *version == HTTPVersion(1, 1)) {
        // RFC 9112, section 3.2.
        Some("There must be one Host field.")
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
        fault(&HTTPVersion(1, minor), &headers).is_none()
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
