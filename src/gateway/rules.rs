//! What becomes of a well-formed head: which requests RFC 9110 and 9112 tell a server to refuse, and
//! what the connection does after the answer.

use super::head::Head;
use super::refusal::{self, Refusal};

/// What the connection does after its response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum After {
    /// It persists, as connections do by default in HTTP/1.1.
    Persist,
    /// It persists, which an HTTP/1.0 client has to be told.
    KeepAlive,
    /// It closes.
    Close,
    /// It closes although the client may still be sending.
    Linger,
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// By the service: GET and HEAD.
    Forward(After),
    /// With what is allowed: OPTIONS.
    Options(After),
}

/// What is done with a request.
///
/// # Errors
/// It is refused.
pub fn action(head: &Head<'_>) -> Result<Action, Refusal> {
    if !is_target(head.method, head.target) {
        return Err(refusal::TARGET);
    }
    host(head)?;
    let after = if has_body(head)? {
        // A body concerns nobody, and nothing behind the head is taken for a request.
        After::Linger
    } else {
        after(head)
    };
    match head.method {
        "GET" | "HEAD" => Ok(Action::Forward(after)),
        "OPTIONS" => Ok(Action::Options(after)),
        _ => Err(refusal::METHOD),
    }
}

/// Only OPTIONS and CONNECT have targets of other forms than these two (RFC 9112, section 3.2).
/// Characters such as `|` and `{`, and bytes above 0x7f, are let through, because clients send them.
fn is_target(method: &str, target: &[u8]) -> bool {
    let has_scheme = |scheme: &[u8]| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let is_form = match method {
        "CONNECT" => true,
        "OPTIONS" if target == b"*" => true,
        _ => target[0] == b'/' || has_scheme(b"http://") || has_scheme(b"https://"),
    };
    is_form && !target.contains(&b'#')
}

fn host(head: &Head<'_>) -> Result<(), Refusal> {
    let mut hosts = head.values("Host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(_), None) => Err(refusal::HOST),
        (None, _) if head.minor == 0 => Ok(()),
        _ => Err(refusal::ONE_HOST),
    }
}

/// A name or an address, and maybe a port (RFC 9110, section 7.2). It may be empty.
fn is_host(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| *byte == b']');
    let end = end.map_or(0, |bracket| bracket + 1);
    let mut parts = value[end..].splitn(2, |byte| *byte == b':');
    let (name, port) = (parts.next().unwrap_or_default(), parts.next());
    let is_allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte);
    value.iter().all(is_allowed)
        && port.unwrap_or_default().iter().all(u8::is_ascii_digit)
        && if end == 0 {
            !value.contains(&b'[')
        } else {
            value[0] == b'[' && name.is_empty()
        }
}

/// Whether a body follows, which is where recipients disagree if the fields do (RFC 9112, section 6.3).
fn has_body(head: &Head<'_>) -> Result<bool, Refusal> {
    let coding = head.values("Transfer-Encoding").last();
    let mut lengths = head.values("Content-Length");
    let (length, another) = (lengths.next(), lengths.next());
    if let Some(coding) = coding {
        let last = coding.rsplit(|byte| *byte == b',').next();
        let last = last.unwrap_or_default().trim_ascii();
        let is_delimited = last.eq_ignore_ascii_case(b"chunked") && head.minor == 1;
        return if is_delimited && length.is_none() {
            Ok(true)
        } else {
            Err(refusal::CODING)
        };
    }
    match length {
        None => Ok(false),
        Some([]) => Err(refusal::LENGTH),
        Some(length) if another.is_none() && length.iter().all(u8::is_ascii_digit) => {
            Ok(length.iter().any(|digit| *digit != b'0'))
        }
        Some(_) => Err(refusal::LENGTH),
    }
}

/// What the version and `Connection` say (RFC 9112, section 9.3).
fn after(head: &Head<'_>) -> After {
    let has = |option: &[u8]| {
        head.values("Connection")
            .flat_map(|line| line.split(|byte| *byte == b','))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(option))
    };
    match head.minor {
        _ if has(b"close") => After::Close,
        1 => After::Persist,
        _ if has(b"keep-alive") => After::KeepAlive,
        _ => After::Close,
    }
}
