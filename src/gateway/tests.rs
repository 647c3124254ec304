//! Properties of the gateway, whatever bytes come: as pure functions, and through the real loop.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::str;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::head::{self, NO_FIELDS};
use super::rules::{self, Action, Refusal};
use super::{Gateway, forward, limits};
use crate::answer::client::Reading;
use crate::answer::{self, Request};
use crate::service;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// Bytes that are a request more often than not, but never surely.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let method = select(&["GET", "GET", "HEAD", "OPTIONS", "POST", "g(t", ""][..]);
    let target = prop_oneof![
        8 => "/[!-~]{0,8}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..6).prop_map(|bytes| [b"/", &bytes[..]].concat()),
        1 => select(&["*", "http://test/", "test:80", ""][..]).prop_map(Vec::from),
    ];
    let version = select(
        &[
            "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "",
        ][..],
    );
    let name = prop_oneof![
        6 => select(&["X-Forwarded-For", "x-forwarded-proto", "Accept", "User-Agent", "Peer", "X"][..])
            .prop_map(str::to_owned),
        2 => select(&["Connection", "Content-Length", "Transfer-Encoding", "Host"][..])
            .prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
    ];
    let value = prop_oneof![
        8 => vec(prop_oneof![0x20..0x7f_u8, 0x80_u8.., Just(b'%'), Just(b'\t')], 0..12),
        4 => select(&["close", "keep-alive", "0", "5", "chunked", "gzip", "text/plain"][..])
            .prop_map(Vec::from),
        1 => vec(any::<u8>(), 0..6),
    ];
    let end = prop_oneof![20 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\r\n ")];
    let field = (name, value, end.clone())
        .prop_map(|(name, value, end)| [name.as_bytes(), b": ", &value, end.as_bytes()].concat());
    let start =
        prop_oneof![9 => Just(""), 1 => Just("\r\n"), 1 => Just("\r\n\r\n"), 1 => Just("\n")];
    let line = (start, method, target, version, end);
    let line = line.prop_map(|(start, method, target, version, end)| {
        let [space, method, version] = [" ", method, version].map(str::as_bytes);
        [
            start.as_bytes(),
            method,
            space,
            &target,
            space,
            version,
            end.as_bytes(),
        ]
        .concat()
    });
    let host = prop_oneof![9 => Just("Host: test\r\n"), 1 => Just("")];
    let last = prop_oneof![9 => Just("\r\n"), 1 => Just("\n"), 1 => Just("")];
    let request = (line, host, vec(field, 0..5), last).prop_map(|(line, host, fields, last)| {
        [&line, host.as_bytes(), &fields.concat(), last.as_bytes()].concat()
    });
    vec(request, 1..4).prop_map(|requests| requests.concat())
}

/// What becomes of the bytes: where the head ends, what it is, and what is forwarded.
type Judgement = Result<Option<(usize, Action, Vec<u8>)>, Refusal>;

fn judge(bytes: &[u8], seen: usize) -> Judgement {
    let mut fields = NO_FIELDS;
    let Some((head, length)) = head::parse(bytes, seen, &mut fields)? else {
        return Ok(None);
    };
    let action = rules::action(&head)?;
    let mut out = Vec::new();
    if let Action::Forward(_) = action {
        forward::write(&head, PEER, &mut out);
        assert_eq!(read_back(&out), forward::request(Some(&head), PEER));
    }
    Ok(Some((length, action, out)))
}

/// Reads what was forwarded by the letter: it is one request of the allowed form, and nothing else.
fn read_back(forwarded: &[u8]) -> Request<'static> {
    assert!(forwarded.is_ascii());
    let text = str::from_utf8(forwarded).unwrap();
    let (head, behind) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(behind, "");
    assert!(
        head.split("\r\n")
            .all(|line| !line.contains(|c: char| c.is_ascii_control()))
    );
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let [method @ ("GET" | "HEAD"), target, "HTTP/1.1"] = words[..] else {
        panic!("{words:?}");
    };
    let decoded = |text| forward::decode(text).into_owned();
    let mut fields: Vec<(&str, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name, decoded(value)))
        .collect();
    let (name, peer) = fields.pop().unwrap();
    assert_eq!(name, forward::PEER);
    let fields = fields.into_iter().map(|(name, value)| {
        let known = answer::field(name, value.as_bytes()).expect("nothing else is forwarded");
        assert_eq!(known, name);
        (known, value.into())
    });
    Request {
        method: method.to_owned().into(),
        target: decoded(target).into(),
        peer: peer.into(),
        fields: fields.collect(),
    }
}

/// The same bytes in pieces that end at these places, as a client's connection parses them.
fn judge_in_pieces(bytes: &[u8], mut ends: Vec<usize>) -> Judgement {
    ends.sort_unstable();
    ends.push(bytes.len());
    let mut seen = 0;
    for end in ends {
        match judge(&bytes[..end], seen) {
            Ok(None) => seen = end,
            judgement => return judgement,
        }
    }
    Ok(None)
}

fn ends(cuts: &[Index], bytes: &[u8]) -> Vec<usize> {
    let end = |cut: &Index| cut.index(bytes.len() + 1);
    cuts.iter().map(end).collect()
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn what_is_forwarded_is_one_well_formed_request(bytes in requests()) {
        // `judge` asserts it.
        let _ = judge(&bytes, 0);
    }

    #[test]
    fn any_bytes_at_all_can_be_judged(bytes in vec(any::<u8>(), 0..200)) {
        let _ = judge(&bytes, 0);
    }

    #[test]
    fn cutting_the_input_changes_no_judgement(
        bytes in requests(),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let ends = ends(&cuts, &bytes);
        prop_assert_eq!(judge_in_pieces(&bytes, ends), judge(&bytes, 0));
    }
}

#[test]
fn the_limit_of_a_head_is_the_same_however_it_is_cut() {
    let start = b"GET / HTTP/1.1\r\nHost: test\r\nX: ";
    for (length, fits) in [(limits::HEAD, true), (limits::HEAD + 1, false)] {
        let value = vec![b'y'; length - start.len() - 4];
        let bytes = [&start[..], &value, b"\r\n\r\nbehind"].concat();
        let whole = judge(&bytes, 0);
        assert_eq!(whole.is_ok(), fits, "{length}");
        for cut in [1, 40, length - 3, length - 1, length] {
            assert_eq!(judge_in_pieces(&bytes, vec![cut]), whole, "{length}, {cut}");
        }
    }
}

/// A gateway in front of this upstream, and how it ends.
fn gateway(upstream: UnixStream) -> (SocketAddr, JoinHandle<io::Result<&'static str>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (mut gateway, stop) = Gateway::new(listener, false, upstream, Reading::FirstEntry).unwrap();
    let run = move || {
        let _stop = stop;
        gateway.run(|_| ())
    };
    (address, thread::spawn(run))
}

/// What comes back for these pieces, except for the dates.
fn answers(address: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let patience = Some(Duration::from_secs(1));
    stream.set_read_timeout(patience).unwrap();
    for piece in pieces {
        // It may have been refused already.
        let _ = stream.write_all(piece);
        thread::sleep(Duration::from_micros(200));
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    let lines = answers.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.starts_with(b"Date: "))
        .flatten()
        .copied()
        .collect()
}

#[test]
fn cutting_the_input_changes_no_answer() {
    let (server, upstream) = service::start().unwrap();
    thread::spawn(move || service::run(&server, &Reading::FirstEntry));
    let (address, _) = gateway(upstream);
    let inputs = (requests(), vec(any::<Index>(), 0..8));
    proptest!(cases(200), |((bytes, cuts) in inputs)| {
        let mut ends = ends(&cuts, &bytes);
        ends.sort_unstable();
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for end in ends.into_iter().rev() {
            let (start, piece) = rest.split_at(end);
            pieces.insert(0, piece);
            rest = start;
        }
        pieces.insert(0, rest);
        let whole = answers(address, &[&bytes]);
        prop_assert_eq!(answers(address, &pieces), whole);
    });
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";

fn kind(end: JoinHandle<io::Result<&'static str>>) -> ErrorKind {
    end.join().unwrap().expect_err("it cannot go on").kind()
}

#[test]
fn a_lost_upstream_is_a_fault() {
    let (upstream, service) = UnixStream::pair().unwrap();
    let (_, end) = gateway(upstream);
    drop(service);
    assert_eq!(kind(end), ErrorKind::UnexpectedEof);
}

#[test]
fn a_response_that_nobody_waits_for_is_a_fault() {
    let (upstream, mut service) = UnixStream::pair().unwrap();
    let (_, end) = gateway(upstream);
    service
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    assert_eq!(kind(end), ErrorKind::InvalidData);
}

#[test]
fn an_answer_that_does_not_come_is_a_fault() {
    let (upstream, _service) = UnixStream::pair().unwrap();
    let (address, end) = gateway(upstream);
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(GET).unwrap();
    assert_eq!(kind(end), ErrorKind::TimedOut);
}

#[test]
fn responses_that_come_in_pieces_are_relayed() {
    let (upstream, mut service) = UnixStream::pair().unwrap();
    let (address, _) = gateway(upstream);
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(GET).unwrap();
    assert!(service.read(&mut [0; 1024]).unwrap() > 0);
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    for byte in response {
        service.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    let mut relayed = vec![0; response.len()];
    client.read_exact(&mut relayed).unwrap();
    assert_eq!(relayed, response);
}

#[test]
fn a_stop_waits_for_an_unfinished_request_but_not_for_long() {
    let (upstream, _service) = UnixStream::pair().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let (mut gateway, stop) = Gateway::new(listener, false, upstream, Reading::FirstEntry).unwrap();
    let running = thread::spawn(move || gateway.run(|_| ()));
    thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    stop("SIGTERM");
    assert!(matches!(running.join().unwrap(), Ok("SIGTERM")));
    let taken = begin.elapsed();
    assert!(
        taken >= limits::DRAIN_TIME && taken < limits::DRAIN_TIME * 2,
        "{taken:?}"
    );
}
