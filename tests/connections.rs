//! Connections: how long they persist, the order of responses, and panics in their threads.

mod support;

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use socket2::SockRef;
use support::activation::{hand_over, listener};
use support::{Program, Response, connect, get, read_until_quiet};

#[test]
fn connections_close_when_asked_to_and_below_the_busy_rate() {
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
        // The response announces the close. The client has to close unless its request asked for it.
        let (bytes, ended) = read_until_quiet(&mut stream, Duration::from_millis(300));
        assert!(bytes.starts_with("HTTP/1.1 200 OK\r\n"), "{bytes}");
        assert!(bytes.contains("\r\nConnection: close\r\n"), "{bytes}");
        assert_eq!(ended, ends, "{request}");
    }
}

#[test]
fn connections_persist_above_the_busy_rate() {
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

/// Its thread finds a request but no peer's address, and panics in tiny_http.
#[test]
fn a_connection_reset_before_it_is_accepted_does_not_end_the_service() {
    let mut program = Program::start(&[]);
    program.pause();
    let mut stream = connect(program.address);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("linger");
    drop(stream);
    program.signal("CONT");
    assert_eq!(get(program.address, &[]).status, 200);
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
}

/// tiny_http's accept thread panics when it cannot start a thread for a connection. If an allocation
/// fails first, the process aborts instead.
#[test]
fn a_panic_outside_a_connection_ends_the_service() {
    let listener = listener();
    let address = listener.local_addr().expect("an address");
    let limit = ["prlimit", "--as=134217728"];
    let program = [env!("CARGO_BIN_EXE_publicip-poc")];
    let mut command = hand_over(&limit, vec![listener.into()], &program);
    let mut program = Program::spawn(&mut command, address);
    let _unfinished: Vec<_> = (0..200).map(|_| connect(address)).collect();
    assert!(!program.wait().success());
}
