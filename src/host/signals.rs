//! Signals: the first SIGTERM, SIGINT or SIGHUP stops the service, the second kills it.

use std::io;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// The signals that stop the service, blocked until [`Signals::forward`] waits for them.
pub struct Signals(SigSet);

impl Signals {
    /// Blocks the signals in this thread and in those it starts from now on (signal(7)). To be called
    /// before any other thread starts.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn block() -> io::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
        signals.thread_block()?;
        Ok(Self(signals))
    }

    /// Waits in a thread for the first signal and passes on its name.
    ///
    /// # Errors
    /// No thread is available.
    pub fn forward(self, on_signal: impl FnOnce(&'static str) + Send + 'static) -> io::Result<()> {
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let Ok(signal) = self.0.wait() else {
                    unreachable!("sigwait(3) fails only for signals that do not exist");
                };
                // The second signal kills the process as long as one thread, this one, does not
                // block it.
                let _ = self.0.thread_unblock();
                on_signal(signal.as_str());
                loop {
                    thread::park();
                }
            })?;
        Ok(())
    }
}
