//! One connection: how long it lasts, and what comes over it in turn.

mod support;

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use support::{Program, Response, connect, read_until_quiet};

#[test]
fn connections_end_as_they_must_and_while_few_requests_come_in() {
    let program = Program::start(&[]);
    for (request, ends) in [
        ("GET / HTTP/1.1\r\nHost: test\r\n\r\n", false),
        (
            "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
            true,
        ),
        ("GET / HTTP/1.0\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false),
        (
            "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            true,
        ),
    ] {
        let mut stream = connect(program.address);
        stream.write_all(request.as_bytes()).unwrap();
        // The response announces the end; the peer closes, unless the request asked for it.
        let (bytes, ended) = read_until_quiet(&mut stream, Duration::from_millis(300));
        assert!(bytes.starts_with("HTTP/1.1 200 OK\r\n"), "{bytes}");
        assert!(bytes.contains("\r\nConnection: close\r\n"), "{bytes}");
        assert_eq!(ended, ends, "{request}");
    }
}

#[test]
fn connections_persist_while_many_requests_come_in() {
    for (version, said) in [("1.1", None), ("1.0", Some("keep-alive"))] {
        let program = Program::start(&["--log-level", "warn"]);
        let mut stream = BufReader::new(connect(program.address));
        let request =
            format!("GET / HTTP/{version}\r\nHost: test\r\nConnection: keep-alive\r\n\r\n");
        let begin = Instant::now();
        let mut persists = 0;
        while persists < 100 {
            assert!(
                begin.elapsed() < Duration::from_secs(5),
                "{persists} responses let it persist"
            );
            stream.get_mut().write_all(request.as_bytes()).unwrap();
            let response = Response::read(&mut stream, false).expect("a response");
            persists += usize::from(response.field("Connection") == said);
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let program = Program::start(&[]);
    let mut stream = connect(program.address);
    let request = |client: u8| {
        format!(
            "GET / HTTP/1.1\r\nHost: test\r\nAccept: text/plain\r\nX-Forwarded-For: 192.0.2.{client}\r\n\r\n"
        )
    };
    let requests: String = (0..50).map(request).collect();
    stream.write_all(requests.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    for client in 0..50 {
        let response = Response::read(&mut reader, false).expect("a response");
        assert_eq!(response.content, format!("192.0.2.{client}\n"));
    }
}
