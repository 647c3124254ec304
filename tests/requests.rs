//! Every request of `support/requests.rs` gets its answer, however it arrives, and nothing behind one
//! that closes its connection is answered.

mod support;

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use http_desync_guardian::RequestSafetyTier::{Acceptable, Ambiguous, Compliant, Severe};
use http_desync_guardian::request_analyzer::HttpRequestData;
use support::requests::{self, Mode, Row};
use support::{Program, Response, connect_from};

/// The request behind each: what an attacker wants to be answered.
const BEHIND: &[u8] = b"GET /behind HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// How a request is sent, and [`BEHIND`] with it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// In one piece, and [`BEHIND`] after the answer, if the connection persists.
    Alone,
    /// Both in one piece.
    Together,
    /// Both in small pieces, most of them a single byte.
    InPieces,
    /// Both in one piece. If it is refused, the client goes on sending before it reads the answer.
    WithoutEnd,
}

const WAYS: [Way; 4] = [Way::Alone, Way::Together, Way::InPieces, Way::WithoutEnd];

#[test]
fn every_request_gets_its_answer_and_its_line_in_the_access_log() {
    let mut program = Program::start(&["--log-level", "debug"]);
    let address = program.address;
    let rows: Vec<(usize, Row)> = requests::all().enumerate().collect();
    let exchange = |number, row, way| {
        let from = (client(number, way), 0).into();
        let stream = connect_from(from, address).expect("a connection");
        let begin = Instant::now();
        let sent = send(&stream, row, way);
        let end = check_answers(stream, row, way);
        // A refused client is read for a second, and the machine may keep it waiting for longer.
        let is_late = begin.elapsed() > Duration::from_millis(900);
        let ends_well = sent.is_ok() && matches!(end, Ok(0));
        assert!(
            ends_well || is_late,
            "{way:?} {}: {sent:?}, {end:?}",
            start(row)
        );
    };
    thread::scope(|scope| {
        for rows in rows.chunks(8) {
            scope.spawn(move || {
                for (number, row) in rows {
                    for way in WAYS {
                        exchange(*number, row, way);
                    }
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
    for (number, row) in &rows {
        for way in WAYS {
            check_lines(&log[&client(*number, way).to_string()], row);
        }
    }
}

/// The address that a request is sent from, by which its lines in the log are known.
fn client(number: usize, way: Way) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(number).expect("a small table").to_be_bytes();
    Ipv4Addr::new(127, 1 + way as u8, high, low)
}

fn send(mut stream: &TcpStream, row: &Row, way: Way) -> io::Result<()> {
    let both = [&row.request, BEHIND].concat();
    // A client that has been told of the close must not send more.
    let cut = if row.persists {
        both.len()
    } else {
        row.request.len() - 1
    };
    let (cut, last) = both.split_at(cut);
    let pieces: Vec<&[u8]> = match way {
        Way::Alone => vec![&row.request],
        Way::Together | Way::WithoutEnd => vec![&both],
        Way::InPieces => cut.chunks(1 + cut.len() / 400).chain([last]).collect(),
    };
    stream.set_nodelay(true)?;
    for piece in pieces {
        stream.write_all(piece)?;
        thread::sleep(Duration::from_micros(100));
    }
    if way == Way::WithoutEnd && row.reason.is_some() {
        for _ in 0..10 {
            stream.write_all(&[b'x'; 4096])?;
            thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

/// Expects the row's answer, and the one to [`BEHIND`] only if the connection persists. Returns what comes
/// next, which should be the end.
fn check_answers(stream: TcpStream, row: &Row, way: Way) -> io::Result<usize> {
    let what = format!("{way:?} {}", start(row));
    let mut reader = BufReader::new(stream);
    let head_only = row.request.starts_with(b"HEAD ");
    let answer = Response::read(&mut reader, head_only).expect(&what);
    let closes = answer.field("Connection") == Some("close");
    assert_eq!(
        (answer.status, closes),
        (row.status, !row.persists),
        "{what}"
    );
    let allow = matches!(row.status, 204 | 405).then_some("GET, HEAD, OPTIONS");
    assert_eq!(answer.field("Allow"), allow, "{what}");
    if row.persists {
        if way == Way::Alone {
            reader.get_mut().write_all(BEHIND).expect(&what);
        }
        let answer = Response::read(&mut reader, false).expect(&what);
        assert_eq!(answer.status, 200, "{what}");
    }
    reader.read(&mut [0])
}

/// Expects a line for each answer, and in the first one the reason.
fn check_lines(lines: &[String], row: &Row) {
    let what = format!("{}: {lines:?}", start(row));
    assert_eq!(lines.len(), 1 + usize::from(row.persists), "{what}");
    let status = format!(" status={} ", row.status);
    assert!(lines[0].contains(&status), "{what}");
    let reason = row.reason.map(|reason| format!("reason=\"{reason}\""));
    let logged = lines[0].find("reason=").map(|at| lines[0][at..].to_owned());
    assert_eq!(logged, reason, "{what}");
}

fn start(row: &Row) -> String {
    row.request[..row.request.len().min(200)]
        .escape_ascii()
        .to_string()
}

/// By the library that AWS publishes for it. Its parser of requests may refuse more.
#[test]
fn the_modes_of_an_alb_let_through_what_the_table_says() {
    for row in requests::all() {
        let mode = match HttpRequestData::analyze_raw_request(&row.request).tier {
            Compliant => Mode::Strictest,
            Acceptable | Ambiguous => Mode::Defensive,
            Severe => Mode::Monitor,
        };
        assert_eq!(mode, row.mode, "{}", start(&row));
    }
}
