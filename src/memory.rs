//! Memory: what tiny_http does not bound ends the service before it ends the host.
//!
//! tiny_http reads a header line of any length, and queues whatever a peer pipelines. A load
//! balancer bounds both; a peer that reaches the port itself can so take hundreds of megabytes a
//! second. The service then ends while it still can say so, and is started anew by systemd.

use std::fs;

/// How much may be resident, in kB: more than the 12,000 connections that the unit's `TasksMax=`
/// allows take, at 20 kB each once they asked something, and well below its `MemoryMax=`.
const BUDGET: u64 = 384 * 1024;

/// Tells how much is resident, in kB, once that is more than the service may take. Where
/// proc(5) is not to be had, nothing is.
pub fn overdrawn() -> Option<u64> {
    resident(&fs::read_to_string("/proc/self/status").ok()?).filter(|resident| *resident > BUDGET)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_proc() {
        assert_eq!(
            resident("Name:\tx\nVmRSS:\t    2468 kB\nThreads:\t9\n"),
            Some(2468)
        );
        assert_eq!(resident("Name:\tx\n"), None);
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(resident(&status).is_some_and(|resident| (500..BUDGET).contains(&resident)));
        assert_eq!(overdrawn(), None);
    }
}
