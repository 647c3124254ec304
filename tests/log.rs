//! The log: one line per request, which cannot be forged; priorities for the journal; a reader that
//! has left, or does not read.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::iter;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::activation::{hand_over, listener};
use support::{PATIENCE, Program, command, exchange, get, lines};

#[test]
fn each_request_is_logged_in_one_line() {
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
    assert!(line.contains(r#"path="/\"\u{1b}" status=400"#), "{line}");
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
fn lines_for_journald_begin_with_their_priority() {
    // As systemd does: standard error is a socket, and the variable names it.
    let logging_to = |arguments: &[&str], named: bool| {
        let (log, stderr) = UnixStream::pair().unwrap();
        log.set_read_timeout(Some(PATIENCE)).unwrap();
        let stderr = OwnedFd::from(stderr);
        let file = File::from(stderr.try_clone().unwrap()).metadata().unwrap();
        let inode = file.ino() + u64::from(!named);
        let mut command = command(arguments);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", file.dev()));
        let child = command.stderr(stderr).spawn().unwrap();
        (child, BufReader::new(log))
    };
    let next = |log: &mut BufReader<UnixStream>| {
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        line
    };
    let serve = ["--listen", "127.0.0.1:0", "--log-level=debug"];
    let (mut child, mut log) = logging_to(&serve, true);
    let mut first = String::new();
    while !first.contains(" listens on ") {
        first = next(&mut log);
    }
    assert!(first.starts_with("<4>WARN "), "{first}");
    let (_, address) = first.split_once(" listens on ").unwrap();
    let address = address.split_once(';').unwrap().0.parse().unwrap();
    get(address, &[]);
    assert!(next(&mut log).starts_with("INFO "));
    get(address, &["User-Agent: ELB-HealthChecker/2.0"]);
    assert!(next(&mut log).starts_with("<7>DEBUG"));
    child.kill().unwrap();
    child.wait().unwrap();
    for (named, start) in [(true, "<3>publicip-poc: "), (false, "publicip-poc: ")] {
        let (mut child, mut log) = logging_to(&["--frobnicate"], named);
        assert!(next(&mut log).starts_with(start));
        child.wait().unwrap();
    }
}

#[test]
fn a_lost_log_does_not_stop_the_service() {
    let mut child = command(&["--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    while !first.contains(" listens on ") {
        first.clear();
        log.read_line(&mut first).unwrap();
    }
    let (_, address) = first.split_once(" listens on ").unwrap();
    let address = address.split_once(';').unwrap().0.parse().unwrap();
    drop(log);
    for _ in 0..20 {
        assert_eq!(get(address, &[]).status, 200);
    }
    // A panic would end the process too, but with status 1.
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The program, whose log fills every buffer on the way to its reader.
fn with_unread_log() -> Child {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let program = [env!("CARGO_BIN_EXE_publicip-poc"), "--log-level", "debug"];
    let child = hand_over(&[], vec![listener.into()], &program)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let path = "x".repeat(200);
    let request = format!("GET /{path} HTTP/1.1\r\nHost: test\r\n\r\n");
    for _ in 0..2500 {
        assert_eq!(exchange(address, &request).status, 200);
    }
    child
}

#[test]
fn an_unread_log_delays_neither_service_nor_exit() {
    let mut child = with_unread_log();
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    let begin = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn lines_that_an_unread_log_lost_are_counted() {
    let mut child = with_unread_log();
    let log = lines(child.stderr.take().unwrap());
    let mut lines = iter::from_fn(|| log.recv_timeout(PATIENCE).ok());
    let said = lines.find(|line| line.ends_with(" lines were lost: nobody read the log"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.expect("a line that says so").contains("WARN"));
}
