//! Progress: whether requests still get to a worker in time, and who is in the way if not.
//!
//! tiny_http queues requests for the workers without a limit. A peer that pipelines thousands and
//! reads the answers slowly, or not at all, blocks the workers and keeps everybody else waiting. So
//! a probe travels through the same queue, and how long it takes is how long a request waits.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A worker that has had a request for this long is blocked in writing to its peer.
pub const BLOCKED: Duration = Duration::from_millis(100);

/// The workers and the probe.
pub struct Progress {
    workers: Vec<Mutex<Worker>>,
    /// Ticks since the probe was sent, 0 once it has returned. Ticks are counted, not seconds,
    /// because a machine that was paused is not stuck.
    probe: AtomicU32,
}

#[derive(Default)]
struct Worker {
    requests: u64,
    in_hand: Option<(SocketAddr, Instant)>,
}

impl Progress {
    /// The progress of this many workers.
    pub fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| Mutex::default()).collect(),
            probe: AtomicU32::new(0),
        }
    }

    /// Notes that a worker begins a request.
    pub fn begin(&self, worker: usize, peer: SocketAddr) {
        lock(&self.workers[worker]).in_hand = Some((peer, Instant::now()));
    }

    /// Notes that a worker has finished its request.
    pub fn end(&self, worker: usize) {
        let mut worker = lock(&self.workers[worker]);
        worker.in_hand = None;
        worker.requests += 1;
    }

    /// Requests finished since the start.
    pub fn requests(&self) -> u64 {
        let workers = self.workers.iter();
        workers.map(|worker| lock(worker).requests).sum()
    }

    /// Whether no worker has a request in hand.
    pub fn at_rest(&self) -> bool {
        let mut workers = self.workers.iter();
        workers.all(|worker| lock(worker).in_hand.is_none())
    }

    /// The peers whose requests workers have had in hand for this long.
    pub fn peers_in_hand(&self, time: Duration) -> HashSet<SocketAddr> {
        let in_hand = self
            .workers
            .iter()
            .filter_map(|worker| lock(worker).in_hand);
        in_hand
            .filter(|(_, since)| since.elapsed() >= time)
            .map(|(peer, _)| peer)
            .collect()
    }

    /// Notes that a worker has received the probe.
    pub fn probe_returned(&self) {
        self.probe.store(0, Relaxed);
    }

    /// Counts a tick; returns for how many the probe has been under way. If none, the caller sends
    /// it again.
    pub fn tick(&self) -> u32 {
        self.probe.fetch_add(1, Relaxed)
    }
}

/// A panic that leaves a worker alive does not happen while it holds the lock.
fn lock(worker: &Mutex<Worker>) -> MutexGuard<'_, Worker> {
    worker.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::thread;

    use super::*;

    #[test]
    fn the_probe_counts_ticks_until_it_returns() {
        let progress = Progress::new(2);
        let ticks: Vec<u32> = (0..4).map(|_| progress.tick()).collect();
        assert_eq!(ticks, [0, 1, 2, 3]);
        progress.probe_returned();
        assert_eq!(progress.tick(), 0);
    }

    #[test]
    fn who_is_written_to_for_long_is_in_the_way() {
        let progress = Progress::new(2);
        let peer = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        assert!(progress.at_rest());
        progress.begin(0, peer(1));
        progress.begin(1, peer(2));
        assert!(
            progress.peers_in_hand(BLOCKED).is_empty(),
            "not for long yet"
        );
        thread::sleep(BLOCKED);
        progress.end(1);
        assert_eq!(progress.peers_in_hand(BLOCKED), HashSet::from([peer(1)]));
        assert!(!progress.at_rest());
        assert_eq!(progress.requests(), 1);
    }
}
