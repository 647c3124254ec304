//! The log: a line per request that cannot be forged, priorities for the journal, and a reader that
//! is gone.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::process::Stdio;

use support::{Program, command, exchange, get};

#[test]
fn a_log_line_a_request() {
    let program = Program::start(&[]);
    exchange(
        program.address,
        "GET /a?b HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.195\r\n\r\n",
    );
    let line = program.log_line("client=").expect("a line");
    assert!(
        line.ends_with(
            "client=203.0.113.195 peer=127.0.0.1 method=GET path=/a?b status=200 bytes=590"
        ),
        "{line}"
    );
    exchange(program.address, "HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
    let line = program.log_line("client=").expect("a line");
    assert!(
        line.ends_with("client=- peer=127.0.0.1 method=HEAD path=/ status=200 bytes=0"),
        "{line}"
    );
    exchange(
        program.address,
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2000\r\n\r\n",
    );
    let line = program.log_line("client=").expect("a line");
    assert!(line.contains("method=POST path=/ status=405"), "{line}");
}

#[test]
fn log_lines_cannot_be_forged() {
    let program = Program::start(&[]);
    for (forged, shown) in [
        (
            "1.2.3.4 peer=9.9.9.9",
            r#"client="1.2.3.4 peer=9.9.9.9" peer=127.0.0.1"#,
        ),
        (
            "a\rINFO forged\x1b[31m",
            r#"client="a\rINFO forged\u{1b}[31m" peer=127.0.0.1"#,
        ),
        ("\"quoted\" \\", r#"client="\"quoted\" \\" peer="#),
        ("-", r#"client="-" peer="#),
    ] {
        exchange(
            program.address,
            &format!("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {forged}\r\n\r\n"),
        );
        let line = program.log_line("client=").expect("a line");
        assert!(line.contains(shown), "{line}");
    }
    exchange(
        program.address,
        "GET /\"\x1b HTTP/1.1\r\nHost: test\r\n\r\n",
    );
    let line = program.log_line("client=").expect("a line");
    assert!(line.contains(r#"path="/\"\u{1b}" status=200"#), "{line}");
    let long = "x".repeat(10_000);
    exchange(
        program.address,
        &format!("{long} /{long} HTTP/1.1\r\nHost: test\r\n\r\n"),
    );
    let line = program.log_line("client=").expect("a line");
    assert!(
        line.len() < 1000 && line.contains("x... path=/xx"),
        "{line}"
    );
}

#[test]
fn health_checks_are_logged_at_debug() {
    let check = "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: ELB-HealthChecker/2.0\r\n";
    for (level, fields, logged) in [
        ("debug", "", "DEBUG"),
        ("info", "", "stopped"),
        ("info", "X-Forwarded-For: 203.0.113.195\r\n", "INFO "),
    ] {
        let program = Program::start(&["--log-level", level]);
        exchange(program.address, &format!("{check}{fields}\r\n"));
        program.signal("TERM");
        let line = program.log_line("").expect("a line");
        assert!(line.contains(logged), "{level} {fields}: {line}");
    }
}

#[test]
fn journald_gets_priorities_in_front() {
    let address = (Ipv4Addr::LOCALHOST, support::free_port()).into();
    let listen = format!("{address}");
    let mut command = command(&["--listen", &listen, "--log-level=debug"]);
    command.env("JOURNAL_STREAM", "8:1").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        line
    };
    assert!(line().starts_with("<4>WARN "));
    get(address, &[]);
    assert!(line().starts_with("INFO "));
    get(address, &["User-Agent: ELB-HealthChecker/2.0"]);
    assert!(line().starts_with("<7>DEBUG"));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut command = support::command(&["--frobnicate"]);
    let output = command.env("JOURNAL_STREAM", "8:1").output().unwrap();
    assert!(output.stderr.starts_with(b"<3>publicip-poc: "));
}

#[test]
fn a_lost_log_does_not_stop_the_service() {
    let address = (Ipv4Addr::LOCALHOST, support::free_port()).into();
    let listen = format!("{address}");
    let mut child = command(&["--listen", &listen])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = child.stderr.take().unwrap();
    log.read_exact(&mut [0; 8]).unwrap();
    drop(log);
    for _ in 0..20 {
        assert_eq!(get(address, &[]).status, 200);
    }
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}
