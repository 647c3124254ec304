//! tiny_http, and everything that its defects force on us: the only room that names its `Server`
//! and `Request`. Outside, there are a [`Server`] that runs and an [`Exchange`] to answer.
//!
//! `framing` and `syntax` judge what arrived. `hold` and `lingering` take requests that a worker
//! must not drop, `keep_alive` and `starvation` help connections to a thread, `progress` and
//! `memory` notice what slows or fills the process, `connections` finds its sockets.
//!
//! To add a guard, give it a file here, call it from [`Server::tick`] or [`Exchange::respond`], add
//! a row to `tests/hostile` that fails without it, and a line to `SECURITY.md`.

mod connections;
mod exchange;
mod fault;
mod framing;
mod hold;
mod keep_alive;
mod lingering;
mod memory;
mod progress;
mod starvation;
mod syntax;

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};

pub use exchange::Exchange;
pub use fault::Fault;
use hold::Hold;
use keep_alive::KeepAlive;
use lingering::Lingering;
use memory::Budget;
use progress::{BLOCKED, Progress};
use starvation::Starvation;

/// Time between two calls of [`Server::tick`].
pub const TICK: Duration = Duration::from_millis(50);

/// Time between two looks at whatever is not urgent.
const PERIOD: Duration = Duration::from_millis(250);

/// After this many periods without the probe, the peers that block workers lose their connections.
const LATE: u32 = 2;

/// A request in hand for this long is in the way, when the probe is late already.
const BRIEFLY: Duration = Duration::from_millis(20);

/// After this many, nobody is answered any more.
const DEAF: u32 = 20;

/// How long the workers must be at rest before a draining server is done.
const QUIET: Duration = Duration::from_millis(200);

/// How long a server drains at most.
pub const PATIENCE: Duration = Duration::from_millis(800);

/// A running server.
pub struct Server {
    http: tiny_http::Server,
    listener: TcpListener,
    lingering: Arc<Lingering>,
    hold: Hold,
    keep_alive: KeepAlive,
    progress: Progress,
    /// Requests that no worker had.
    starved: AtomicU64,
    /// No connection persists any more.
    draining: AtomicBool,
    watch: Mutex<Watch>,
    handler: Box<dyn Fn(Exchange<'_>) + Send + Sync>,
    on_fault: Box<dyn Fn(Fault) + Send + Sync>,
}

/// What is compared from period to period.
struct Watch {
    requests: u64,
    period_began: Instant,
    starvation: Starvation,
    memory: Budget,
}

impl Server {
    /// Starts to serve on `listener`: `handler` gets each request, `on_fault` what ends the server.
    /// The server lives as long as the process, because tiny_http's connects to itself when it is
    /// dropped, which may block for minutes.
    ///
    /// # Errors
    /// The socket or a thread is unavailable.
    pub fn start(
        listener: TcpListener,
        handler: impl Fn(Exchange<'_>) + Send + Sync + 'static,
        on_fault: impl Fn(Fault) + Send + Sync + 'static,
    ) -> io::Result<&'static Self> {
        // More workers than processors gained nothing; a single one could be held up.
        let workers = thread::available_parallelism()
            .map_or(2, usize::from)
            .clamp(2, 4);
        let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let lingering = Arc::new(Lingering::default());
        let server: &'static Self = Box::leak(Box::new(Self {
            listener: listener.try_clone()?,
            http: tiny_http::Server::from_listener(listener, None).map_err(io::Error::other)?,
            hold: Hold::new(Arc::clone(&lingering), descriptors),
            lingering,
            keep_alive: KeepAlive::new(),
            progress: Progress::new(workers),
            starved: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            watch: Mutex::new(Watch {
                requests: 0,
                period_began: Instant::now(),
                starvation: Starvation::new(),
                memory: Budget::default(),
            }),
            handler: Box::new(handler),
            on_fault: Box::new(on_fault),
        }));
        for worker in 0..workers {
            thread::Builder::new()
                .name("worker".into())
                .spawn(move || server.work(worker))?;
        }
        Ok(server)
    }

    fn work(&self, worker: usize) {
        loop {
            match self.http.recv() {
                Ok(request) => {
                    let exchange = Exchange::received(self, request);
                    self.progress.begin(worker, exchange.peer());
                    (self.handler)(exchange);
                    self.progress.end(worker);
                }
                // `unblock` has sent the probe; `accept` fails with an error of the system.
                Err(error) if error.raw_os_error().is_none() => self.progress.probe_returned(),
                Err(error) => (self.on_fault)(Fault::Accept(error)),
            }
        }
    }

    /// Looks after the connections; to be called every [`TICK`].
    ///
    /// # Errors
    /// The server cannot go on.
    pub fn tick(&self) -> Result<(), Fault> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.answer_starved(&mut watch.starvation);
        if watch.period_began.elapsed() < PERIOD {
            return Ok(());
        }
        let requests = self.served();
        let since = requests - watch.requests;
        let last = watch.period_began.elapsed();
        self.keep_alive.start_period(since, last);
        (watch.requests, watch.period_began) = (requests, Instant::now());
        self.lingering.tick();
        match self.progress.tick() {
            0 => self.http.unblock(),
            DEAF.. => return Err(Fault::Deaf(PERIOD * DEAF)),
            LATE.. => connections::shut(&self.progress.peers_in_hand(BRIEFLY)),
            _ => {}
        }
        if let Some(kilobytes) = watch.memory.exceeded() {
            // Whoever is being answered now most likely takes it; draining must not give them time.
            connections::shut(&self.progress.peers_in_hand(Duration::ZERO));
            return Err(Fault::Memory(kilobytes / 1024));
        }
        Ok(())
    }

    fn answer_starved(&self, starvation: &mut Starvation) {
        for starved in starvation.find(self.hold.keeps_undroppable()) {
            (self.handler)(Exchange::starved(self, starved));
            self.starved.fetch_add(1, Relaxed);
        }
    }

    /// Requests handled since the start.
    pub fn served(&self) -> u64 {
        self.progress.requests() + self.starved.load(Relaxed)
    }

    /// Answers what has been accepted, and accepts no more: what waits on the listening socket is
    /// for the next process. tiny_http's socket cannot be closed, but a non-blocking one ends its
    /// accept loop as soon as no connection waits.
    pub fn drain(&self, patience: Duration) {
        self.draining.store(true, Relaxed);
        // If this fails, the last connections may be lost.
        let _ = self.listener.set_nonblocking(true);
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = Instant::now();
        let (mut quiet_since, mut last) = (begin, self.served());
        while quiet_since.elapsed() < QUIET && begin.elapsed() < patience {
            thread::sleep(QUIET / 20);
            self.answer_starved(&mut watch.starvation);
            // A peer that floods and does not read must not keep the others waiting, or take the
            // memory.
            connections::shut(&self.progress.peers_in_hand(BLOCKED));
            let served = self.served();
            if served != last || !self.progress.at_rest() {
                quiet_since = Instant::now();
            }
            last = served;
        }
    }
}
