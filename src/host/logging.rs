//! The log: `simple_logger` on standard error, prefixed for journald, written by a thread of its
//! own.
//!
//! Writing blocks while nobody reads: journald is stopped, or a pipe is full. An answer must not wait
//! for that, nor the end of the process. So lines are queued, and those that find the queue full are
//! dropped and counted.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::iter;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};
use simple_logger::SimpleLogger;

/// The writing thread's name, by which the panic policy knows it.
pub const THREAD: &str = "log";

/// Capacity of the queue, in lines: what a tenth of a second of full load brings.
const QUEUE: usize = 8192;

/// How long lines are gathered. Each that finds the thread asleep would wake it, and the reader of
/// the log after it.
const GATHER: Duration = Duration::from_millis(1);

/// Time between two lines that say how many were lost.
const REPORT: Duration = Duration::from_secs(1);

/// How long writing the last lines may take when the process ends.
const LAST: Duration = Duration::from_millis(500);

/// The log target of this file's own line, which operators filter by.
const LOG: &str = "publicip_poc";

static LOGGER: OnceLock<Logger> = OnceLock::new();

struct Logger {
    simple: SimpleLogger,
    queue: SyncSender<Message>,
    /// Lines that found the queue full since this was last reported.
    lost: AtomicU64,
}

enum Message {
    Line {
        level: Level,
        target: String,
        text: String,
    },
    /// Why the process ends, if there is a reason to report, and whom to notify once everything is
    /// written.
    Last(Option<String>, mpsc::Sender<()>),
}

/// Starts logging at `level`.
///
/// # Errors
/// A logger has been set before, or no thread is available.
pub fn start(level: LevelFilter) -> Result<(), String> {
    let (queue, messages) = mpsc::sync_channel(QUEUE);
    thread::Builder::new()
        .name(THREAD.into())
        .spawn(move || {
            let mut reported = Instant::now();
            while let Ok(first) = messages.recv() {
                thread::sleep(GATHER);
                let logger = LOGGER.get().expect("it sent the message");
                for message in iter::once(first).chain(messages.try_iter()) {
                    logger.write(message);
                    if reported.elapsed() >= REPORT {
                        reported = Instant::now();
                        logger.report_lost();
                    }
                }
            }
        })
        .map_err(|error| format!("no thread for the log: {error}"))?;
    let logger = LOGGER.get_or_init(|| Logger {
        // This service reports what tiny_http logs, in better words.
        simple: SimpleLogger::new()
            .with_level(level)
            .with_module_level("tiny_http", LevelFilter::Off),
        queue,
        lost: AtomicU64::new(0),
    });
    log::set_max_level(level);
    log::set_logger(logger).map_err(|error| error.to_string())
}

/// Writes what is queued and then, in one line, why the process ends. The time for it is limited,
/// because nobody may be reading any more.
pub fn finish(reason: Option<&str>) {
    let reason = reason.map(|reason| format!("publicip-poc: {reason}"));
    let Some(logger) = LOGGER.get() else {
        write_reason(reason);
        return;
    };
    let deadline = Instant::now() + LAST;
    let (done, wait) = mpsc::channel();
    let mut last = Message::Last(reason, done);
    while let Err(TrySendError::Full(back)) = logger.queue.try_send(last) {
        if Instant::now() >= deadline {
            return;
        }
        last = back;
        thread::sleep(GATHER);
    }
    // In time or not, the process ends.
    let _ = wait.recv_timeout(deadline.saturating_duration_since(Instant::now()));
}

impl Logger {
    fn write(&self, message: Message) {
        match message {
            Message::Line {
                level,
                target,
                text,
            } => self.write_line(level, &target, &text),
            Message::Last(reason, done) => {
                self.report_lost();
                write_reason(reason);
                // The receiver may have given up.
                let _ = done.send(());
            }
        }
    }

    fn report_lost(&self) {
        let lost = self.lost.swap(0, Relaxed);
        if lost > 0 {
            let text = format!("{lost} lines were lost: the log was not read fast enough");
            self.write_line(Level::Warn, LOG, &text);
        }
    }

    fn write_line(&self, level: Level, target: &str, text: &str) {
        let _ = io::stderr().write_all(priority(level).as_bytes());
        // `eprintln!`, which simple_logger uses, panics if standard error is gone. The log is then
        // lost, the service is not.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| {
            self.simple.log(
                &Record::builder()
                    .level(level)
                    .target(target)
                    .args(format_args!("{text}"))
                    .build(),
            );
        }));
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.simple.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let line = || Message::Line {
            level: record.level(),
            target: record.target().to_owned(),
            text: record.args().to_string(),
        };
        if self.enabled(record.metadata()) && self.queue.try_send(line()).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Writes the line in one piece, whether or not there is a logger.
fn write_reason(reason: Option<String>) {
    if let Some(reason) = reason {
        let line = format!("{}{reason}\n", priority(Level::Error));
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// The prefix that tells journald a line's priority (sd-daemon(3)). It is empty elsewhere, and for
/// info, which is journald's default (systemd.exec(5), `SyslogLevel=`).
fn priority(level: Level) -> &'static str {
    static JOURNALD: OnceLock<bool> = OnceLock::new();
    if !JOURNALD.get_or_init(|| is_journal().unwrap_or(false)) {
        return "";
    }
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "",
        Level::Debug | Level::Trace => "<7>",
    }
}

/// Whether standard error still is the stream to journald that systemd has set up: a child of a
/// service, say, inherits the variable but may write elsewhere (systemd.exec(5), `JOURNAL_STREAM`).
fn is_journal() -> Option<bool> {
    let stream = env::var("JOURNAL_STREAM").ok()?;
    let stderr = io::stderr().as_fd().try_clone_to_owned().ok()?;
    let file = File::from(stderr).metadata().ok()?;
    Some(stream == format!("{}:{}", file.dev(), file.ino()))
}
