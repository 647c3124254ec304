//! The head of a request: where it ends, and its parts (RFC 9112, sections 2 to 5).
//!
//! A head is judged as soon as its bytes allow, and always the same, however they were cut.

use std::str;

use httparse::{EMPTY_HEADER, Error, Header, Status};
use memchr::{memchr, memchr_iter};

use super::limits;
use super::rules::{Refusal, bad, refusal};
use crate::answer::response::Status as Code;

/// A request line and fields that are well formed, each by itself.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub method: &'a str,
    pub target: &'a [u8],
    /// The second digit of the version: HTTP/1.0 or HTTP/1.1.
    pub minor: u8,
    pub fields: &'a [Header<'a>],
}

impl<'a> Head<'a> {
    /// The values of all lines of a field, in order (RFC 9110, section 5.3).
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |field: &&Header| field.name.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|field| field.value)
    }

    /// Whether the response has no content (RFC 9110, section 9.3.2).
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

const REQUEST_LINE: &str = "The request line is not valid.";

/// Room for the fields of one head.
pub type Fields<'a> = [Header<'a>; limits::FIELDS];

/// An empty one.
pub const NO_FIELDS: Fields<'static> = [EMPTY_HEADER; limits::FIELDS];

/// The head at the start of `bytes` and its length; `None` if more is to come. Of an incomplete head,
/// the first `seen` bytes have been here before.
///
/// # Errors
/// It is no head, or too large.
pub fn parse<'a>(
    bytes: &'a [u8],
    seen: usize,
    fields: &'a mut Fields<'a>,
) -> Result<Option<(Head<'a>, usize)>, Refusal> {
    let more = if bytes.len() < limits::HEAD {
        Ok(None)
    } else {
        let reason = "The request is longer than 80 kB.";
        Err(refusal(Code::FIELDS_TOO_LARGE, reason))
    };
    let bytes = &bytes[..bytes.len().min(limits::HEAD)];
    // Some clients send an empty line too many (RFC 9112, section 2.2).
    let start = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let Some(line) = memchr(b'\n', &bytes[start..]) else {
        return match bytes[start..] {
            [byte, ..] if !is_tchar(byte) && bytes != b"\r" => Err(bad(REQUEST_LINE)),
            _ => more,
        };
    };
    let line = start + line;
    let end = end(bytes, seen);
    if end == Ok(None) && seen > line {
        return more;
    }
    let (method, target, minor) = request_line(&bytes[start..line])?;
    let Some(end) = end? else {
        return more;
    };
    let fields = match httparse::parse_headers(&bytes[line + 1..end], fields) {
        Ok(Status::Complete((_, fields))) => fields,
        Err(Error::TooManyHeaders) => {
            let reason = "The request has more than 128 fields.";
            return Err(refusal(Code::FIELDS_TOO_LARGE, reason));
        }
        // RFC 9110, section 5.1. Also a line that continues the one before (RFC 9112, section 5.2).
        Err(Error::HeaderName) => return Err(bad("A field name is not valid.")),
        // RFC 9110, section 5.5.
        _ => return Err(bad("A field value has a control character.")),
    };
    let head = Head {
        method,
        target,
        minor,
        fields,
    };
    Ok(Some((head, end)))
}

/// Where the first empty line ends; lines that end before `seen` have been here before.
fn end(bytes: &[u8], seen: usize) -> Result<Option<usize>, Refusal> {
    for at in memchr_iter(b'\n', &bytes[seen..]) {
        let line = &bytes[..seen + at];
        if line.last() != Some(&b'\r') {
            // RFC 9112, section 2.2, allows it, but others may see different lines then.
            return Err(bad("A line must end with CR and LF."));
        }
        if line.ends_with(b"\r\n\r") {
            return Ok(Some(line.len() + 1));
        }
    }
    Ok(None)
}

/// The method, the target, and the second digit of the version (RFC 9112, section 3).
fn request_line(line: &[u8]) -> Result<(&str, &[u8], u8), Refusal> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ');
    let mut word = || words.next().unwrap_or_default();
    let (method, target, version) = (word(), word(), word());
    let method = str::from_utf8(method).unwrap_or_default();
    let is_method = !method.is_empty() && method.bytes().all(is_tchar);
    let is_target = !target.is_empty() && !target.iter().any(u8::is_ascii_control);
    if !is_method || !is_target || words.next().is_some() {
        return Err(bad(REQUEST_LINE));
    }
    match version {
        b"HTTP/1.0" => Ok((method, target, 0)),
        b"HTTP/1.1" => Ok((method, target, 1)),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            let reason = "The HTTP version must be 1.0 or 1.1.";
            Err(refusal(Code::VERSION_NOT_SUPPORTED, reason))
        }
        _ => Err(bad(REQUEST_LINE)),
    }
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
