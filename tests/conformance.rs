//! Requests that RFC 9110 and 9112 say to refuse, sent to the real program: those that are refused,
//! and those that tiny_http changes before anybody can see what is wrong with them.

mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use support::{Program, connect, read_until_quiet};

/// What must not be answered behind a refused request.
const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: test\r\n\r\n";

/// By the sections of RFC 9112 that they break.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "2.2 line ends",
        &[
            "GET / HTTP/1.1\nHost: test\n\n",
            "GET / HTTP/1.1\nHost: test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\nX: y\r\n\r\n",
            "GET / HTTP/1.1\rHost: test\r\r\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\rX: y\r\n\r\n",
        ],
    ),
    (
        "2.3 version",
        &[
            "GET /\r\n\r\n",
            "GET / HTTP/0.9\r\nHost: test\r\n\r\n",
            "GET / HTTP/1\r\nHost: test\r\n\r\n",
            "GET / HTTP/01.1\r\nHost: test\r\n\r\n",
            "GET / HTTP/1.10\r\nHost: test\r\n\r\n",
            "GET / HTTP/ 1.1\r\nHost: test\r\n\r\n",
            "GET / http/1.1\r\nHost: test\r\n\r\n",
            "GET / HTTPS/1.1\r\nHost: test\r\n\r\n",
        ],
    ),
    (
        "3 request line",
        &[
            "GET HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET  HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET /  HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET\t/\tHTTP/1.1\r\nHost: test\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: test\r\n\r\n",
            " / HTTP/1.1\r\nHost: test\r\n\r\n",
        ],
    ),
    (
        "3.2 request target",
        &[
            "GET a HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET test:80 HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET /a\0b HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET /a\rb HTTP/1.1\r\nHost: test\r\n\r\n",
            "GET /a\x7fb HTTP/1.1\r\nHost: test\r\n\r\n",
        ],
    ),
    (
        "3.2 Host",
        &[
            "GET / HTTP/1.1\r\n\r\n",
            "GET http://test/ HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        ],
    ),
    (
        "5 fields",
        &[
            "GET / HTTP/1.1\r\nHost: test\r\nX\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\n: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX(1): y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX : y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX\t: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX\0: y\r\n\r\n",
        ],
    ),
    (
        "5.2 folded lines",
        &[
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n\tb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n \r\n\r\n",
        ],
    ),
    (
        "5.5 (RFC 9110) values",
        &[
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\nb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX: a\x0bb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nX: \x7f\r\n\r\n",
        ],
    ),
    (
        "6.1 Transfer-Encoding",
        &[
            "GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: \0chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ],
    ),
    (
        "6.3 Content-Length",
        &[
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: +36\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 0x24\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 3 6\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 36, 36\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 36\r\nContent-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ],
    ),
];

/// Bodies that are refused for their method: whether their ends can be trusted no longer matters.
const NOT_ALLOWED: &[&str] = &[
    "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
];

/// tiny_http closes the connection without an answer when a head is not ASCII.
const CLOSED: &[&str] = &[
    "GET /\u{e4} HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX\u{e4}: y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX: \u{e4}\r\n\r\n",
];

/// What gets the page although it should not, because tiny_http hides what is wrong with it:
/// `SECURITY.md` names these. None of them moves the end of a request.
const HIDDEN: &[&str] = &[
    // Words behind the version.
    "GET / HTTP/1.1 x\r\nHost: test\r\n\r\n",
    // White space around lines, so that a folded line with a colon is a field.
    " GET / HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET / HTTP/1.1 \r\nHost: test\r\n\r\n",
    "GET / HTTP/1.1\r\n X: y\r\nHost: test\r\n\r\n",
    "GET / HTTP/1.1\r\n Host: test\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a\r\n Host: test\r\n\r\n",
    // CR and LF beside a line's end, and other control characters around values.
    "GET / HTTP/1.1\r\r\nHost: test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\n\r\n\r\n",
    "GET / HTTP/1.1\r\n\rHost: test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX: \x0bc\x0c\r\n\r\n",
];

/// What a strict reader of the RFCs must serve.
const SERVED: &[&str] = &[
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "GET http://other/ HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nX:y\r\nY: \t z\t \r\n\r\n",
];

#[test]
fn what_must_be_refused_is_refused_and_nothing_behind_it_is_answered() {
    let program = Program::start(&[]);
    let refused = REFUSED.iter().flat_map(|(_, requests)| *requests);
    all_answer(&program, refused, &["400", "end"]);
    all_answer(&program, NOT_ALLOWED, &["405", "end"]);
    all_answer(&program, CLOSED, &["end"]);
}

#[test]
fn what_tiny_http_hides_is_known() {
    let program = Program::start(&[]);
    all_answer(&program, HIDDEN.iter().chain(SERVED), &["200"]);
}

/// Sends all requests at once, with [`BEHIND`] behind each unless it is served, and compares.
fn all_answer<'r>(
    program: &Program,
    requests: impl IntoIterator<Item = &'r &'r str>,
    expected: &[&str],
) {
    let address = program.address;
    let behind = if expected == ["200"] { "" } else { BEHIND };
    thread::scope(|scope| {
        for request in requests {
            scope.spawn(move || {
                let answers = answers(address, &format!("{request}{behind}"));
                let got: Vec<&str> = answers.iter().map(String::as_str).collect();
                // Whether a served connection ends is not the question.
                let got = if behind.is_empty() {
                    got.get(..1).unwrap_or_default()
                } else {
                    &got[..]
                };
                assert_eq!(got, expected, "{request:?}");
            });
        }
    });
}

/// The statuses that come back, and `end` if the connection ends.
fn answers(address: SocketAddr, bytes: &str) -> Vec<String> {
    let mut stream = connect(address);
    stream.write_all(bytes.as_bytes()).expect("sent");
    let (text, ended) = read_until_quiet(&mut stream, Duration::from_secs(3));
    let status = |head: &str| head.get(1..5)?.strip_prefix(' ').map(str::to_owned);
    let statuses = text.split("HTTP/1.").skip(1).filter_map(status);
    statuses.chain(ended.then(|| "end".to_owned())).collect()
}
