//! Connections that come in the same moment: none waits for another one to time out.

mod support;

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use support::{Program, Response, connect};

/// As a load balancer opens connections for a burst of clients: it keeps them unless told not to.
#[test]
fn connections_of_a_burst_are_all_answered() {
    let program = Program::start(&[]);
    for count in [10, 50, 10] {
        let burst: Vec<TcpStream> = (0..count).map(|_| connect(program.address)).collect();
        for answer in ask_at_once(burst) {
            assert_eq!(answer.join().expect("an answer in time"), 200);
        }
    }
}

/// While many requests come in, connections persist; those that starve are then counted.
#[test]
fn connections_of_a_burst_are_all_answered_while_others_are_busy() {
    let program = Program::start(&[]);
    let (address, over) = (program.address, &AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    ask_until_told_to_close(&connect(address), over);
                }
            });
        }
        thread::sleep(Duration::from_secs(1));
        // All wait on the listening socket before the first is accepted.
        program.pause();
        let burst: Vec<TcpStream> = (0..64).map(|_| connect(address)).collect();
        program.signal("CONT");
        let answered = ask_at_once(burst).into_iter().map(JoinHandle::join);
        let answered = answered.filter(|status| matches!(status, Ok(200))).count();
        over.store(true, Relaxed);
        assert_eq!(answered, 64);
    });
}

/// Nothing else happens: no connection ends, and none comes, until all are answered.
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
        assert_eq!(status(last), 200);
        drop(never_ending);
    }
}

fn ask_at_once(burst: Vec<TcpStream>) -> Vec<JoinHandle<u16>> {
    let ask = |stream| thread::spawn(move || status(stream));
    burst.into_iter().map(ask).collect()
}

fn ask_until_told_to_close(mut stream: &TcpStream, over: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    while !over.load(Relaxed) {
        let request = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
        stream.write_all(request).expect("the request is sent");
        let response = Response::read(&mut reader, false).expect("a response");
        if response.field("Connection") == Some("close") {
            return;
        }
    }
}

fn status(mut stream: TcpStream) -> u16 {
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("a timeout");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .expect("the request is sent");
    let response = Response::read(&mut BufReader::new(&stream), false).expect("a response");
    if response.field("Connection") != Some("close") {
        // What a load balancer does with a connection that persists.
        thread::sleep(Duration::from_secs(5));
    }
    response.status
}
