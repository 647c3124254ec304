//! What an Application Load Balancer lets through, judged by the library that AWS publishes for it:
//! the table of `SECURITY.md` says so for each kind of request, and with which status the real
//! program answers it.
//!
//! The load balancer's own parser may refuse more.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Write};

use http_desync_guardian::RequestSafetyTier::{self, Compliant, Severe};
use http_desync_guardian::request_analyzer::HttpRequestData;
use support::heads::{CLIENTS, STRANGERS};
use support::{Program, Response, connect};

fn tier(head: &str) -> RequestSafetyTier {
    HttpRequestData::analyze_raw_request(head.as_bytes()).tier
}

/// Whether the stack's load balancer hands it to the service (cloudformation/infrastructure.yaml):
/// `strictest`, then the rules for `Expect` and for the methods. Fields with names that are not
/// letters, digits and hyphens are dropped, but `strictest` has refused those already.
fn passes_the_stack(head: &str) -> bool {
    let get = head.starts_with("GET ") || head.starts_with("HEAD ");
    get && !head.contains("\r\nExpect:") && tier(head) == Compliant
}

/// Whether an ALB does as AWS sets it up: `defensive`, which refuses what is severe.
fn passes_any(head: &str) -> bool {
    tier(head) != Severe
}

/// The status, or `closed`.
fn answer(program: &Program, head: &str) -> String {
    let mut stream = connect(program.address);
    stream.write_all(head.as_bytes()).expect("sent");
    let response = Response::read(&mut BufReader::new(stream), true);
    response.map_or("closed".into(), |response| response.status.to_string())
}

#[test]
fn clients_pass_the_stacks_load_balancer() {
    let program = Program::start(&[]);
    for (client, head) in CLIENTS {
        assert!(passes_the_stack(head), "{client}");
        assert!(passes_any(head), "{client}");
        assert_eq!(answer(&program, head), "200", "{client}");
    }
}

#[test]
fn the_table_of_the_security_policy_is_true() {
    let program = Program::start(&[]);
    let word = |passes: fn(&str) -> bool, heads: &[String]| {
        match heads.iter().filter(|head| passes(head)).count() {
            0 => "refused",
            count if count == heads.len() => "**reaches it**",
            _ => "some reach it",
        }
        .to_owned()
    };
    let judged: BTreeMap<String, [String; 3]> = STRANGERS
        .iter()
        .map(|(name, heads)| {
            let heads: Vec<String> = heads.iter().map(|head| complete(head)).collect();
            let mut answers: Vec<String> =
                heads.iter().map(|head| answer(&program, head)).collect();
            answers.sort();
            answers.dedup();
            let row = [
                word(passes_the_stack, &heads),
                word(passes_any, &heads),
                answers.join(", "),
            ];
            ((*name).to_owned(), row)
        })
        .collect();
    let said = table();
    for (name, row) in &judged {
        println!("| {name} | {} |", row.join(" | "));
    }
    assert_eq!(said, judged);
}

/// A head is a request line and fields, or whole if it ends its lines itself.
fn complete(head: &str) -> String {
    if head.contains("\r\n\r\n") {
        return head.to_owned();
    }
    let lines = head.trim_end_matches("\r\n");
    format!("{lines}\r\nHost: test\r\n\r\n")
}

/// The rows of `SECURITY.md` under "What gets through": what is sent, and three more columns.
fn table() -> BTreeMap<String, [String; 3]> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md");
    let text = fs::read_to_string(path).expect("SECURITY.md");
    let (_, section) = text
        .split_once("\n## What gets through\n")
        .expect("a section");
    let (section, _) = section.split_once("\n## ").expect("another section");
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.skip(2)
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [name, rest @ ..] = &cells[..] else {
                panic!("{row}");
            };
            let rest = rest.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
            ((*name).to_owned(), rest.try_into().expect("four columns"))
        })
        .collect()
}
