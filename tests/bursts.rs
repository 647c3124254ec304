//! Bursts: connections that arrive at the same moment. None waits for another to time out.

mod support;

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use support::busy::keep_busy;
use support::{Program, Response, connect};

/// A load balancer opens connections for a burst of clients like this.
#[test]
fn connections_of_a_burst_are_all_answered() {
    let program = Program::start(&[]);
    for count in [10, 50, 10] {
        let burst: Vec<TcpStream> = (0..count).map(|_| connect(program.address)).collect();
        assert_eq!(answered(burst), count);
    }
}

/// Connections persist meanwhile, so only the service's own guard can help those that starve.
#[test]
fn connections_of_a_burst_are_all_answered_while_others_are_busy() {
    let program = Program::start(&[]);
    keep_busy(program.address, 4);
    // All wait on the listening socket before the first is accepted.
    program.pause();
    let burst: Vec<TcpStream> = (0..64).map(|_| connect(program.address)).collect();
    program.signal("CONT");
    assert_eq!(answered(burst), 64);
}

/// No other connection opens or closes until the last one is answered.
#[test]
fn connections_behind_requests_that_never_end_are_answered() {
    let program = Program::start(&[]);
    for _ in 0..10 {
        program.pause();
        let never_ending: Vec<TcpStream> = (0..60)
            .map(|_| {
                let mut stream = connect(program.address);
                stream
                    .write_all(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n")
                    .expect("the request is sent");
                stream
            })
            .collect();
        let last = connect(program.address);
        program.signal("CONT");
        assert_eq!(ask(last).0, 200);
        drop(never_ending);
    }
}

/// Sends a GET on every connection at once; returns how many got a 200 in time. Like a load
/// balancer, keeps a connection that persists: until the last answer.
fn answered(burst: Vec<TcpStream>) -> usize {
    let ask = |stream| thread::spawn(move || ask(stream));
    let clients: Vec<_> = burst.into_iter().map(ask).collect();
    let answers: Vec<_> = clients.into_iter().map(JoinHandle::join).collect();
    let is_page = |answer: &&_| matches!(answer, Ok((200, _)));
    answers.iter().filter(is_page).count()
}

/// The status of the response, and the connection if it persists.
fn ask(mut stream: TcpStream) -> (u16, Option<TcpStream>) {
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("a timeout");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .expect("the request is sent");
    let response = Response::read(&mut BufReader::new(&stream), false).expect("a response");
    let persists = response.field("Connection") != Some("close");
    (response.status, persists.then_some(stream))
}
