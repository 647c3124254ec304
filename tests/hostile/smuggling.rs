//! Requests in bodies: none may ever be served. That none reached the log the supervisor sees;
//! here the answers are looked at.

use std::net::SocketAddr;
use std::time::Duration;

use crate::wire::{paced, replies, send};

const INNER: &str = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

/// Bodies around [`INNER`]: a name for the report, the field lines, and the body.
fn bodies() -> Vec<(&'static str, &'static str, String)> {
    let chunked = "Transfer-Encoding: chunked";
    let inner = INNER.len();
    let large = format!("{INNER}{}", "x".repeat(3000));
    vec![
        ("a short body", "Content-Length: {}", INNER.into()),
        ("a long body", "Content-Length: {}", large),
        (
            "a chunk",
            chunked,
            format!("{inner:x}\r\n{INNER}\r\n0\r\n\r\n"),
        ),
        (
            "a chunk extension",
            chunked,
            "5;GET /smuggled HTTP/1.1\r\nabcde\r\n0;a=\"GET /smuggled HTTP/1.1\"\r\n\r\n".into(),
        ),
        (
            "a bare line feed in a chunk extension",
            chunked,
            format!("5;a\n{INNER}abcde\r\n0\r\n\r\n"),
        ),
        (
            "a short chunk size",
            chunked,
            format!("2\r\n{INNER}\r\n0\r\n\r\n"),
        ),
        (
            "a long chunk size",
            chunked,
            format!("ff\r\n{INNER}\r\n0\r\n\r\n"),
        ),
        ("no chunk size", chunked, INNER.into()),
        (
            "behind a malformed chunk",
            chunked,
            format!("zz\r\n0\r\n\r\n{INNER}"),
        ),
        (
            "a trailer",
            chunked,
            format!("1\r\na\r\n0\r\nX-Trailer: y\r\n{INNER}\r\n"),
        ),
        (
            "another transfer coding",
            "Transfer-Encoding: identity",
            INNER.into(),
        ),
        (
            "two transfer codings",
            "Transfer-Encoding: gzip, chunked",
            format!("{inner:x}\r\n{INNER}\r\n0\r\n\r\n"),
        ),
        (
            "both lengths",
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            format!("0\r\n\r\n{INNER}"),
        ),
        (
            "an obscured transfer coding",
            "Content-Length: {}\r\nTransfer-Encoding:\x0bchunked",
            format!("0\r\n\r\n{INNER}"),
        ),
        (
            "a folded transfer coding",
            "Content-Length: {}\r\nX: y\r\n Transfer-Encoding: chunked",
            format!("0\r\n\r\n{INNER}"),
        ),
        (
            "two different lengths",
            "Content-Length: 0\r\nContent-Length: {}",
            INNER.into(),
        ),
        (
            "two other different lengths",
            "Content-Length: {}\r\nContent-Length: 0",
            INNER.into(),
        ),
        ("a length that is none", "Content-Length: {}x", INNER.into()),
        ("a length with a sign", "Content-Length: +{}", INNER.into()),
        (
            "an upgrade",
            "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: {}",
            INNER.into(),
        ),
    ]
}

/// Every body, on POST and GET, `rounds` times.
fn all(
    address: SocketAddr,
    rounds: u32,
    judge: fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let bodies = bodies();
    let count = u32::try_from(bodies.len()).expect("few");
    let mut complaints = Vec::new();
    paced(2 * count * rounds, 100, |number| {
        let (name, field, body) = &bodies[(number / 2 % count) as usize];
        let method = ["POST", "GET"][number as usize % 2];
        let field = field.replace("{}", &body.len().to_string());
        let request = format!("{method} / HTTP/1.1\r\nHost: test\r\n{field}\r\n\r\n{body}");
        let Some(mut stream) = send(address, request.as_bytes()) else {
            return;
        };
        let answers = replies(&mut stream, Duration::from_millis(60));
        if let Some(complaint) = judge(&answers) {
            complaints.push(format!("{method} with {name}: {complaint}"));
        }
    });
    complaints.sort();
    complaints.dedup();
    (!complaints.is_empty()).then(|| complaints.join("; "))
}

/// Through the balancer there is nothing but one refusal, whoever says it.
pub fn through_balancer(address: SocketAddr) -> Option<String> {
    all(address, 2, |answers| {
        (answers.matches("HTTP/1.1 ").count() > 1).then_some("more than one answer")
    })
}

/// Straight to the port, also what no balancer lets through: the connection is declared closed
/// unless the body was taken off it.
pub fn straight(address: SocketAddr) -> Option<String> {
    all(address, 1, |answers| {
        let first = answers.split("\r\n\r\n").next().unwrap_or_default();
        if !["HTTP/1.1 400 ", "HTTP/1.1 405 ", "HTTP/1.1 413 "]
            .iter()
            .any(|status| answers.starts_with(status))
        {
            return Some("not refused");
        }
        let more = answers.matches("HTTP/1.1 ").count() > 1;
        let closed = first.to_ascii_lowercase().contains("connection: close");
        (more && !closed).then_some("more answers, and no Connection: close")
    })
}
