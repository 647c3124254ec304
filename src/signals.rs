//! Signals: the first SIGTERM or SIGINT asks the service to stop, the second ends it at once.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

use crate::supervision::Event;

/// The signals that stop the service, blocked: they wait for [`Signals::forward`].
pub struct Signals(SigSet);

impl Signals {
    /// Blocks the signals in this thread and those it starts from now on, which have to be all
    /// (signal(7)).
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn block() -> io::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block()?;
        Ok(Self(signals))
    }

    /// Sends [`Event::Stop`] for the first signal.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn forward(self, events: Sender<Event>) -> io::Result<()> {
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let Ok(signal) = self.0.wait() else {
                    unreachable!("sigwait(3) fails for signals only that do not exist");
                };
                // The second one then does to the process what it does by default.
                let _ = self.0.thread_unblock();
                // Nobody listens any more when the process ends.
                let _ = events.send(Event::Stop(signal.as_str()));
                loop {
                    thread::park();
                }
            })?;
        Ok(())
    }
}
