//! Every request of `support/requests.rs` gets its answer, however it arrives, and nothing behind one
//! that closes its connection is answered.

mod support;

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use http_desync_guardian::RequestSafetyTier::{Acceptable, Ambiguous, Compliant, Severe};
use http_desync_guardian::request_analyzer::HttpRequestData;
use support::requests::{self, Answer, Mode, Row};
use support::{Program, Response, connect_from};

/// The request behind each: what an attacker wants to be answered.
const BEHIND: &[u8] = b"GET /behind HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// How a request is sent, and [`BEHIND`] with it.
#[derive(Debug, Clone, Copy)]
enum Sent {
    /// In one piece, and [`BEHIND`] after the answer, if the connection persists.
    Alone,
    /// Both in one piece.
    Together,
    /// In small pieces, most of them a single byte.
    InPieces,
    /// Like [`Sent::Together`], but if it is refused, the client goes on sending before it reads.
    WithoutEnd,
}

const WAYS: [Sent; 4] = [
    Sent::Alone,
    Sent::Together,
    Sent::InPieces,
    Sent::WithoutEnd,
];

#[test]
fn every_request_gets_its_answer_and_its_line_in_the_access_log() {
    let mut program = Program::start(&["--log-level", "debug"]);
    let address = program.address;
    let rows: Vec<Row> = requests::all().collect();
    thread::scope(|scope| {
        for (number, row) in rows.iter().enumerate() {
            scope.spawn(move || {
                for sent in WAYS {
                    check(row, sent, client(number, sent), address);
                }
            });
        }
    });
    program.signal("TERM");
    assert!(program.wait().success());
    let mut log: HashMap<String, Vec<String>> = HashMap::new();
    for line in program.rest_of_log() {
        if let Some((_, rest)) = line.split_once(" peer=") {
            let (peer, rest) = rest.split_once(' ').expect("more");
            log.entry(peer.into()).or_default().push(rest.into());
        }
    }
    for (number, row) in rows.iter().enumerate() {
        for sent in WAYS {
            check_lines(row, &log[&client(number, sent).to_string()]);
        }
    }
}

/// The address that a row is sent from, by which its lines in the log are known.
fn client(row: usize, sent: Sent) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(row).expect("a small table").to_be_bytes();
    Ipv4Addr::new(127, 1 + sent as u8, high, low)
}

/// Expects the row's answer, the one to [`BEHIND`] only if the connection persists, and the end.
fn check(row: &Row, sent: Sent, from: Ipv4Addr, to: SocketAddr) {
    let (status, persists) = match row.answer {
        Answer::Persists(status) => (status, true),
        Answer::Closes(status) | Answer::Refused(status, _) => (status, false),
    };
    let what = format!(
        "{sent:?} {}",
        row.request[..row.request.len().min(200)].escape_ascii()
    );
    let mut stream = connect_from((from, 0).into(), to).expect("a connection");
    send(&mut stream, row, sent);
    let is_refused = matches!(row.answer, Answer::Refused(..));
    if is_refused && matches!(sent, Sent::WithoutEnd) {
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(30));
            stream.write_all(&[b'x'; 4096]).expect(&what);
        }
    }
    let mut reader = BufReader::new(stream);
    let mut answer = |head_only| Response::read(&mut reader, head_only).expect(&what);
    let first = answer(row.request.starts_with(b"HEAD "));
    assert_eq!(first.status, status, "{what}");
    assert_eq!(
        first.field("Connection") == Some("close"),
        !persists,
        "{what}"
    );
    let allow = matches!(status, 204 | 405).then_some("GET, HEAD, OPTIONS");
    assert_eq!(first.field("Allow"), allow, "{what}");
    if persists {
        if matches!(sent, Sent::Alone) {
            reader.get_mut().write_all(BEHIND).expect(&what);
        }
        let second = Response::read(&mut reader, false).expect(&what);
        assert_eq!(second.status, 200, "{what}");
    }
    let end = reader.read(&mut [0]);
    assert!(matches!(end, Ok(0)), "{what}: {end:?}");
}

fn send(stream: &mut TcpStream, row: &Row, sent: Sent) {
    let both = [&row.request, BEHIND].concat();
    let (pieces, rest) = match (sent, row.answer) {
        (Sent::Alone, _) => return stream.write_all(&row.request).expect("sent"),
        (Sent::Together | Sent::WithoutEnd, _) => (&both[..0], &both[..]),
        (Sent::InPieces, Answer::Persists(_)) => (&both[..], &both[..0]),
        // A client that has been told of the close must not send more.
        (Sent::InPieces, _) => both.split_at(row.request.len() - 1),
    };
    stream.set_nodelay(true).expect("an option");
    for piece in pieces.chunks(1 + pieces.len() / 400) {
        stream.write_all(piece).expect("sent");
        thread::sleep(Duration::from_micros(100));
    }
    stream.write_all(rest).expect("sent");
}

/// Compares what was logged.
fn check_lines(row: &Row, lines: &[String]) {
    let (status, reason, count) = match row.answer {
        Answer::Persists(status) => (status, None, 2),
        Answer::Closes(status) => (status, None, 1),
        Answer::Refused(status, reason) => (status, Some(format!("reason=\"{reason}\"")), 1),
    };
    let line = &lines[0];
    let what = format!("{}: {lines:?}", row.request.escape_ascii());
    assert_eq!(lines.len(), count, "{what}");
    assert!(line.contains(&format!(" status={status} ")), "{what}");
    let logged = line.find("reason=").map(|at| line[at..].to_owned());
    assert_eq!(logged, reason, "{what}");
}

/// By the library that AWS publishes for it. Its parser of requests may refuse more.
#[test]
fn the_modes_of_an_alb_let_through_what_the_table_says() {
    let wrong = requests::all().filter_map(|row| {
        let mode = match HttpRequestData::analyze_raw_request(&row.request).tier {
            Compliant => Mode::Strictest,
            Acceptable | Ambiguous => Mode::Defensive,
            Severe => Mode::Monitor,
        };
        let start = row.request[..row.request.len().min(200)].escape_ascii();
        (mode != row.mode).then(|| format!("{mode:?}: {start}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
