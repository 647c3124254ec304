//! The workers' pulse: tells whether they still get anywhere, and when they are at rest.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many equal samples in a row mean that the workers are stuck. Samples are counted, not
/// seconds, for a machine that was paused is not stuck.
const STUCK_AFTER: u32 = 5;

/// One counter per worker: odd while it has a request in hand.
pub struct Pulse {
    beats: Vec<AtomicU64>,
}

impl Pulse {
    /// The pulse of this many workers.
    pub fn new(workers: usize) -> Self {
        Self {
            beats: (0..workers).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Marks the begin and the end of each request of a worker.
    pub fn beat(&self, worker: usize) {
        self.beats[worker].fetch_add(1, Relaxed);
    }

    /// What to compare later samples with.
    pub fn sample(&self) -> Vec<u64> {
        self.beats.iter().map(|beat| beat.load(Relaxed)).collect()
    }
}

/// Requests in all samples: two beats each.
pub fn requests(sample: &[u64]) -> u64 {
    sample.iter().map(|beats| beats / 2).sum()
}

/// Tells whether no worker has a request in hand.
pub fn at_rest(sample: &[u64]) -> bool {
    sample.iter().all(|beats| beats % 2 == 0)
}

/// Watches samples, taken at equal times, for workers that are stuck.
#[derive(Default)]
pub struct Watch {
    last: Vec<u64>,
    equal: u32,
}

impl Watch {
    /// Tells whether every worker has had the same request in hand for [`STUCK_AFTER`] samples:
    /// then nobody is answered any more.
    pub fn is_stuck(&mut self, sample: Vec<u64>) -> bool {
        let busy = sample.iter().all(|beats| beats % 2 == 1);
        self.equal = if busy && sample == self.last {
            self.equal + 1
        } else {
            0
        };
        self.last = sample;
        self.equal >= STUCK_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuck_are_only_workers_that_all_keep_the_same_request() {
        let mut watch = Watch::default();
        assert!(!(0..20).any(|_| watch.is_stuck(vec![2, 4])), "all at rest");
        assert!(!(0..20).any(|_| watch.is_stuck(vec![3, 4])), "one is free");
        assert!(
            !(0..20).any(|n| watch.is_stuck(vec![2 * n + 1, 5])),
            "one gets on"
        );
        let stuck: Vec<bool> = (0..7).map(|_| watch.is_stuck(vec![41, 5])).collect();
        assert_eq!(stuck, [false, false, false, false, false, true, true]);
    }
}
