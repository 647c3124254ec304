//! What systemd does for the service: keeps the listening socket, starts the program anew
//! whenever it ends, and takes its log. Also looks after its memory and threads.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::activation::{hand_over, listener};

/// Time between two looks at the process.
const TICK: Duration = Duration::from_millis(2);

/// Most starts in one row: a bound, and far more than any row needs.
const STARTS: usize = 100;

/// Where the log goes.
#[derive(Clone, Copy, PartialEq)]
pub enum Log {
    Read,
    /// To a pipe that nobody reads.
    Unread,
}

/// What is started.
pub struct Plan {
    /// A command that executes another one, see `hand_over`.
    pub wrapper: &'static [&'static str],
    pub program: Vec<String>,
    pub log: Log,
}

/// An end of the program that nobody asked for.
pub struct Exit {
    pub at: Instant,
    /// `None` when a signal ended it.
    pub code: Option<i32>,
}

/// What was seen of the program; peaks over all its starts.
#[derive(Default)]
pub struct Seen {
    pub exits: Vec<Exit>,
    /// The lines by which it said why it ends.
    pub last_words: Vec<String>,
    /// Requests that only somebody who takes a body for a request can have seen.
    pub smuggled: usize,
    pub kilobytes: u64,
    pub threads: u64,
    /// Processor time.
    pub cpu: Duration,
}

pub struct Supervisor {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    thread: JoinHandle<()>,
}

impl Supervisor {
    pub fn start(plan: Plan) -> Self {
        let listener = listener();
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let thread = {
            let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
            thread::spawn(move || supervise(&plan, &listener, &stop, &seen))
        };
        Self {
            address,
            stop,
            seen,
            thread,
        }
    }

    /// Kills the program and tells what was seen of it.
    pub fn finish(self) -> Seen {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("the supervisor ends");
        std::mem::take(&mut *self.seen.lock().expect("no panic"))
    }
}

fn supervise(plan: &Plan, listener: &TcpListener, stop: &AtomicBool, seen: &Arc<Mutex<Seen>>) {
    for _ in 0..STARTS {
        let (mut child, log) = spawn(plan, listener, seen);
        let before = seen.lock().expect("no panic").cpu;
        let status = loop {
            if stop.load(Relaxed) {
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            if let Some(status) = child.try_wait().expect("a child to wait for") {
                break status;
            }
            look(child.id(), before, seen);
            thread::sleep(TICK);
        };
        let at = Instant::now();
        let code = status.code();
        seen.lock().expect("no panic").exits.push(Exit { at, code });
        let _ = log.map(JoinHandle::join);
        thread::sleep(restart());
    }
}

/// The values of a directive in the unit.
fn unit(directive: &str) -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../systemd/publicip-poc.service").lines();
    lines.filter_map(move |line| line.strip_prefix(directive)?.strip_prefix('='))
}

/// The time from an end to the next start.
fn restart() -> Duration {
    let time = unit("RestartSec").next();
    let milliseconds = time.and_then(|time| time.strip_suffix("ms")?.parse().ok());
    Duration::from_millis(milliseconds.expect("RestartSec= in milliseconds"))
}

fn spawn(
    plan: &Plan,
    listener: &TcpListener,
    seen: &Arc<Mutex<Seen>>,
) -> (Child, Option<JoinHandle<()>>) {
    let socket = OwnedFd::from(listener.try_clone().expect("a descriptor"));
    let program: Vec<&str> = plan.program.iter().map(String::as_str).collect();
    let mut child = hand_over(plan.wrapper, vec![socket], &program)
        .envs(unit("Environment").filter_map(|variable| variable.split_once('=')))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    if plan.log == Log::Unread {
        return (child, None);
    }
    let stderr = child.stderr.take().expect("piped");
    let seen = Arc::clone(seen);
    (child, Some(thread::spawn(move || read(stderr, &seen))))
}

fn read(stderr: ChildStderr, seen: &Mutex<Seen>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.contains("/smuggled") {
            seen.lock().expect("no panic").smuggled += 1;
        }
        if line.starts_with("publicip-poc: ") {
            seen.lock().expect("no panic").last_words.push(line);
        }
    }
}

/// Notes memory and threads, from proc_pid_status(5), and processor time, from proc_pid_stat(5):
/// `before` is what earlier starts have used.
fn look(id: u32, before: Duration, seen: &Mutex<Seen>) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let value = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let (kilobytes, threads) = (value("VmRSS:"), value("Threads:"));
    let mut seen = seen.lock().expect("no panic");
    seen.kilobytes = seen.kilobytes.max(kilobytes);
    seen.threads = seen.threads.max(threads);
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // utime and stime, in hundredths of a second, are the 12th and 13th behind the name.
    let ticks = stat
        .rsplit(") ")
        .next()
        .into_iter()
        .flat_map(|rest| rest.split(' ').skip(11).take(2));
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    seen.cpu = seen.cpu.max(before + Duration::from_millis(10 * ticks));
}
