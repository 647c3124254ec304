//! What came of a row: the one verdict, and the line that is printed.

use std::time::Duration;

use crate::bystanders::Get;
use crate::program::Seen;

/// The share of honest GETs that must be answered within [`PROMPT`], and all of them must end then.
const SHARE: f64 = 0.999;
const PROMPT: Duration = Duration::from_secs(1);

/// What the program may take.
const MEGABYTES: u64 = 200;
const THREADS: u64 = 64;

pub const HEADING: &str =
    "     row                                         GETs  in 1 s   worst memory threads";

pub struct Outcome {
    gets: usize,
    wrong: usize,
    share: f64,
    worst: Duration,
    seen: Seen,
    complaint: Option<String>,
}

impl Outcome {
    /// `complaint` is what the attacker found wrong with its answers.
    pub fn new(gets: &[Get], seen: Seen, complaint: Option<String>) -> Self {
        let count = |is: &dyn Fn(&Get) -> bool| gets.iter().filter(|get| is(get)).count();
        let prompt = count(&|get| get.is_right == Some(true) && get.latency <= PROMPT);
        Self {
            gets: gets.len(),
            wrong: count(&|get| get.is_right == Some(false)),
            share: share(prompt, gets.len()),
            worst: gets.iter().map(|get| get.latency).max().unwrap_or_default(),
            seen,
            complaint,
        }
    }

    /// Whether there was harm, which the naive service must come to.
    pub fn harmed(&self) -> bool {
        let harmed = self.share < SHARE || self.wrong > 0 || self.worst > PROMPT;
        harmed || self.seen.smuggled > 0
    }

    /// Everything that is wrong, in words.
    pub fn faults(&self) -> Vec<String> {
        let seen = &self.seen;
        let megabytes = seen.kilobytes / 1024;
        let when = |wrong: bool, text: String| wrong.then_some(text);
        [
            self.complaint.clone(),
            seen.end.clone(),
            seen.end.as_ref().and(seen.reason.clone()),
            when(
                self.share < SHARE,
                format!("{:.2} % in time", 100.0 * self.share),
            ),
            when(self.wrong > 0, format!("{} wrong answers", self.wrong)),
            when(self.worst > PROMPT, format!("worst {:.1?}", self.worst)),
            when(megabytes > MEGABYTES, format!("{megabytes} MB")),
            when(seen.threads > THREADS, format!("{} threads", seen.threads)),
            when(
                seen.smuggled > 0,
                format!("{} requests out of bodies", seen.smuggled),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The row under [`HEADING`].
    pub fn line(&self, name: &str, passes: bool) -> String {
        format!(
            "{} {name:41} {:5} {:6.2}% {:4} ms {:3} MB {:7}",
            if passes { "ok  " } else { "FAIL" },
            self.gets,
            100.0 * self.share,
            self.worst.as_millis(),
            self.seen.kilobytes / 1024,
            self.seen.threads,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand GETs")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
