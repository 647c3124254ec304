//! Watches over the running service, and ends it: when asked to, and when it cannot go on.

use std::io;
use std::mem;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::hold::Full;
use crate::memory::Budget;
use crate::pulse::{self, Watch};
use crate::relief::Relief;
use crate::service::Service;
use crate::systemd::{self, Status};

/// Time between two looks at the workers.
const TICK: Duration = Duration::from_millis(250);

/// How long the workers must be at rest before a stopping service ends.
const QUIET: Duration = Duration::from_millis(200);

/// When a stopping service ends at the latest.
const PATIENCE: Duration = Duration::from_millis(800);

/// What may end the service.
pub enum Event {
    /// A signal asked for it.
    Stop(&'static str),
    /// Nothing more can be accepted.
    AcceptFailed(io::Error),
    /// The hold has no place left.
    HoldFull(Full),
}

/// Watches over `service` until something ends it.
///
/// # Errors
/// One line that says why the service cannot go on.
pub fn run(service: &Service, events: &Receiver<Event>, mut status: Status) -> Result<(), String> {
    let mut watch = Watch::default();
    let mut memory = Budget::default();
    let mut relief = Relief::default();
    let (mut served, mut begun) = (0, Instant::now());
    loop {
        let sample = service.pulse.sample();
        let before = mem::replace(&mut served, pulse::requests(&sample));
        let busy = service.persistence.begin(served - before, begun.elapsed());
        begun = Instant::now();
        if !busy {
            relief.give();
        }
        status.update(served);
        if watch.is_stuck(sample) {
            return Err("all workers are stuck in writing to peers that do not read".into());
        }
        if let Some(kilobytes) = memory.overdrawn() {
            let megabytes = kilobytes / 1024;
            return Err(format!(
                "{megabytes} MB are taken by peers that send too much"
            ));
        }
        let reason = match events.recv_timeout(TICK) {
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => unreachable!("the service holds a sender"),
            Ok(Event::Stop(signal)) => {
                drain(service);
                let served = pulse::requests(&service.pulse.sample());
                log::info!("stopped by {signal}: {served} requests served");
                return Ok(());
            }
            Ok(Event::AcceptFailed(error)) => format!("accepting connections failed: {error}"),
            Ok(Event::HoldFull(Full(reason))) => reason,
        };
        drain(service);
        return Err(reason);
    }
}

/// Answers what was accepted, and accepts no more: what waits on the listening socket is for the
/// next process. The socket cannot be closed for tiny_http, but a non-blocking one ends its accept
/// loop at the first moment without a new connection.
fn drain(service: &Service) {
    systemd::stopping();
    service.stopping.store(true, Relaxed);
    // A socket that cannot be set is still drained, only less cleanly.
    let _ = service.listener.set_nonblocking(true);
    let begin = Instant::now();
    let mut quiet_since = begin;
    let mut last = Vec::new();
    while quiet_since.elapsed() < QUIET && begin.elapsed() < PATIENCE {
        thread::sleep(QUIET / 20);
        let sample = service.pulse.sample();
        if sample != last || !pulse::at_rest(&sample) {
            quiet_since = Instant::now();
        }
        last = sample;
    }
}
