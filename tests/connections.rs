//! Connections: in which order requests are answered, and what ends a connection.

mod support;

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
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

fn ask(mut stream: &TcpStream) -> Option<u16> {
    stream.write_all(GET).expect("the request is sent");
    status(stream)
}

#[test]
fn pipelined_requests_are_answered_in_order_even_if_no_more_will_come() {
    let program = Program::start(&[]);
    let mut stream = connect(program.address);
    // The gateway answers OPTIONS by itself.
    let requests = |client: u8| {
        format!(
            "GET / HTTP/1.1\r\nHost: test\r\nAccept: text/plain\r\nX-Forwarded-For: {client}\r\n\r\n\
             OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n"
        )
    };
    let all: String = (0..50).map(requests).collect();
    stream.write_all(all.as_bytes()).expect("sent");
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("shut down");
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
    for mut stream in &burst {
        stream.write_all(GET).expect("sent");
    }
    program.signal("CONT");
    let begin = Instant::now();
    assert!(burst.iter().all(|stream| status(stream) == Some(200)));
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_connection_reset_before_it_is_accepted_harms_nobody() {
    let mut program = Program::start(&[]);
    program.pause();
    for _ in 0..10 {
        let mut stream = connect(program.address);
        stream.write_all(GET).expect("sent");
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
        stream.write_all(request).expect("sent");
        if request.ends_with(b"\r\n\r\n") {
            status(&stream).expect("an answer");
        }
        reset(stream);
        stream = connect_from(port).expect("the port is free");
        assert_eq!(ask(&stream), Some(200));
    }
}

fn reset(stream: TcpStream) {
    let linger = Some(Duration::ZERO);
    SockRef::from(&stream)
        .set_linger(linger)
        .expect("an option");
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
    clients[0]
        .write_all(b"GET / HTTP/1.1\r\nX: ")
        .expect("sent");
    assert_eq!(ask(&clients[2]), Some(200));
    clients.extend((30..40).map(|_| connect(address)));
    assert_eq!(ask(&clients[39]), Some(200));
    assert_eq!(status(&clients[1]), None, "it has never sent anything");
    clients[0]
        .write_all(b"\r\nHost: test\r\n\r\n")
        .expect("sent");
    assert_eq!(status(&clients[0]), Some(200));
    assert_eq!(ask(&clients[2]), Some(200));
    assert!(clients[10..].iter().all(|stream| ask(stream) == Some(200)));
}

#[test]
fn what_has_begun_is_answered_when_the_program_stops() {
    let mut program = Program::start(&[]);
    let idle = connect(program.address);
    assert_eq!(ask(&idle), Some(200));
    let mut unfinished = connect(program.address);
    unfinished.write_all(&GET[..20]).expect("sent");
    // Whoever is answered was accepted after it.
    assert_eq!(ask(&connect(program.address)), Some(200));
    let begin = Instant::now();
    program.signal("TERM");
    // Its own listening socket is closed at once, so that a load balancer goes elsewhere.
    while TcpStream::connect(program.address).is_ok() {}
    unfinished.write_all(&GET[20..]).expect("sent");
    let response = Response::read(&mut BufReader::new(&unfinished), false).expect("an answer");
    assert_eq!(response.field("Connection"), Some("close"));
    assert_eq!((response.status, status(&unfinished)), (200, None));
    assert_eq!(status(&idle), None);
    assert_eq!(program.wait().code(), Some(0));
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
}

/// All in one test, because each takes ten seconds.
#[test]
fn slow_clients_are_given_up_and_idle_ones_are_not() {
    let program = Program::start(&[]);
    let address = program.address;
    let limit = Duration::from_millis(9_900)..Duration::from_secs(12);
    thread::scope(|scope| {
        scope.spawn(|| idle(address));
        scope.spawn(|| unfinished_head(address, false, &limit));
        scope.spawn(|| unfinished_head(address, true, &limit));
        scope.spawn(|| unread_response(address, Duration::from_secs(11), &limit));
        scope.spawn(|| unread_response(address, Duration::from_millis(100), &limit));
        scope.spawn(|| slowly_read_response(address));
        scope.spawn(|| refused_and_still_sending(address));
    });
}

/// Idle connections are the load balancer's to close.
fn idle(address: SocketAddr) {
    let unused = connect(address);
    let used = connect(address);
    assert_eq!(ask(&used), Some(200));
    thread::sleep(Duration::from_secs(12));
    assert_eq!((ask(&unused), ask(&used)), (Some(200), Some(200)));
}

/// It makes no difference whether more of the head arrives.
fn unfinished_head(address: SocketAddr, more_comes: bool, limit: &Range<Duration>) {
    let mut stream = connect(address);
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").expect("sent");
    let begin = Instant::now();
    while more_comes && begin.elapsed() < Duration::from_secs(9) {
        stream.write_all(b"x").expect("sent");
        thread::sleep(Duration::from_millis(500));
    }
    stream
        .set_read_timeout(Some(PATIENCE * 2))
        .expect("a timeout");
    assert_eq!((status(&stream), status(&stream)), (Some(408), None));
    assert!(limit.contains(&begin.elapsed()), "{:?}", begin.elapsed());
}

/// A page of 600 kB on a connection whose buffers hold less: many a network has no larger segments.
fn ask_for_a_large_page(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an option");
    socket.set_tcp_mss(1024).expect("an option");
    socket.connect(&address.into()).expect("a connection");
    socket
        .set_read_timeout(Some(PATIENCE * 2))
        .expect("a timeout");
    let field = format!("X-Forwarded-For: {}", "&".repeat(60_000));
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\n{field}\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::from(socket);
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

/// Reads a kilobyte after each pause. The rest is discarded after ten seconds.
fn unread_response(address: SocketAddr, pause: Duration, limit: &Range<Duration>) {
    let mut stream = ask_for_a_large_page(address);
    let begin = Instant::now();
    let mut read = 0;
    while begin.elapsed() < limit.start {
        thread::sleep(pause);
        read += stream.read(&mut [0; 1024]).expect("a part");
    }
    thread::sleep(limit.end.saturating_sub(begin.elapsed()));
    read += stream.read_to_end(&mut Vec::new()).unwrap_or_default();
    assert!((1..600_000).contains(&read), "{read} bytes");
}

fn slowly_read_response(address: SocketAddr) {
    let mut stream = ask_for_a_large_page(address);
    let mut read = 0;
    loop {
        thread::sleep(Duration::from_millis(5));
        match stream.read(&mut [0; 1024]).expect("a part") {
            0 => break,
            count => read += count,
        }
    }
    assert!(read > 600_000, "{read} bytes");
}

/// It gets its answer, and a second later the connection is closed.
fn refused_and_still_sending(address: SocketAddr) {
    let mut stream = connect(address);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    let begin = Instant::now();
    while stream.write_all(b"x").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
    let limit = Duration::from_millis(900)..Duration::from_secs(2);
    assert!(limit.contains(&begin.elapsed()), "{:?}", begin.elapsed());
    assert_eq!(status(&stream), Some(400));
}
