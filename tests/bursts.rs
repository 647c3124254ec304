//! Connections that come in the same moment: none waits for another one to time out.

mod support;

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use support::{Program, Response, connect};

/// As a load balancer opens connections for a burst of clients: it keeps them unless told not to.
#[test]
fn connections_of_a_burst_are_all_answered() {
    let program = Program::start(&[]);
    for count in [10, 50, 10] {
        let burst: Vec<TcpStream> = (0..count).map(|_| connect(program.address)).collect();
        let answers: Vec<_> = burst
            .into_iter()
            .map(|stream| thread::spawn(move || status(stream)))
            .collect();
        for answer in answers {
            assert_eq!(answer.join().expect("an answer in time"), 200);
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
