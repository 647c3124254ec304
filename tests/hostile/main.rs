//! Hostile input against the real program: `make test-hostile`. Needs HAProxy, and root for a
//! limit of threads.
//!
//! Every row is one attack on a program of its own, with other clients' GETs going on. The same
//! rows against a naive service (`naive.rs`), or without the balancer's rule, must fail where they
//! are said to, or they prove nothing. A word on the command line selects the rows that have it in
//! their names. PROGRAM=PATH runs them against another build, to compare the two.

mod balancer;
mod busy;
mod bystanders;
mod direct;
mod floods;
mod naive;
mod outcome;
mod rows;
mod slow;
mod smuggling;
mod supervisor;
#[path = "../support/mod.rs"]
mod support;
mod wire;

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;
use std::slice;
use std::thread;
use std::time::{Duration, Instant};

use bystanders::Bystanders;
use outcome::Outcome;
use rows::{Reach, Row, groups};
use supervisor::{Log, Plan, Supervisor};
use support::haproxy::LoadBalancer;

/// How long the other clients go on alone, before and after the attack.
const CALM: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let word = env::args().nth(1).unwrap_or_default();
    if word == "naive" {
        naive::serve();
    }
    if !is_root() {
        eprintln!("hostile: needs root, to limit threads");
        return ExitCode::FAILURE;
    }
    let program = env::var("PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_publicip-poc").into());
    let begin = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    let mut count = |passes: bool| *if passes { &mut passed } else { &mut failed } += 1;
    for (title, rows) in groups() {
        let rows: Vec<Row> = rows
            .into_iter()
            .filter(|row| row.name.contains(&word))
            .collect();
        if !rows.is_empty() {
            println!("\n{title:39}{}", Outcome::HEADING);
        }
        for row in &rows {
            let outcome = run(row, vec![program.clone()]);
            let faults = outcome.faults(row.demand);
            count(faults.is_empty());
            report(row.name, &outcome, &faults, faults.is_empty());
            for line in outcome.last_words() {
                println!("         {line}");
            }
        }
        let mut must_fail = |tries, name: String, row: &Row, program: &[String]| {
            let runs = (0..tries).map(|_| run(row, program.to_vec()));
            let mut judged = runs.map(|outcome| (outcome.faults(row.demand), outcome));
            let failing = judged.find(|(faults, _)| !faults.is_empty());
            count(failing.is_some());
            match failing {
                Some((faults, outcome)) => report(&name, &outcome, &faults, true),
                None => println!("FAIL {name}: nobody was harmed"),
            }
        };
        let this = env::current_exe().expect("a path");
        let naive = [this.to_str().expect("UTF-8").to_owned(), "naive".into()];
        for row in rows.iter().filter(|row| row.fells_naive) {
            must_fail(1, format!("naive: {}", row.name), row, &naive);
        }
        for row in rows.iter().filter(|row| !row.rule.is_empty()) {
            let without = Row { rule: "", ..*row };
            // Whether one client's answer falls into the gap is a matter of chance.
            must_fail(
                3,
                format!("no rule: {}", row.name),
                &without,
                slice::from_ref(&program),
            );
        }
    }
    let seconds = begin.elapsed().as_secs();
    println!("\n{passed} passed, {failed} failed in {seconds} s");
    ExitCode::from(u8::from(failed > 0 || passed == 0))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn report(name: &str, outcome: &Outcome, faults: &[String], passes: bool) {
    let verdict = if passes { "ok  " } else { "FAIL" };
    println!("{verdict} {name:34}{}", outcome.numbers());
    if !faults.is_empty() {
        println!("         {}", faults.join(", "));
    }
}

/// Runs one row against `program`.
fn run(row: &Row, program: Vec<String>) -> Outcome {
    let supervisor = Supervisor::start(Plan {
        wrapper: row.wrapper,
        program,
        log: if row.reach == Reach::Host {
            Log::Unread
        } else {
            Log::Read
        },
    });
    let balancer = (row.reach == Reach::Balancer)
        .then(|| LoadBalancer::start_with(row.rule, supervisor.address));
    let address = balancer
        .as_ref()
        .map_or(supervisor.address, |balancer| balancer.address);
    let begin = Instant::now();
    let bystanders = Bystanders::start(row.crowd, address);
    thread::sleep(CALM);
    let complaint = (row.attack)(address);
    thread::sleep(CALM);
    let end = Instant::now();
    let gets = bystanders.finish();
    Outcome::new(&gets, supervisor.finish(), begin, end, complaint)
}
