//! The request that tiny_http gets, and what the service reads from it: both ends of one format.
//!
//! It is as short as it can be, because tiny_http reads byte by byte: the request line, the fields
//! that the answer depends on, and the peer's address. Bytes that tiny_http does not take are
//! percent-encoded (RFC 3986, section 2.1), `%` itself included.

use std::borrow::Cow;
use std::io::Write;
use std::net::IpAddr;

use httparse::Header;

use super::head::Head;
use crate::answer::{self, Request};

/// The field with the address of the other end of the client's connection. A client's own field of
/// this name is not forwarded, because the answer does not depend on it.
pub const PEER: &str = "Peer";

/// Appends the request to `out`.
pub fn write(head: &Head<'_>, peer: IpAddr, out: &mut Vec<u8>) {
    out.extend_from_slice(head.method.as_bytes());
    out.push(b' ');
    encode(head.target, out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for field in head.fields {
        if let Some(name) = answer::field(field.name, field.value) {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            encode(field.value, out);
            out.extend_from_slice(b"\r\n");
        }
    }
    write!(out, "{PEER}: {peer}\r\n\r\n").expect("writing to a Vec cannot fail");
}

fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'%';
    if bytes.iter().all(is_plain) {
        out.extend_from_slice(bytes);
        return;
    }
    let digit = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
    for byte in bytes {
        if is_plain(byte) {
            out.push(*byte);
        } else {
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// The same for a request that is not forwarded; `None` if nothing could be read of it.
pub fn request<'a>(head: Option<&Head<'a>>, peer: IpAddr) -> Request<'a> {
    let peer = peer.to_string().into();
    let Some(head) = head else {
        return Request {
            peer,
            ..Request::default()
        };
    };
    let fields = head.fields.iter();
    Request {
        method: head.method.into(),
        target: latin_1(head.target).into(),
        peer,
        fields: fields
            .filter_map(|Header { name, value }| {
                Some((answer::field(name, value)?, latin_1(value).into()))
            })
            .collect(),
    }
}

/// ISO-8859-1, which is how the original program reads fields.
fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes that were encoded, as ISO-8859-1.
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| digit.to_digit(16));
        decoded.extend(match next {
            '%' => digit()
                .zip(digit())
                .and_then(|(high, low)| char::from_u32(16 * high + low)),
            plain => Some(plain),
        });
    }
    decoded.into()
}
