//! The program on the command line: options, exit statuses, signals.

mod support;

use std::fs;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use support::{PATIENCE, Program, Response, command, connect, get, lines};

/// Runs the program, which ends: what is right so far cannot listen on that address.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(arguments)
        .env("PUBLICIP_POC_LISTEN", "192.0.2.1:1")
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (argument, expected) in [
        ("--help", "Usage: publicip-poc"),
        ("--version", "publicip-poc "),
    ] {
        let output = run(&[argument], &[]);
        assert_eq!(
            (output.status.code(), stderr(&output)),
            (Some(0), String::new())
        );
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.lines().all(|line| line.len() <= 80),
            "wider than a terminal: {text}"
        );
    }
    let version = run(&["--version"], &[]).stdout;
    assert_eq!(
        version,
        format!("publicip-poc {}~dev\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
}

#[test]
fn a_wrong_setting_is_named_and_exits_2() {
    for (arguments, environment, named) in [
        (&["--frobnicate"][..], &[][..], "--frobnicate"),
        (
            &["--log-level", "loud"],
            &[],
            "--log-level: \"loud\" is not off",
        ),
        (
            &[],
            &[("PUBLICIP_POC_TRUSTED_HOP", "1")],
            "PUBLICIP_POC_TRUSTED_HOP is not a known variable",
        ),
    ] {
        let output = run(arguments, environment);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        let (first, rest) = message.split_once('\n').expect("a line");
        assert!(
            first.starts_with("publicip-poc: ") && first.contains(named),
            "{first}"
        );
        // The usage helps only someone who typed a command line.
        let usage = rest.starts_with("Usage: publicip-poc ");
        assert!(usage != rest.is_empty(), "{rest}");
        assert_eq!(usage, !arguments.is_empty(), "{rest}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_address_that_cannot_be_had_exits_1_and_says_what_to_do() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    for (address, what) in [
        (
            taken.local_addr().expect("its address"),
            "stop what listens there",
        ),
        // Of no host (RFC 5737).
        (([192, 0, 2, 1], 8080).into(), "an address of this host"),
    ] {
        let output = run(&["--listen", &address.to_string()], &[]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        let start = format!("publicip-poc: cannot listen on {address}: ");
        assert!(
            message.starts_with(&start) && message.contains(what),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn signals_end_the_program_within_a_second() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut program = Program::start(&[]);
        get(program.address, &[]);
        let asked = Instant::now();
        program.signal(signal);
        assert_eq!(program.wait().code(), Some(0), "SIG{signal}");
        assert!(asked.elapsed() < Duration::from_secs(1), "SIG{signal}");
        let log = program.rest_of_log();
        let last = log.last().expect("a last line");
        assert!(
            last.contains(&format!("stopped by SIG{signal}: 1 request served")),
            "{last}"
        );
    }
}

#[test]
fn a_request_in_hand_is_answered_when_the_program_stops() {
    let mut program = Program::start(&[]);
    let mut stream = connect(program.address);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: test\r\n")
        .unwrap();
    // The signal and the rest of the request are both there when the program goes on.
    program.pause();
    program.signal("TERM");
    stream.write_all(b"\r\n").unwrap();
    program.signal("CONT");
    let response = Response::read(&mut BufReader::new(stream), false).expect("an answer");
    assert_eq!(
        (response.status, response.field("Connection")),
        (200, Some("close"))
    );
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_second_signal_kills() {
    let mut program = Program::start(&[]);
    // Both signals are pending when it goes on: SIGINT has the lower number and is handled first,
    // SIGTERM kills.
    program.pause();
    program.signal("TERM");
    program.signal("INT");
    program.signal("CONT");
    assert_eq!(program.wait().signal(), Some(15));
}

#[test]
fn slow_clients_do_not_delay_others() {
    let program = Program::start(&[]);
    let mut slow: Vec<_> = (0..50).map(|_| connect(program.address)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nX-Slow:").unwrap();
    }
    assert_eq!(get(program.address, &[]).status, 200);
}

#[test]
fn check_prints_the_settings_and_opens_nothing() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let client = "client: X-Forwarded-For entry 1 from the right";
    for (variable, status, said) in [
        (
            ("PUBLICIP_POC_LISTEN", &*address),
            0,
            format!("OK: {address}; log level info; {client}\n"),
        ),
        (
            ("LISTEN_FDS", "1"),
            0,
            format!("OK: the socket from systemd; log level info; {client}\n"),
        ),
        (("PUBLICIP_POC_LISTEN", "x"), 2, String::new()),
        (("LISTEN_FDS", "x"), 2, String::new()),
    ] {
        let output = run(&["--check", "--trusted-hops=1"], &[variable]);
        assert_eq!(output.status.code(), Some(status), "{variable:?}");
        assert_eq!(output.stdout, said.as_bytes(), "{variable:?}");
        assert_eq!(output.stderr.is_empty(), status == 0, "{variable:?}");
    }
}

#[test]
fn the_first_lines_say_what_to_open_who_is_the_client_and_the_version() {
    for (arguments, level, client) in [
        (
            &[][..],
            "WARN ",
            "any client can forge its address: set --trusted-hops",
        ),
        (
            &["--trusted-hops=2", "--trusted-peers=10.0.1.0/24,::1"],
            "INFO ",
            "client: X-Forwarded-For entry 2 from the right, believed from 10.0.1.0/24,::1/128",
        ),
    ] {
        let mut command = command(&["--listen", "127.0.0.1:0"]);
        let mut child = command
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = lines(child.stderr.take().expect("piped"));
        let line = || log.recv_timeout(PATIENCE).expect("a line");
        let version = concat!(
            "INFO  [publicip_poc] version ",
            env!("CARGO_PKG_VERSION"),
            "~dev"
        );
        assert!(line().starts_with(version));
        assert_eq!(line(), format!("{level} [publicip_poc] {client}"));
        let last = line();
        let (start, url) = last.split_once("; open ").expect("what to open");
        let address = url
            .strip_prefix("http://")
            .and_then(|url| url.strip_suffix('/'));
        let address = address.expect("an address");
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        assert_eq!(
            start,
            format!("{level} [publicip_poc] listens on {address}")
        );
        child.kill().and_then(|()| child.wait()).expect("its end");
    }
}

/// The soft one is 1,024 on most hosts.
#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let mut command = Command::new("sh");
    let script = "ulimit -Sn 64 && ulimit -Hn 512 && exec \"$0\" --listen 127.0.0.1:0";
    command.args(["-c", script, env!("CARGO_BIN_EXE_publicip-poc")]);
    let program = Program::spawn(&mut command, (Ipv4Addr::LOCALHOST, 0).into());
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id())).expect("its limits");
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let numbers: Vec<&str> = line.expect("proc(5)").split_whitespace().take(2).collect();
    assert_eq!(numbers, ["512", "512"]);
}
