//! Connections that come in the same moment: none waits for another one to end.

mod support;

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::{Program, Response, connect};

/// As a load balancer does that opens connections for a burst of clients and keeps them.
#[test]
fn connections_of_a_burst_are_all_answered_while_all_stay_open() {
    let program = Program::start(&[]);
    let mut open = Vec::new();
    for count in [10, 50, 10] {
        let mut burst: Vec<TcpStream> = (0..count).map(|_| connect(program.address)).collect();
        for stream in &mut burst {
            let request = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
            stream.write_all(request).expect("the request is sent");
        }
        for stream in &burst {
            let limit = Some(Duration::from_secs(2));
            stream.set_read_timeout(limit).expect("a timeout");
            let response = Response::read(&mut BufReader::new(stream), false).expect("a response");
            assert_eq!((response.status, response.field("Connection")), (200, None));
        }
        open.append(&mut burst);
    }
}
