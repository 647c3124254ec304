//! The log: one line per request, which cannot be forged; priorities for the journal; a reader that
//! has left, or does not read.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::iter;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::activation::{hand_over, listener};
use support::{PATIENCE, Program, Response, command, connect, exchange, get, lines};

/// What is sent, and the line that it leaves.
#[test]
fn each_request_is_logged_in_one_line() {
    let program = Program::start(&[]);
    let long = "x".repeat(10_000);
    let cut = "x".repeat(256);
    for (request, line) in [
        (
            "GET /a?b HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.195\r\n\r\n",
            "client=203.0.113.195 peer=127.0.0.1 method=GET path=/a?b status=200 bytes=590",
        ),
        (
            "HEAD / HTTP/1.1\r\nHost: test\r\n\r\n",
            "client=- peer=127.0.0.1 method=HEAD path=/ status=200 bytes=0",
        ),
        (
            "GET /\u{e4} HTTP/1.1\r\nHost: test\r\nX-Amzn-Trace-Id: Root=1-67891233-abc\r\n\r\n",
            "client=- peer=127.0.0.1 method=GET path=\"/\u{c3}\u{a4}\" status=200 bytes=584 \
             trace=\"Root=1-67891233-abc\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 1.2.3.4\r\n\
             X-Amzn-Trace-Id: x\r\nContent-Length: 5\r\n\r\n",
            "client=1.2.3.4 peer=127.0.0.1 method=POST path=/ status=405 bytes=41 \
             reason=\"Only GET, HEAD and OPTIONS are answered.\" trace=x",
        ),
        (
            "PRI * HTTP/2.0\r\n\r\n",
            "client=- peer=127.0.0.1 method=- path=- status=505 bytes=37 \
             reason=\"The HTTP version must be 1.0 or 1.1.\"",
        ),
        // Nothing that comes from a client can be mistaken for something else.
        (
            "GET /\" HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 1.2.3.4 peer=9.9.9.9\r\n\r\n",
            "client=\"1.2.3.4 peer=9.9.9.9\" peer=127.0.0.1 method=GET path=\"/\\\"\" status=200",
        ),
        (
            "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: \u{1b}[31m\r\n\r\n",
            "client=- peer=127.0.0.1 method=- path=- status=400",
        ),
        (
            "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: \"quoted\" \\\r\n\r\n",
            "client=\"\\\"quoted\\\" \\\\\" peer=",
        ),
        (
            "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: -\r\n\r\n",
            "client=\"-\" peer=",
        ),
        (
            &format!("{long} /{long} HTTP/1.1\r\nHost: test\r\n\r\n"),
            &format!("method={cut}... path=/{}... status=405", &cut[1..]),
        ),
    ] {
        exchange(program.address, request);
        let logged = program.log_line("client=").expect("a line");
        assert!(
            logged.starts_with("INFO  [publicip_poc::access] "),
            "{logged}"
        );
        assert!(logged.contains(line), "{logged}");
    }
}

#[test]
fn health_checks_are_logged_at_debug() {
    let elb = "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: ELB-HealthChecker/2.0\r\n";
    let haproxy = "OPTIONS / HTTP/1.0\r\n";
    let forwarded = "X-Forwarded-For: 203.0.113.195\r\n";
    for (check, level, fields, logged) in [
        (elb, "debug", "", "DEBUG"),
        (elb, "info", "", "stopped"),
        (elb, "info", forwarded, "INFO "),
        (haproxy, "info", "", "stopped"),
        (haproxy, "info", forwarded, "INFO "),
    ] {
        let program = Program::start(&["--log-level", level]);
        exchange(program.address, &format!("{check}{fields}\r\n"));
        program.signal("TERM");
        let line = program.log_line("").expect("a line");
        assert!(line.contains(logged), "{check} {level} {fields}: {line}");
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

/// The program, whose log fills every buffer on the way to its reader; killed when the test ends.
struct Unread {
    child: Child,
    address: SocketAddr,
}

impl Unread {
    fn start() -> Self {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let program = [env!("CARGO_BIN_EXE_publicip-poc"), "--log-level", "debug"];
        let child = hand_over(&[], vec![listener.into()], &program)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let unread = Self { child, address };
        unread.ask(12_000);
        unread
    }

    /// Sends so many pipelined requests, and reads the responses.
    fn ask(&self, requests: usize) {
        let stream = connect(self.address);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let path = "x".repeat(200);
        let request = format!("GET /{path} HTTP/1.1\r\nHost: test\r\n\r\n");
        let send = move || (&stream).write_all(request.repeat(requests).as_bytes());
        let sender = thread::spawn(send);
        for _ in 0..requests {
            let response = Response::read(&mut reader, false).expect("a response");
            assert_eq!(response.status, 200);
        }
        sender.join().unwrap().unwrap();
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_unread_log_delays_neither_service_nor_exit() {
    let mut program = Unread::start();
    let id = program.child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    let begin = Instant::now();
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn lines_that_were_not_read_fast_enough_are_counted() {
    let mut program = Unread::start();
    let log = lines(program.child.stderr.take().unwrap());
    let mut lines = iter::from_fn(|| log.recv_timeout(PATIENCE).ok());
    let said = lines.find(|line| line.contains(" lines were lost: "));
    assert!(said.expect("a line that says so").contains("WARN"));
}

#[test]
fn a_slowly_read_log_does_not_slow_the_service() {
    let mut program = Unread::start();
    let mut log = BufReader::new(program.child.stderr.take().unwrap());
    thread::spawn(move || {
        while log
            .read_line(&mut String::new())
            .is_ok_and(|count| count > 0)
        {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let begin = Instant::now();
    program.ask(10_000);
    // At a line each 10 ms, it would be 100 s.
    assert!(begin.elapsed() < Duration::from_secs(30));
}
