//! The log: `simple_logger` on standard error, with what journald needs in front.

use std::env;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};
use simple_logger::SimpleLogger;

/// Starts logging at `level`.
///
/// # Errors
/// A logger is set already.
pub fn start(level: LevelFilter) -> Result<(), SetLoggerError> {
    // What tiny_http logs, this service says itself and in better words.
    let logger = SimpleLogger::new()
        .with_level(level)
        .with_module_level("tiny_http", LevelFilter::Off);
    log::set_max_level(level);
    log::set_boxed_logger(Box::new(Logger(logger)))
}

/// The prefix by which journald learns the priority of a line (sd-daemon(3)); empty elsewhere, and
/// for info, which is what the journal takes a line for without one (systemd.exec(5),
/// `SyslogLevel=`).
pub fn priority(level: Level) -> &'static str {
    static JOURNALD: OnceLock<bool> = OnceLock::new();
    if !JOURNALD.get_or_init(|| env::var_os("JOURNAL_STREAM").is_some()) {
        return "";
    }
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "",
        Level::Debug | Level::Trace => "<7>",
    }
}

struct Logger(SimpleLogger);

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.0.enabled(record.metadata()) {
            return;
        }
        // The lock holds prefix and line together. `eprintln!`, which simple_logger uses, panics
        // when standard error is gone, and that must not end a worker.
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(priority(record.level()).as_bytes());
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.0.log(record)));
    }

    fn flush(&self) {}
}
