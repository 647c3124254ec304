//! Refused requests: their status, and that nothing behind them is answered, even while connections
//! persist.

mod support;

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use support::activation::{hand_over, listener};
use support::busy::keep_busy;
use support::heads::with_unordered_codings;
use support::{PATIENCE, Program, Response, connect, read_until_quiet};

/// What an attacker wants answered: a request hidden behind a malformed one.
const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: test\r\n\r\n";

/// Requests that RFC 9110 and 9112 tell a server to refuse but tiny_http lets through. Some declare
/// [`BEHIND`] as their body.
const MALFORMED: [&str; 9] = [
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX(1): y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: +36\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 36x\r\n\r\n",
];

/// Bodies that tiny_http and a load balancer may see end in different places.
const UNTRUSTED: [&str; 3] = [
    "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: identity\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
];

#[test]
fn malformed_requests_are_refused_and_their_connections_closed() {
    let program = Program::start(&[]);
    for request in MALFORMED {
        assert!(refused(program.address, request).starts_with("HTTP/1.1 400 "));
    }
    let old = support::exchange(program.address, "GET / HTTP/1.0\r\n\r\n");
    assert_eq!(old.status, 200, "HTTP/1.0 does not require Host");
}

#[test]
fn nothing_behind_a_refused_request_is_answered_while_connections_persist() {
    let program = Program::start(&["--log-level", "warn"]);
    let address = program.address;
    keep_busy(address, 1);
    for request in MALFORMED.iter().chain(&UNTRUSTED) {
        refused(address, request);
    }
}

/// Sends the request with [`BEHIND`] after it. Expects one response, with `Connection: close`, and
/// then the end of the connection.
fn refused(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream
        .write_all(format!("{request}{BEHIND}").as_bytes())
        .unwrap();
    let (bytes, ended) = read_until_quiet(&mut stream, Duration::from_secs(3));
    let text = format!("{request:?}: {bytes}");
    assert!(bytes.starts_with("HTTP/1.1 4"), "{text}");
    assert_eq!(bytes.matches("HTTP/1.1 ").count(), 1, "{text}");
    let closes = bytes.contains("Connection: close\r\n");
    assert!(closes && ended, "{text}");
    bytes
}

/// A load balancer that resets a connection may open the next one from the same port at once.
#[test]
fn a_new_connection_from_the_port_of_a_refused_one_is_served() {
    let program = Program::start(&[]);
    let mut first = from_port(program.address, 0);
    let port = first.local_addr().expect("an address").port();
    first.write_all(MALFORMED[0].as_bytes()).expect("sent");
    let response = Response::read(&mut BufReader::new(&first), false);
    assert_eq!(response.expect("a response").status, 400);
    drop(first);
    let mut second = from_port(program.address, port);
    second.write_all(BEHIND.as_bytes()).expect("sent");
    let response = Response::read(&mut BufReader::new(&second), false);
    assert_eq!(response.expect("a response").status, 200);
}

#[test]
fn codings_without_an_order_do_not_end_the_service() {
    let mut program = Program::start(&[]);
    for body in [
        "Content-Length: 2000",
        "Content-Length: 1000000000000000",
        "Transfer-Encoding: x",
    ] {
        let request = with_unordered_codings(body);
        for _ in 0..5 {
            let mut stream = connect(program.address);
            stream.write_all(request.as_bytes()).expect("sent");
            let (bytes, ended) = read_until_quiet(&mut stream, PATIENCE);
            assert!(ended && bytes.is_empty(), "{body}: {bytes}");
        }
    }
    assert!(program.is_alive());
    assert_eq!(support::exchange(program.address, BEHIND).status, 200);
}

/// The budget is a quarter of the descriptors.
#[test]
fn a_spent_budget_of_undroppable_requests_exits_1() {
    let listener = listener();
    let address = listener.local_addr().expect("an address");
    let program = [env!("CARGO_BIN_EXE_publicip-poc")];
    let mut command = hand_over(
        &["prlimit", "--nofile=256"],
        vec![listener.into()],
        &program,
    );
    let mut program = Program::spawn(&mut command, address);
    let undroppable = "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000000000\r\n\r\n";
    for _ in 0..64 {
        assert_eq!(support::exchange(address, undroppable).status, 413);
    }
    assert_eq!(program.wait().code(), Some(1));
    let log = program.rest_of_log();
    let last = log.last().expect("a last line");
    assert_eq!(
        last,
        "publicip-poc: 64 requests that cannot be dropped are kept"
    );
}

/// A connection from this port, reset when it is dropped. No other test has this address, so none
/// takes the port meanwhile.
fn from_port(to: SocketAddr, port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_linger(Some(Duration::ZERO)).expect("linger");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 9), port));
    socket.bind(&from.into()).expect("the port is free");
    socket.connect(&to.into()).expect("a connection");
    socket
        .set_read_timeout(Some(PATIENCE / 5))
        .expect("a timeout");
    socket.into()
}
