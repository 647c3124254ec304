//! What came of a row: measured, judged, and printed.

use std::time::{Duration, Instant};

use crate::bystanders::Get;
use crate::supervisor::Seen;

/// What must hold while an attack comes through the load balancer.
const AIM: f64 = 0.999;

/// What stops a landing: a noisy machine costs the rest.
const GATE: f64 = 0.99;

/// What the program may take: `SECURITY.md` states both.
const MEGABYTES: u64 = 640;
const THREADS: u64 = 4096;

/// From being unable to answer to the exit, and from the exit to the next answer.
const DEAF: Duration = Duration::from_secs(2);
const BACK: Duration = Duration::from_secs(1);

/// What is asked of the program in a row.
#[derive(Clone, Copy, PartialEq)]
pub enum Demand {
    /// Nobody else notices.
    Unharmed,
    /// At worst it ends with exit 1 and one clear line, and is back at once.
    Recovers,
}

pub struct Outcome {
    gets: usize,
    share: f64,
    worst: Duration,
    refused: usize,
    deaf: Duration,
    back: Duration,
    seen: Seen,
    complaint: Option<String>,
}

impl Outcome {
    /// `complaint` is what the attacker itself found wrong.
    pub fn new(
        gets: &[Get],
        seen: Seen,
        begin: Instant,
        end: Instant,
        complaint: Option<String>,
    ) -> Self {
        let answered = gets.iter().filter(|get| get.answered).count();
        let (deaf, back) = silences(gets, &seen, begin, end);
        Self {
            gets: gets.len(),
            share: share(answered, gets.iter().map(Get::unanswered).sum()),
            worst: gets.iter().map(Get::elapsed).max().unwrap_or_default(),
            refused: gets.iter().filter(|get| get.refused).count(),
            deaf,
            back,
            seen,
            complaint,
        }
    }

    /// Everything that is wrong, in words.
    pub fn faults(&self, demand: Demand) -> Vec<String> {
        let mut faults: Vec<String> = self.complaint.clone().into_iter().collect();
        let mut fault = |wrong: bool, text: String| faults.extend(wrong.then_some(text));
        let exits = &self.seen.exits;
        let megabytes = self.seen.kilobytes / 1024;
        fault(megabytes > MEGABYTES, format!("{megabytes} MB"));
        fault(
            self.seen.threads > THREADS,
            format!("{} threads", self.seen.threads),
        );
        fault(
            self.seen.smuggled > 0,
            format!("{} requests out of bodies", self.seen.smuggled),
        );
        fault(self.refused > 0, format!("{} refused", self.refused));
        match demand {
            Demand::Unharmed => {
                fault(
                    self.share < GATE,
                    format!("{:.2} % answered", 100.0 * self.share),
                );
                fault(!exits.is_empty(), format!("ended {} times", exits.len()));
            }
            Demand::Recovers => {
                fault(self.deaf > DEAF, format!("deaf for {:.1?}", self.deaf));
                fault(
                    self.back > BACK,
                    format!("back only after {:.1?}", self.back),
                );
                fault(
                    exits.iter().any(|exit| exit.code != Some(1)),
                    format!(
                        "exit codes {:?}",
                        exits.iter().map(|exit| exit.code).collect::<Vec<_>>()
                    ),
                );
                fault(
                    self.seen.last_words.len() != exits.len(),
                    format!(
                        "{} lines for {} exits",
                        self.seen.last_words.len(),
                        exits.len()
                    ),
                );
            }
        }
        faults
    }

    pub const HEADING: &str = "    GETs  in 1 s    worst    RSS threads exits";

    /// The row's numbers under [`Self::HEADING`].
    pub fn numbers(&self) -> String {
        format!(
            "{:8} {:6.2}%{} {:5} ms {:3} MB {:7} {:5}",
            self.gets,
            100.0 * self.share,
            if self.share < AIM { '<' } else { ' ' },
            self.worst.as_millis(),
            self.seen.kilobytes / 1024,
            self.seen.threads,
            self.seen.exits.len(),
        )
    }

    /// Why the program ended, each reason once.
    pub fn last_words(&self) -> Vec<String> {
        let mut lines = self.seen.last_words.clone();
        lines.sort();
        lines.dedup();
        lines
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand GETs")]
fn share(answered: usize, unanswered: usize) -> f64 {
    answered as f64 / (answered + unanswered).max(1) as f64
}

/// The longest time without an answer before an exit or without any, and the longest one from an
/// exit to the next answer.
fn silences(gets: &[Get], seen: &Seen, begin: Instant, end: Instant) -> (Duration, Duration) {
    let mut answers = vec![begin];
    answers.extend(gets.iter().filter(|get| get.answered).map(|get| get.end));
    answers.push(end.max(answers[answers.len() - 1]));
    let (mut deaf, mut back) = (Duration::ZERO, Duration::ZERO);
    for gap in answers.windows(2) {
        let exit = seen
            .exits
            .iter()
            .find(|exit| gap[0] < exit.at && exit.at <= gap[1]);
        let split = exit.map_or(gap[1], |exit| exit.at);
        deaf = deaf.max(split - gap[0]);
        back = back.max(gap[1] - split);
    }
    (deaf, back)
}
