//! Hostile input against the real program: `make test-hostile`. Needs HAProxy and slowhttptest.
//!
//! Every row is one attack on a program of its own, while honest clients send GETs at a fixed rate.
//! There is one verdict for all (`outcome.rs`). The rows that fell a naive service (`naive.rs`) are run
//! against it too, and must fail, or they prove nothing. A word on the command line selects the rows
//! that have it in their names. PROGRAM=PATH attacks another build, to compare the two.

mod attack;
mod attacker;
mod bystanders;
mod custom;
mod naive;
mod outcome;
mod program;
mod requests;
mod rows;
mod smuggling;
#[path = "../support/mod.rs"]
mod support;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use attacker::Attacker;
use bystanders::Bystanders;
use outcome::{HEADING, Outcome};
use program::Program;
use rows::{BALANCER, Row, rows};
use support::haproxy::LoadBalancer;

/// How long the honest clients go on alone, before and after the attack.
const CALM: Duration = Duration::from_millis(150);

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["naive"] => naive::serve(),
        ["attack", name, address] => attacker::serve(name, address),
        _ => {}
    }
    let word = words.first().map_or("", String::as_str);
    let program = env::var("PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_publicip-poc").into());
    let naive = [attacker::this(), "naive".into()];
    let begin = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    let mut count = |passes: bool| *if passes { &mut passed } else { &mut failed } += 1;
    println!("\n{HEADING}");
    let selected = rows().into_iter().filter(|row| row.name.contains(word));
    for row in selected {
        let outcome = run(&row, std::slice::from_ref(&program));
        let faults = outcome.faults();
        count(faults.is_empty());
        println!(
            "{}",
            outcome.line(&format!("{:6} {}", row.reach, row.name), faults.is_empty())
        );
        for fault in faults {
            println!("       {fault}");
        }
        if row.fells_naive {
            let outcome = run(&row, &naive);
            count(outcome.harmed());
            println!(
                "{}",
                outcome.line("  the same, naive service", outcome.harmed())
            );
        }
    }
    let seconds = begin.elapsed().as_secs();
    println!("\n{passed} passed, {failed} failed in {seconds} s");
    ExitCode::from(u8::from(failed > 0 || passed == 0))
}

/// Runs one row against `program`.
fn run(row: &Row, program: &[String]) -> Outcome {
    let program = Program::start(program, row.descriptors, row.log);
    let balancer = (row.reach == BALANCER).then(|| LoadBalancer::start(program.address));
    let address = balancer
        .as_ref()
        .map_or(program.address, |balancer| balancer.address);
    let bystanders = Bystanders::start(address);
    thread::sleep(CALM);
    let mut attacker = Attacker::start(row.name, address);
    let complaint = attacker.report();
    thread::sleep(CALM);
    let gets = bystanders.finish();
    // The attacker goes on while the program stops.
    Outcome::new(&gets, program.finish(), complaint)
}
