//! Connections: in which order requests are answered, and what ends a connection.

mod support;

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use support::activation::{hand_over, listener};
use support::{PATIENCE, Program, Response, connect, connect_from};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// The next status, `None` at the end of the connection.
fn status(stream: &TcpStream) -> Option<u16> {
    // Nothing is lost with the buffer, since every response is asked for after the one before.
    Response::read(&mut BufReader::new(stream), false).map(|response| response.status)
}

fn send(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("sent");
}

fn ask(stream: &TcpStream) -> Option<u16> {
    send(stream, GET);
    status(stream)
}

fn assert_takes(limit: Range<u64>, begin: Instant) {
    let milliseconds = begin.elapsed().as_millis();
    let limit = limit.start.into()..limit.end.into();
    assert!(limit.contains(&milliseconds), "{milliseconds} ms");
}

#[test]
fn pipelined_requests_are_answered_in_order_even_if_no_more_will_come() {
    let program = Program::start(&[]);
    let stream = connect(program.address);
    // The gateway answers OPTIONS by itself.
    let requests = |client: u8| {
        format!(
            "GET / HTTP/1.1\r\nHost: test\r\nAccept: text/plain\r\nX-Forwarded-For: {client}\r\n\r\n\
             OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n"
        )
    };
    let all: String = (0..50).map(requests).collect();
    send(&stream, all.as_bytes());
    stream.shutdown(Shutdown::Write).expect("shut down");
    let mut reader = BufReader::new(stream);
    for client in 0..50 {
        let response = Response::read(&mut reader, false).expect("a response");
        assert_eq!(response.content, format!("{client}\n"));
        let response = Response::read(&mut reader, false).expect("a response");
        assert_eq!(response.status, 204);
    }
    assert_eq!(Response::read(&mut reader, false), None);
}

#[test]
fn connections_of_a_burst_are_all_answered_at_once() {
    let program = Program::start(&[]);
    // All wait on the listening socket before the first is accepted.
    program.pause();
    let burst: Vec<TcpStream> = (0..500).map(|_| connect(program.address)).collect();
    for stream in &burst {
        send(stream, GET);
    }
    program.signal("CONT");
    let begin = Instant::now();
    assert!(burst.iter().all(|stream| status(stream) == Some(200)));
    assert_takes(0..5_000, begin);
}

#[test]
fn a_connection_reset_before_it_is_accepted_harms_nobody() {
    let mut program = Program::start(&[]);
    program.pause();
    for _ in 0..10 {
        let stream = connect(program.address);
        send(&stream, GET);
        reset(stream);
    }
    let other = connect(program.address);
    program.signal("CONT");
    assert_eq!(ask(&other), Some(200));
    assert!(program.is_alive());
}

/// As load balancers do that have few ports left.
#[test]
fn a_port_can_be_used_again_at_once_after_a_reset() {
    let program = Program::start(&[]);
    let connect_from = |port| {
        let from = (Ipv4Addr::new(127, 0, 0, 9), port).into();
        // A process that another test starts has a copy of the old socket for a moment.
        (0..100).find_map(|_| {
            thread::sleep(Duration::from_millis(5));
            connect_from(from, program.address).ok()
        })
    };
    let mut stream = connect_from(0).expect("a connection");
    let port = stream.local_addr().expect("its address").port();
    for request in [GET, b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: "] {
        for is_answered in [true, false] {
            send(&stream, request);
            if is_answered && request.ends_with(b"\r\n\r\n") {
                status(&stream).expect("an answer");
            }
            reset(stream);
            stream = connect_from(port).expect("the port is free");
            assert_eq!(ask(&stream), Some(200));
        }
    }
}

fn reset(stream: TcpStream) {
    let result = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    result.expect("an option");
    drop(stream);
}

#[test]
fn at_the_cap_the_connection_that_is_idle_for_longest_makes_room() {
    let listener = listener();
    let address = listener.local_addr().expect("its address");
    let descriptors = ["prlimit", "--nofile=100"];
    let program = [env!("CARGO_BIN_EXE_publicip-poc")];
    let mut command = hand_over(&descriptors, vec![listener.into()], &program);
    let _program = Program::spawn(&mut command, address);
    // 64 descriptors are not for clients.
    let mut clients: Vec<TcpStream> = (0..30).map(|_| connect(address)).collect();
    send(&clients[0], b"GET / HTTP/1.1\r\nX: ");
    assert_eq!(ask(&clients[2]), Some(200));
    clients.extend((30..40).map(|_| connect(address)));
    assert_eq!(ask(&clients[39]), Some(200));
    assert_eq!(status(&clients[1]), None, "it has never sent anything");
    send(&clients[0], b"\r\nHost: test\r\n\r\n");
    assert_eq!(status(&clients[0]), Some(200));
    assert_eq!(ask(&clients[2]), Some(200));
    assert!(clients[10..].iter().all(|stream| ask(stream) == Some(200)));
}

/// All of them together may keep 64 MiB.
#[test]
fn some_unfinished_heads_are_refused_if_they_take_too_much_memory() {
    let program = Program::start(&[]);
    let head = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(81_000));
    let mut clients: Vec<TcpStream> = (0..850).map(|_| connect(program.address)).collect();
    for client in &clients {
        send(client, head.as_bytes());
    }
    assert_eq!(ask(&connect(program.address)), Some(200));
    clients.retain(|mut client| {
        client.set_nonblocking(true).expect("an option");
        client.read(&mut [0; 1024]).is_err()
    });
    assert!((800..850).contains(&clients.len()), "{}", clients.len());
    assert!(
        program
            .log_line("Too many requests are incomplete")
            .is_some()
    );
}

#[test]
fn what_has_begun_is_answered_when_the_program_stops() {
    let mut program = Program::start(&[]);
    let idle = connect(program.address);
    assert_eq!(ask(&idle), Some(200));
    let (unfinished, never_finished) = (connect(program.address), connect(program.address));
    send(&unfinished, &GET[..20]);
    send(&never_finished, &GET[..20]);
    // Whoever is answered was accepted after them.
    assert_eq!(ask(&connect(program.address)), Some(200));
    let begin = Instant::now();
    program.signal("TERM");
    // Its own listening socket is closed at once, so that a load balancer goes elsewhere.
    while TcpStream::connect(program.address).is_ok() {}
    thread::sleep(Duration::from_millis(300));
    send(&unfinished, &GET[20..]);
    let response = Response::read(&mut BufReader::new(&unfinished), false).expect("an answer");
    assert_eq!(response.field("Connection"), Some("close"));
    assert_eq!((response.status, status(&unfinished)), (200, None));
    assert_eq!(status(&idle), None);
    assert_eq!(program.wait().code(), Some(0));
    assert_takes(700..2_000, begin);
    assert_eq!(status(&never_finished), None);
}

/// All in one test, because they take fourteen seconds.
#[test]
fn slow_clients_are_given_up_and_idle_ones_are_not() {
    let program = Program::start(&[]);
    let address = program.address;
    thread::scope(|scope| {
        scope.spawn(|| idle(address));
        scope.spawn(|| unfinished_head(address, false));
        scope.spawn(|| unfinished_head(address, true));
        scope.spawn(|| unread_response(address, Duration::from_secs(14)));
        scope.spawn(|| unread_response(address, Duration::from_millis(100)));
        scope.spawn(|| slowly_read_response(address));
        scope.spawn(|| refused_and_still_sending(address));
    });
}

/// Idle connections are the load balancer's to close.
fn idle(address: SocketAddr) {
    let (unused, used) = (connect(address), connect(address));
    assert_eq!(ask(&used), Some(200));
    thread::sleep(Duration::from_secs(12));
    assert_eq!((ask(&unused), ask(&used)), (Some(200), Some(200)));
}

/// It makes no difference whether more of the head arrives.
fn unfinished_head(address: SocketAddr, more_comes: bool) {
    let stream = connect(address);
    send(&stream, b"GET / HTTP/1.1\r\nX: ");
    let begin = Instant::now();
    for _ in 0..9 {
        thread::sleep(Duration::from_secs(1));
        send(&stream, if more_comes { b"x" } else { b"" });
    }
    assert_eq!((status(&stream), status(&stream)), (Some(408), None));
    assert_takes(9_900..15_000, begin);
}

/// Asks for a page of 600 kB. The buffers hold less: segments are small, as in many a network.
fn ask_for_a_large_page(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an option");
    socket.set_tcp_mss(1024).expect("an option");
    socket.connect(&address.into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    let field = format!("X-Forwarded-For: {}", "&".repeat(60_000));
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\n{field}\r\nConnection: close\r\n\r\n");
    send(&stream, request.as_bytes());
    stream
}

/// Reads a kilobyte after each pause. After ten seconds, the rest is discarded.
fn unread_response(address: SocketAddr, pause: Duration) {
    let mut stream = ask_for_a_large_page(address);
    let begin = Instant::now();
    let mut read = 0;
    while begin.elapsed() < Duration::from_secs(14) {
        thread::sleep(pause);
        read += stream.read(&mut [0; 1024]).unwrap_or_default();
    }
    let mut rest = Vec::new();
    // It may end with a reset.
    let _ = stream.read_to_end(&mut rest);
    read += rest.len();
    assert!((1..600_000).contains(&read), "{read} bytes");
}

/// Takes three seconds, which is within the time.
fn slowly_read_response(address: SocketAddr) {
    let mut stream = ask_for_a_large_page(address);
    let mut read = 0;
    while let count @ 1.. = stream.read(&mut [0; 1024]).expect("a part") {
        read += count;
        thread::sleep(Duration::from_millis(5));
    }
    assert!(read > 600_000, "{read} bytes");
}

/// It gets its answer, and a second later the connection is closed.
fn refused_and_still_sending(address: SocketAddr) {
    let mut stream = connect(address);
    send(&stream, b"GET / HTTP/1.1\r\n\r\n");
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE && stream.write_all(b"x").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
    assert_takes(900..5_000, begin);
    assert_eq!(status(&stream), Some(400));
}
