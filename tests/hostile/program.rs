//! The program under attack: started as systemd starts it, watched, and stopped as systemd stops it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::activation::{hand_over, listener};

/// Time between two looks at the process.
const TICK: Duration = Duration::from_millis(5);

/// How long it may take to stop: it finishes what it has begun for 0.8 s.
const STOP: Duration = Duration::from_secs(2);

/// Who reads the log.
#[derive(Clone, Copy, PartialEq)]
pub enum Log {
    Somebody,
    /// Somebody slow: 64 kB a second.
    Slowly,
    Nobody,
}

/// What was seen of the program.
#[derive(Default)]
pub struct Seen {
    /// How it ended, if not as it should.
    pub end: Option<String>,
    /// Requests in the log that only somebody who takes a body for a request can have seen.
    pub smuggled: usize,
    /// Its last line.
    pub reason: Option<String>,
    /// Peaks.
    pub kilobytes: u64,
    pub threads: u64,
}

pub struct Program {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    watch: JoinHandle<Seen>,
}

impl Program {
    /// `descriptors` is how many it may have.
    pub fn start(program: &[String], descriptors: Option<u32>, log: Log) -> Self {
        let listener = listener();
        let address = listener.local_addr().expect("an address");
        let program: Vec<&str> = program.iter().map(String::as_str).collect();
        let limit = descriptors.map(|count| format!("--nofile={count}"));
        let wrapper: Vec<&str> = limit.iter().flat_map(|limit| ["prlimit", limit]).collect();
        let mut child = hand_over(&wrapper, vec![listener.into()], &program)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().expect("piped");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let watch = thread::spawn(move || watch(child, stderr, log, &stopped));
        Self {
            address,
            stop,
            watch,
        }
    }

    /// Stops the program.
    pub fn finish(self) -> Seen {
        self.stop.store(true, Relaxed);
        self.watch.join().expect("the watch ends")
    }
}

fn watch(mut child: Child, stderr: ChildStderr, log: Log, stop: &AtomicBool) -> Seen {
    let (reader, _unread) = match log {
        Log::Nobody => (None, Some(stderr)),
        log => (Some(thread::spawn(move || read(stderr, log))), None),
    };
    let mut seen = Seen::default();
    let mut stopped: Option<Instant> = None;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            break status.to_string();
        }
        if stop.load(Relaxed) && stopped.is_none() {
            stopped = Some(Instant::now());
            let process = Pid::from_raw(child.id().try_into().expect("a process"));
            kill(process, Signal::SIGTERM).expect("it is there");
        }
        if stopped.is_some_and(|since| since.elapsed() > STOP) {
            child.kill().expect("it is there");
            let _ = child.wait();
            break format!("still there {} s after SIGTERM", STOP.as_secs());
        }
        look(child.id(), &mut seen);
        thread::sleep(TICK);
    };
    seen.end = match stopped {
        None => Some(format!("ended by itself: {status}")),
        Some(_) => (status != "exit status: 0").then(|| format!("did not stop: {status}")),
    };
    if let Some(reader) = reader {
        (seen.smuggled, seen.reason) = reader.join().expect("the log's end");
    }
    seen
}

/// Reads the log to its end. Returns how many smuggled requests it names, and why the program ended.
fn read(mut stderr: ChildStderr, log: Log) -> (usize, Option<String>) {
    let (mut smuggled, mut reason) = (0, None);
    while log == Log::Slowly && stderr.read(&mut [0; 6400]).is_ok_and(|count| count > 0) {
        thread::sleep(Duration::from_millis(100));
    }
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        smuggled += usize::from(line.contains("/smuggled"));
        reason = line
            .starts_with("publicip-poc: ")
            .then_some(line)
            .or(reason);
    }
    (smuggled, reason)
}

/// Notes memory and threads, from proc_pid_status(5).
fn look(id: u32, seen: &mut Seen) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let value = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    seen.kilobytes = seen.kilobytes.max(value("VmRSS:"));
    seen.threads = seen.threads.max(value("Threads:"));
}
