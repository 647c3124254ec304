//! Memory: what tiny_http does not bound ends the service before it ends the host.
//!
//! tiny_http reads a header line of any length, and queues whatever a peer pipelines. A load
//! balancer bounds both; a peer that reaches the port itself can so take hundreds of megabytes a
//! second, and keep everybody waiting behind what it queued. The service then ends while it still
//! can say so, and is started anew by systemd.

use std::fs;

/// How much may be resident, in kB: this, and so much for each thread, which is each connection.
/// 8,000 idle ones were measured at 20 kB each; one may hold the 64 K of headers that a load
/// balancer lets through.
const BASE: u64 = 96 * 1024;
const PER_THREAD: u64 = 96;

/// The budget, and the thread peak that it grew with: what threads leave behind is nobody's fault.
#[derive(Default)]
pub struct Budget {
    threads: u64,
}

impl Budget {
    /// Tells how much is resident, in kB, once that is more than the service may take. Where
    /// proc(5) is not to be had, nothing is.
    pub fn overdrawn(&mut self) -> Option<u64> {
        self.exceeded_by(&fs::read_to_string("/proc/self/status").ok()?)
    }

    fn exceeded_by(&mut self, status: &str) -> Option<u64> {
        self.threads = self.threads.max(field(status, "Threads:")?);
        let resident = field(status, "VmRSS:")?;
        (resident > BASE + PER_THREAD * self.threads).then_some(resident)
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
        assert_eq!(exceeded_by(BASE + 960, 10), None);
        assert_eq!(exceeded_by(BASE + 961, 10), Some(BASE + 961));
        assert_eq!(exceeded_by(300_000, 8_000), None);
        assert_eq!(exceeded_by(300_000, 10), None);
        assert_eq!(exceeded_by(900_000, 8_000), Some(900_000));
    }

    #[test]
    fn what_proc_tells_is_read() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(field(&status, "VmRSS:").is_some_and(|resident| resident > 500));
        assert!(field(&status, "Threads:").is_some_and(|threads| threads > 1));
        assert_eq!(field(&status, "NoSuchField:"), None);
        assert_eq!(Budget::default().overdrawn(), None);
    }
}
