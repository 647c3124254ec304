//! Signals: the first SIGTERM or SIGINT asks the service to stop, the second ends it at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, iterator::Signals, low_level};

use crate::supervision::Event;

/// Sends [`Event::Stop`] for the first signal.
///
/// # Errors
/// A handler or the thread cannot be set up.
pub fn forward(events: Sender<Event>) -> io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag down and raises it.
        flag::register_conditional_default(signal, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                let name = low_level::signal_name(signal).unwrap_or("a signal");
                // Nobody listens any more when the process ends.
                let _ = events.send(Event::Stop(name));
            }
        })?;
    Ok(())
}
