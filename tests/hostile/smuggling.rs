//! Requests in bodies: none may ever be served. That none reached the log the supervisor sees;
//! here the answers are looked at.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use crate::busy::while_busy;
use crate::wire::{paced, replies, send};

const INNER: &str = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

/// What stands in the request in place of its path where the framing can be trusted. Where it
/// cannot, and no balancer refuses it, all that can be done is to declare the connection closed.
const TRUSTED: &str = "/smuggled";
const UNTRUSTED: &str = "/untrusted";

/// A body with [`INNER`] in it.
struct Body {
    name: &'static str,
    fields: &'static str,
    content: String,
    trusted: bool,
}

fn bodies() -> Vec<Body> {
    let body = |trusted| {
        move |name, fields, content: String| Body {
            name,
            fields,
            content,
            trusted,
        }
    };
    let (trusted, untrusted) = (body(true), body(false));
    let length = "Content-Length: {}";
    let chunked = "Transfer-Encoding: chunked";
    let chunk = format!("{:x}\r\n{INNER}\r\n0\r\n\r\n", INNER.len());
    let behind = format!("0\r\n\r\n{INNER}");
    vec![
        trusted("a short body", length, INNER.into()),
        trusted("a long body", length, INNER.repeat(100)),
        trusted("a chunk", chunked, chunk.clone()),
        trusted(
            "a chunk extension",
            chunked,
            "5;a /smuggled HTTP/1.1\r\nx: yz\r\n\r\n0;a /smuggled HTTP/1.1\r\n\r\n".into(),
        ),
        trusted(
            "a long chunk size",
            chunked,
            format!("ff\r\n{INNER}\r\n0\r\n\r\n"),
        ),
        trusted("a length with a sign", "Content-Length: +{}", INNER.into()),
        trusted(
            "a length and another",
            "Content-Length: {}\r\nContent-Length: 0",
            INNER.into(),
        ),
        trusted(
            "an upgrade",
            "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: {}",
            INNER.into(),
        ),
        trusted("two codings", "Transfer-Encoding: gzip, chunked", chunk),
        untrusted(
            "a short chunk size",
            chunked,
            format!("2\r\n{INNER}\r\n0\r\n\r\n"),
        ),
        untrusted("no chunk size", chunked, INNER.into()),
        untrusted("a malformed chunk", chunked, format!("zz\r\n{behind}")),
        untrusted(
            "a line feed in a chunk extension",
            chunked,
            format!("5;a\n{INNER}abcde\r\n{behind}"),
        ),
        untrusted("a trailer", chunked, format!("0\r\nX: y\r\n{INNER}\r\n")),
        untrusted(
            "a coding of no use",
            "Transfer-Encoding: identity",
            INNER.into(),
        ),
        untrusted(
            "length and coding",
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            behind.clone(),
        ),
        untrusted(
            "an obscured coding",
            "Content-Length: {}\r\nTransfer-Encoding:\x0bchunked",
            behind.clone(),
        ),
        untrusted(
            "a folded coding",
            "Content-Length: {}\r\nX: y\r\n Transfer-Encoding: chunked",
            behind,
        ),
        untrusted(
            "no length and another",
            "Content-Length: 0\r\nContent-Length: {}",
            INNER.into(),
        ),
        untrusted("a length that is none", "Content-Length: {}x", INNER.into()),
    ]
}

/// Every body, on POST and GET.
fn all(
    address: SocketAddr,
    behind_balancer: bool,
    judge: fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let bodies = bodies();
    let mut complaints = Vec::new();
    let count = u32::try_from(2 * bodies.len()).expect("few");
    paced(count, 20, |number| {
        let body = &bodies[number as usize / 2];
        let method = ["POST", "GET"][number as usize % 2];
        let trusted = behind_balancer || body.trusted;
        let content = body
            .content
            .replace(TRUSTED, if trusted { TRUSTED } else { UNTRUSTED });
        let fields = body.fields.replace("{}", &content.len().to_string());
        let request = format!("{method} / HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n{content}");
        let answers = send(address, request.as_bytes())
            .map(|mut stream| replies(&mut stream, Duration::from_millis(150)));
        let complaint = answers.map_or(Some("not taken"), |answers| judge(&answers));
        complaints.extend(complaint.map(|text| format!("{method} with {}: {text}", body.name)));
    });
    let first = complaints.first()?;
    Some(format!("{first} ({} complaints)", complaints.len()))
}

/// Through the balancer there is nothing but one refusal, whoever says it.
pub fn through_balancer(address: SocketAddr) -> Option<String> {
    all(address, true, |answers| {
        (answers.matches("HTTP/1.1 ").count() > 1).then_some("more than one answer")
    })
}

/// Straight to the port, also what no balancer lets through.
pub fn straight(address: SocketAddr) -> Option<String> {
    all(address, false, |answers| {
        let (first, more) = answers.split_once("\r\n\r\n").unwrap_or_default();
        let refused = ["400", "405", "413"]
            .iter()
            .any(|status| first.starts_with(&format!("HTTP/1.1 {status} ")));
        if !refused {
            return Some("not refused");
        }
        let closed = first.contains("Connection: close");
        (more.contains("HTTP/1.1 ") && !closed).then_some("more answers, and no Connection: close")
    })
}

/// What the balancer lets through, and what must end its connection to the service all the same:
/// requests that are malformed, and one after which tiny_http closes.
const LAST: [&str; 3] = [
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX: a\x0bb\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
];

/// While the balancer shares persisting connections among its clients, no request of one may cost
/// another its answer.
pub fn among_busy_clients(address: SocketAddr) -> Option<String> {
    while_busy(address, || {
        let complaint = through_balancer(address);
        paced(300, 300, |number| {
            let request = LAST[number as usize % LAST.len()];
            if let Some(mut stream) = send(address, request.as_bytes()) {
                let _ = stream.read(&mut [0; 1024]);
            }
        });
        complaint
    })
}
