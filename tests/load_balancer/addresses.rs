//! The address shown is the client's, and cannot be forged, behind what does as an ALB does.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::support::activation::listener_on;
use crate::support::haproxy::{BALANCER, LoadBalancer};
use crate::support::{Program, Response, connect, connect_from, get};

const ONE_HOP: &[&str] = &["--trusted-hops", "1"];

/// The address shown to a client that sends these fields.
fn shown(address: SocketAddr, fields: &[&str]) -> String {
    let fields = [fields, &["Accept: text/plain"]].concat();
    let response = get(address, &fields);
    assert_eq!(response.status, 200);
    response.content.trim_end().to_owned()
}

#[test]
fn the_client_is_shown_instead_of_the_balancer() {
    for arguments in [&[], ONE_HOP] {
        let program = Program::start(arguments);
        let balancer = LoadBalancer::start(program.address);
        let page = get(balancer.address, &[]).content;
        let client = r#"green;">127.0.0.1</span>"#;
        let direct = format!("(ALB): {BALANCER}</h3>");
        assert!(page.contains(client) && page.contains(&direct), "{page}");
    }
}

#[test]
fn forged_entries_are_not_believed() {
    let program = Program::start(ONE_HOP);
    let balancer = LoadBalancer::start(program.address);
    let thirty = format!("X-Forwarded-For: {}", ["203.0.113.8"; 30].join(", "));
    let long = format!("X-Forwarded-For: {}", "8.8.8.8,".repeat(1_900));
    for forged in [
        &["X-Forwarded-For: 8.8.8.8"][..],
        &["X-Forwarded-For: 8.8.8.8, 10.0.0.1,  192.0.2.1"],
        &["X-Forwarded-For: 8.8.8.8", "X-Forwarded-For: 9.9.9.9"],
        &["x-forwarded-for: 8.8.8.8", "X-FORWARDED-FOR:"],
        &["X-Forwarded-For: 8.8.8.8,"],
        &["X-Forwarded-For: ,,, ,"],
        &["X-Forwarded-For:"],
        &["X-Forwarded-For: \"8.8.8.8\", <script>"],
        &["Forwarded: for=8.8.8.8", "X-Real-IP: 8.8.8.8"],
        &["Connection: X-Forwarded-For"],
        &[&thirty],
        &[&long],
    ] {
        assert_eq!(shown(balancer.address, forged), "127.0.0.1", "{forged:?}");
    }
}

/// The original shows it too, and the start-up line warns of it.
#[test]
fn the_first_entry_can_be_forged() {
    let program = Program::start(&[]);
    let balancer = LoadBalancer::start(program.address);
    let forged = ["X-Forwarded-For: 8.8.8.8"];
    assert_eq!(shown(balancer.address, &forged), "8.8.8.8");
}

#[test]
fn ipv6_clients_are_shown() {
    let program = Program::start(ONE_HOP);
    let listener = listener_on(Ipv6Addr::LOCALHOST.into());
    let balancer = LoadBalancer::start_on(listener, program.address);
    assert_eq!(shown(balancer.address, &[]), "::1");
    let forged = ["X-Forwarded-For: 2001:db8::1"];
    assert_eq!(shown(balancer.address, &forged), "::1");
}

#[test]
fn two_balancers_are_two_hops() {
    let program = Program::start(&["--trusted-hops", "2"]);
    let inner = LoadBalancer::start(program.address);
    let outer = LoadBalancer::start(inner.address);
    assert_eq!(shown(outer.address, &[]), "127.0.0.1");
    let forged = ["X-Forwarded-For: 8.8.8.8, 9.9.9.9"];
    assert_eq!(shown(outer.address, &forged), "127.0.0.1");
    // A client that bypasses the outer one is one entry short, and cannot make up for it.
    assert_eq!(shown(inner.address, &[]), "Not available");
}

#[test]
fn only_trusted_peers_are_believed() {
    let forged = ["X-Forwarded-For: 8.8.8.8"];
    for (peers, through, straight) in [
        ("127.0.0.2", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.2/31,192.0.2.0/24", "127.0.0.1", "127.0.0.1"),
        ("192.0.2.0/24", "127.0.0.2", "127.0.0.1"),
        ("127.0.0.0/8", "127.0.0.1", "8.8.8.8"),
    ] {
        let program = Program::start(&[ONE_HOP, &["--trusted-peers", peers]].concat());
        let balancer = LoadBalancer::start(program.address);
        assert_eq!(shown(balancer.address, &forged), through, "{peers}");
        assert_eq!(shown(program.address, &forged), straight, "{peers}");
    }
}

#[test]
fn clients_that_share_connections_each_see_their_own_address() {
    let program = Program::start(ONE_HOP);
    let balancer = LoadBalancer::start(program.address);
    let clients: Vec<Ipv4Addr> = (11..19)
        .map(|last| Ipv4Addr::new(127, 0, 0, last))
        .collect();
    let connect = |client| connect_from((client, 0).into(), balancer.address);
    let mut streams: Vec<_> = clients
        .iter()
        .map(|client| BufReader::new(connect(*client).expect("a connection")))
        .collect();
    for _ in 0..50 {
        for (client, stream) in clients.iter().zip(&mut streams) {
            let request = "GET / HTTP/1.1\r\nHost: test\r\nAccept: text/plain\r\n\r\n";
            let sent = stream.get_mut().write_all(request.as_bytes());
            sent.expect("the connection persists");
            let response = Response::read(stream, false).expect("a response");
            assert_eq!(response.content, format!("{client}\n"));
        }
    }
}

/// The balancer's own checks are not logged at info. A client may claim to be one.
#[test]
fn a_client_cannot_pass_for_a_health_check() {
    let program = Program::start(ONE_HOP);
    let balancer = LoadBalancer::start(program.address);
    let checker = ["User-Agent: ELB-HealthChecker/2.0"];
    assert_eq!(get(program.address, &checker).status, 200);
    assert_eq!(get(balancer.address, &checker).status, 200);
    let line = program.log_line("path=/").expect("a line");
    assert!(line.starts_with("INFO ") && line.contains("client=127.0.0.1"));
}

/// No client gets any part of another's response, whatever the connection carried before.
#[test]
fn bodies_leave_the_balancers_connections_in_order() {
    let program = Program::start(ONE_HOP);
    let balancer = LoadBalancer::start(program.address);
    let mut open = Vec::new();
    for (length, method, status) in [(9, "POST", 405), (9, "GET", 200), (90_000, "GET", 200)] {
        for _ in 0..10 {
            let mut stream = connect(balancer.address);
            let head =
                format!("{method} / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("the head is sent");
            // The balancer may answer and close before it has all of the body.
            let _ = stream.write_all(&vec![b'x'; length]);
            let mut reader = BufReader::new(stream);
            let response = Response::read(&mut reader, false).expect("a response");
            assert_eq!(response.status, status);
            assert_eq!(shown(balancer.address, &[]), "127.0.0.1");
            open.push(reader);
        }
    }
}
