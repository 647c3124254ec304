//! Signals: the first SIGTERM or SIGINT asks the service to stop, the second ends it at once.

use std::io;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// The signals that stop the service; they are blocked and wait for [`Signals::forward`].
pub struct Signals(SigSet);

impl Signals {
    /// Blocks the signals in this thread and in those it starts from now on (signal(7)), which must
    /// be all others.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn block() -> io::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block()?;
        Ok(Self(signals))
    }

    /// Passes the name of the first signal on.
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
                // The second signal then kills the process, as long as a thread, this one, lets it.
                let _ = self.0.thread_unblock();
                on_signal(signal.as_str());
                loop {
                    thread::park();
                }
            })?;
        Ok(())
    }
}
