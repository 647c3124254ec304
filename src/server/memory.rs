//! Memory: the service ends before tiny_http takes too much of it.
//!
//! tiny_http reads a header line of any length, queues whatever a peer pipelines, and takes 88
//! bytes for an empty field of 4. A load balancer bounds the first two. The service ends while it
//! can still say so and answer what it has accepted, and systemd starts it again.

use std::fs;

/// The budget in kB: this, and so much for each thread, which is each connection. 8,000 idle
/// connections were measured at 17 kB each; one may hold the 64 kB of headers that a load balancer
/// lets through, or 8 kB of empty fields, which take 176 kB.
const BASE: u64 = 96 * 1024;
const PER_THREAD: u64 = 192;

/// The budget never exceeds this, in kB: the unit's `MemoryMax=` is 768 MiB, and reaching that
/// kills the process.
const MAX: u64 = 640 * 1024;

/// The budget, which grows with the thread peak: ended threads leave memory behind.
#[derive(Default)]
pub struct Budget {
    threads: u64,
}

impl Budget {
    /// Resident memory in kB if it exceeds the budget; `None` also if proc(5) is unavailable.
    pub fn exceeded(&mut self) -> Option<u64> {
        self.exceeded_by(&fs::read_to_string("/proc/self/status").ok()?)
    }

    fn exceeded_by(&mut self, status: &str) -> Option<u64> {
        self.threads = self.threads.max(field(status, "Threads:")?);
        let resident = field(status, "VmRSS:")?;
        (resident > MAX.min(BASE + PER_THREAD * self.threads)).then_some(resident)
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_grows_with_the_threads_and_never_shrinks() {
        let mut budget = Budget::default();
        let mut exceeded_by = |resident: u64, threads: u64| {
            budget.exceeded_by(&format!("VmRSS:\t {resident} kB\nThreads:\t{threads}\n"))
        };
        assert_eq!(exceeded_by(BASE + 1920, 10), None);
        assert_eq!(exceeded_by(BASE + 1921, 10), Some(BASE + 1921));
        assert_eq!(exceeded_by(300_000, 8_000), None);
        assert_eq!(exceeded_by(300_000, 10), None);
        assert_eq!(exceeded_by(MAX, 8_000), None);
        assert_eq!(exceeded_by(MAX + 1, 8_000), Some(MAX + 1));
    }

    #[test]
    fn proc_is_read() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(field(&status, "VmRSS:").is_some_and(|resident| resident > 500));
        assert!(field(&status, "Threads:").is_some_and(|threads| threads > 1));
        assert_eq!(field(&status, "NoSuchField:"), None);
        assert_eq!(Budget::default().exceeded(), None);
    }
}
