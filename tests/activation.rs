//! Under systemd: socket activation, notifications, and restarts that refuse no connection.

mod support;

use std::fs::File;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use socket2::{Domain, Socket, Type};
use support::activation::{hand_over, listener};
use support::{PATIENCE, Program, get};

const PROGRAM: &str = env!("CARGO_BIN_EXE_publicip-poc");

fn file_in_target(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

/// The program with one socket handed over.
fn activated(socket: impl Into<OwnedFd>, arguments: &[&str]) -> Command {
    let program = [&[PROGRAM], arguments].concat();
    hand_over(&[], vec![socket.into()], &program)
}

#[test]
fn a_socket_handed_over_is_served_and_listen_is_ignored() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let mut command = activated(listener, &["--listen", "192.0.2.1:1"]);
    let mut program = Program::spawn(&mut command, address);
    assert_eq!(get(address, &[]).status, 200);
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_socket_for_another_process_is_ignored() {
    let address: SocketAddr = ([127, 0, 0, 1], 0).into();
    let listen = address.to_string();
    let mut command = support::command(&["--listen", &listen]);
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let program = Program::spawn(&mut command, address);
    assert_eq!(get(program.address, &[]).status, 200);
}

#[test]
fn anything_but_one_listening_tcp_socket_exits_2() {
    let tcp = listener;
    let connected = tcp();
    let connected = TcpStream::connect(connected.local_addr().unwrap()).unwrap();
    let unix = UnixListener::bind(file_in_target("listener.socket")).unwrap();
    for (what, descriptors) in [
        ("two sockets", vec![OwnedFd::from(tcp()), tcp().into()]),
        (
            "a UDP socket",
            vec![UdpSocket::bind("127.0.0.1:0").unwrap().into()],
        ),
        ("a connected socket", vec![connected.into()]),
        (
            "a socket that does not listen",
            vec![
                Socket::new(Domain::IPV4, Type::STREAM, None)
                    .unwrap()
                    .into(),
            ],
        ),
        ("a Unix socket", vec![unix.into()]),
        ("a file", vec![File::open("/dev/null").unwrap().into()]),
    ] {
        let output = hand_over(&[], descriptors, &[PROGRAM]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{what}: {message}");
        assert_eq!(message.lines().count(), 1, "{what}: {message}");
        assert!(
            message.starts_with("publicip-poc: LISTEN_FDS hands over ")
                && message.contains("expected"),
            "{what}: {message}"
        );
    }
}

/// Why a start failed, for `systemctl status`.
#[test]
fn systemd_is_notified_of_a_wrong_setting() {
    let path = file_in_target("failed.socket");
    let systemd = UnixDatagram::bind(&path).unwrap();
    // If that were right, there would be no such address.
    let mut command = support::command(&["--listen", "192.0.2.1:1"]);
    command.env("NOTIFY_SOCKET", &path).env("LISTEN_FDS", "x");
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.starts_with("publicip-poc: LISTEN_FDS is not a number"),
        "{message}"
    );
    let mut buffer = [0; 1024];
    let length = systemd.recv(&mut buffer).expect("a datagram");
    assert_eq!(
        String::from_utf8_lossy(&buffer[..length]),
        message.replace("publicip-poc: ", "STATUS=")
    );
}

#[test]
fn systemd_is_notified_of_readiness_status_and_stop() {
    let path = file_in_target("notify.socket");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let notification = || {
        let mut buffer = [0; 1024];
        let length = systemd.recv(&mut buffer).expect("a datagram");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let mut command = activated(listener, &["--trusted-hops", "1"]);
    let mut program = Program::spawn(command.env("NOTIFY_SOCKET", &path), address);
    let ready = notification();
    let status = format!(
        "STATUS=Listening on {address}; client: X-Forwarded-For entry 1 from the right; 0 requests served"
    );
    assert!(ready.lines().any(|line| line == "READY=1"), "{ready}");
    assert!(ready.lines().any(|line| line == status), "{ready}");
    get(address, &[]);
    // One may have been on its way.
    let later = [notification(), notification()];
    assert!(
        later.iter().all(|text| text.starts_with("WATCHDOG=1\n")),
        "{later:?}"
    );
    assert!(later[1].ends_with("; 1 request served\n"), "{later:?}");
    program.signal("TERM");
    assert_eq!(notification().trim(), "STOPPING=1");
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_full_notification_queue_delays_neither_service_nor_exit() {
    let path = file_in_target("full.socket");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    while sender.send_to(b"X=1", &path).is_ok() {}
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let mut command = activated(listener, &[]);
    let mut program = Program::spawn(command.env("NOTIFY_SOCKET", &path), address);
    assert_eq!(get(address, &[]).status, 200);
    // Readiness is sent again once there is room.
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 1024];
    loop {
        let length = systemd.recv(&mut buffer).expect("a datagram");
        if buffer[..length].starts_with(b"READY=1\n") {
            break;
        }
    }
    while sender.send_to(b"X=1", &path).is_ok() {}
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
}

/// The backlog holds connections that arrive while no process runs.
#[test]
fn a_restart_refuses_no_connection() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let start = || {
        let mut command = activated(listener.try_clone().unwrap(), &[]);
        Program::spawn(&mut command, address)
    };
    let (stop, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let client = || {
        while !stop.load(Relaxed) {
            // Panics without an answer.
            assert_eq!(get(address, &[]).status, 200);
            answers.fetch_add(1, Relaxed);
        }
    };
    let _last = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(client);
        }
        for _ in 0..5 {
            let mut program = start();
            let (begin, before) = (Instant::now(), answers.load(Relaxed));
            while answers.load(Relaxed) < before + 50 && begin.elapsed() < PATIENCE {
                thread::yield_now();
            }
            program.signal("TERM");
            assert_eq!(program.wait().code(), Some(0));
        }
        stop.store(true, Relaxed);
        start()
    });
    assert!(answers.into_inner() >= 250);
}
