//! Requests in bodies, and fields that are none: no such request may ever be served. The log shows if
//! one was (`program.rs`); here the answers are counted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

const INNER: &str = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

/// Between two requests, so that the honest clients' come in between.
const PAUSE: Duration = Duration::from_millis(20);

/// Field lines and what is behind the head. `{}` is the length of that.
fn requests() -> Vec<(&'static str, String)> {
    let (length, chunked) = ("Content-Length: {}", "Transfer-Encoding: chunked");
    let chunk = format!("{:x}\r\n{INNER}\r\n0\r\n\r\n", INNER.len());
    let behind = format!("0\r\n\r\n{INNER}");
    vec![
        (length, INNER.into()),
        (length, INNER.repeat(100)),
        (chunked, chunk.clone()),
        (chunked, format!("ff\r\n{INNER}\r\n0\r\n\r\n")),
        (chunked, format!("2\r\n{INNER}\r\n0\r\n\r\n")),
        (chunked, INNER.into()),
        (chunked, format!("zz\r\n{behind}")),
        (
            chunked,
            format!("5;a /smuggled HTTP/1.1\r\nx: yz\r\n\r\n{behind}"),
        ),
        (chunked, format!("5;a\n{INNER}abcde\r\n{behind}")),
        (chunked, format!("0\r\nX: y\r\n{INNER}\r\n")),
        ("Transfer-Encoding: gzip, chunked", chunk),
        ("Transfer-Encoding: identity", INNER.into()),
        (
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            behind.clone(),
        ),
        (
            "Content-Length: {}\r\nTransfer-Encoding:\x0bchunked",
            behind.clone(),
        ),
        (
            "Content-Length: {}\r\nX: y\r\n Transfer-Encoding: chunked",
            behind.clone(),
        ),
        (
            "Content-Length: {}\r\nX: y\n Transfer-Encoding: chunked",
            behind,
        ),
        ("Content-Length: +{}", INNER.into()),
        ("Content-Length: {}x", INNER.into()),
        ("Content-Length: {}\r\nContent-Length: 0", INNER.into()),
        ("Content-Length: 0\r\nContent-Length: {}", INNER.into()),
        (
            "Content-Length: {}\r\nConnection: upgrade\r\nUpgrade: h2c",
            INNER.into(),
        ),
        ("Content-Length: {}\r\nExpect: x", INNER.into()),
        ("X: y\r\n X-Forwarded-For: 192.0.2.66", String::new()),
        ("X: y\nX-Forwarded-For: 192.0.2.66", String::new()),
        ("X: y\r\r\nX-Forwarded-For: 192.0.2.66", String::new()),
        ("X\0: y\r\nX-Forwarded-For: 192.0.2.66", String::new()),
    ]
}

/// Straight to the port: one answer, and then the end.
pub fn straight(address: SocketAddr) -> Option<String> {
    all(address, |answers, ended| answers == 1 && ended)
}

/// Through the balancer: at most one, whoever says it.
pub fn through_balancer(address: SocketAddr) -> Option<String> {
    all(address, |answers, _| answers <= 1)
}

fn all(address: SocketAddr, is_right: fn(usize, bool) -> bool) -> Option<String> {
    let mut wrong = Vec::new();
    for (fields, content) in requests() {
        for method in ["POST", "GET"] {
            let fields = fields.replace("{}", &content.len().to_string());
            let request = format!("{method} / HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n{content}");
            let (answers, ended) = exchange(address, &request).unwrap_or_default();
            if !is_right(answers, ended) {
                wrong.push(format!(
                    "{method} with {fields:?}: {answers} answers, ended: {ended}"
                ));
            }
            thread::sleep(PAUSE);
        }
    }
    let first = wrong.first()?;
    Some(format!("{first} ({} complaints)", wrong.len()))
}

/// How many answers come until the connection's end or a pause, and whether it ends.
fn exchange(address: SocketAddr, request: &str) -> std::io::Result<(usize, bool)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.write_all(request.as_bytes())?;
    let mut answers = Vec::new();
    let ended = stream.read_to_end(&mut answers).is_ok();
    let answers = String::from_utf8_lossy(&answers);
    Ok((answers.matches("HTTP/1.1 ").count(), ended))
}
