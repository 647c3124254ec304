//! Requests in bodies: none may ever be served. That none reached the log the supervisor sees;
//! here the answers are looked at.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

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

/// Requests per second, and from how many clients, so that the service lets connections persist.
const BUSY: u32 = 2000;
const BUSY_CLIENTS: u32 = 8;

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
    let (stop, right) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wrong = AtomicUsize::new(0);
    let begin = Instant::now();
    let complaint = thread::scope(|scope| {
        for client in 0..BUSY_CLIENTS {
            let (stop, right, wrong) = (&stop, &right, &wrong);
            scope.spawn(move || keep_busy(address, client, stop, right, wrong));
        }
        // Two periods of the service's, until connections persist.
        thread::sleep(Duration::from_millis(600));
        let complaint = through_balancer(address);
        paced(300, 300, |number| {
            let request = LAST[number as usize % LAST.len()];
            if let Some(mut stream) = send(address, request.as_bytes()) {
                let _ = stream.read(&mut [0; 1024]);
            }
        });
        stop.store(true, Relaxed);
        complaint
    });
    let (right, wrong) = (right.into_inner(), wrong.into_inner());
    let a_second = u128::try_from(right).unwrap_or(0) * 1000 / begin.elapsed().as_millis();
    complaint
        .or_else(|| (wrong > right / 1000).then(|| format!("{wrong} wrong answers, {right} right")))
        .or_else(|| (a_second <= 1000).then(|| format!("only {a_second} requests a second")))
}

/// One of the busy clients: asks on one connection, and looks for its own address in the page.
fn keep_busy(
    address: SocketAddr,
    client: u32,
    stop: &AtomicBool,
    right: &AtomicUsize,
    wrong: &AtomicUsize,
) {
    let mut stream = None;
    let mut due = Instant::now();
    let mut number = 0;
    while !stop.load(Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += Duration::from_secs(1) * BUSY_CLIENTS / BUSY;
        number = (number + 1) % 250;
        let token = format!("198.51.{client}.{number}");
        let answered = stream.get_or_insert_with(|| connect(address)).as_mut();
        if answered.and_then(|stream| ask(stream, &token)).is_some() {
            right.fetch_add(1, Relaxed);
        } else {
            wrong.fetch_add(1, Relaxed);
            stream = None;
        }
    }
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    send(address, b"")
}

/// Whether the next answer is the page for this address.
fn ask(stream: &mut TcpStream, token: &str) -> Option<()> {
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut page = Vec::new();
    let mut buffer = [0; 4096];
    while !page.ends_with(b"</html>") {
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => page.extend_from_slice(&buffer[..count]),
        }
    }
    let page = String::from_utf8(page).ok()?;
    let own = page.contains(&format!("green;\">{token}</span>"));
    (page.starts_with("HTTP/1.1 200 ") && own).then_some(())
}
