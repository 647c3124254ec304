//! What came of a row: measured, judged, and printed.

use std::time::{Duration, Instant};

use crate::bystanders::Get;
use crate::supervisor::Seen;

/// The share of GETs that must be answered within a second, while nothing may end the program, and
/// while a flood may.
const UNHARMED: f64 = 0.999;
const FLOODED: f64 = 0.99;

/// A GET that is answered later than this counts as lost for whoever waits for it.
const PROMPT: Duration = Duration::from_secs(1);

/// What the program may take: `SECURITY.md` states both. Undroppable requests keep 4,096 threads.
const MEGABYTES: u64 = 640;
const THREADS: u64 = 4352;

/// From being unable to answer to the exit, and from the exit to the next answer.
const DEAF: Duration = Duration::from_secs(2);
const BACK: Duration = Duration::from_secs(1);

/// What is asked of the program in a row.
#[derive(Clone, Copy, PartialEq)]
pub enum Demand {
    /// Nobody else notices.
    Unharmed,
    /// It may end now and then, but everybody is answered, and next to all of them in time.
    Flooded,
    /// Everybody is answered, if late, and it does not end.
    Delayed,
    /// At worst it ends with exit 1 and one clear line, and is back at once.
    Recovers,
}

pub struct Outcome {
    gets: usize,
    prompt: f64,
    answered: f64,
    worst: Duration,
    refused: usize,
    deaf: Duration,
    back: Duration,
    time: Duration,
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
        let answered = gets.iter().filter(|get| get.answered);
        let prompt = answered.clone().filter(|get| get.latency() <= PROMPT);
        let (deaf, back) = silences(gets, &seen, begin);
        Self {
            gets: gets.len(),
            prompt: share(prompt.count(), gets.len()),
            answered: share(answered.count(), gets.len()),
            worst: gets.iter().map(Get::latency).max().unwrap_or_default(),
            refused: gets.iter().filter(|get| get.refused).count(),
            deaf,
            back,
            time: end - begin,
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
        let late = |least| {
            (
                self.prompt < least,
                format!("{:.2} % in time", 100.0 * self.prompt),
            )
        };
        match demand {
            Demand::Unharmed => {
                let (wrong, text) = late(UNHARMED);
                fault(wrong, text);
                fault(!exits.is_empty(), format!("ended {} times", exits.len()));
            }
            Demand::Flooded => {
                let (wrong, text) = late(FLOODED);
                fault(wrong, text);
                fault(
                    self.answered < 1.0,
                    format!("{:.2} % answered", 100.0 * self.answered),
                );
            }
            Demand::Delayed => {
                fault(
                    self.answered < 1.0,
                    format!("{:.2} % answered", 100.0 * self.answered),
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

    pub const HEADING: &str = "  GETs  in 1 s  in 5 s   worst    RSS threads exits CPU";

    /// The row's numbers under [`Self::HEADING`].
    pub fn numbers(&self) -> String {
        format!(
            "{:6} {:6.2}% {:6.2}% {:4} ms {:3} MB {:7} {:5} {:2}%",
            self.gets,
            100.0 * self.prompt,
            100.0 * self.answered,
            self.worst.as_millis(),
            self.seen.kilobytes / 1024,
            self.seen.threads,
            self.seen.exits.len(),
            100 * self.seen.cpu.as_millis() / self.time.as_millis().max(1),
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
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The longest time without an answer before an exit or without any, and the longest one from an
/// exit to the next answer.
fn silences(gets: &[Get], seen: &Seen, begin: Instant) -> (Duration, Duration) {
    let mut answers = vec![begin];
    answers.extend(gets.iter().filter(|get| get.answered).map(|get| get.end));
    answers.extend(gets.last().map(|get| get.end));
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
