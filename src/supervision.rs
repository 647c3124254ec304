//! What ends the service: one loop over events and ticks.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use crate::host::systemd::{self, Status};
use crate::server::{Fault, PATIENCE, Server, TICK};

/// The log target of these messages, which operators filter by.
const LOG: &str = "publicip_poc::supervision";

/// What ends the service.
pub enum Event {
    /// A signal, by its name.
    Stop(&'static str),
    /// The server cannot go on.
    Fault(Fault),
}

/// Runs the service until a signal stops it.
///
/// # Errors
/// The server cannot go on; what it has accepted is answered.
pub fn run(server: &Server, events: &Receiver<Event>, mut status: Status) -> Result<(), Fault> {
    let mut next_tick = Instant::now();
    let end = loop {
        if next_tick <= Instant::now() {
            next_tick = Instant::now() + TICK;
            if let Err(fault) = server.tick() {
                break Event::Fault(fault);
            }
            status.update(server.served());
        }
        match events.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
            Ok(event) => break event,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => unreachable!("the server holds a sender"),
        }
    };
    systemd::stopping();
    match end {
        Event::Stop(signal) => {
            server.drain(PATIENCE);
            let total = systemd::requests(server.served());
            log::info!(target: LOG, "stopped by {signal}: {total}");
            Ok(())
        }
        Event::Fault(fault) => {
            server.drain(fault.patience());
            Err(fault)
        }
    }
}
