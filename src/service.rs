//! tiny_http and its workers: serving, stopping, and what is fatal.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tiny_http::{HTTPVersion, Method, Request, Server};

use crate::access_log::{self, Entry};
use crate::answer;
use crate::client::Reading;
use crate::framing::{self, Body, Framing};
use crate::hold::{Full, Hold};
use crate::memory;
use crate::persistence::Persistence;
use crate::pulse::{self, Pulse, Watch};
use crate::report::Report;
use crate::response::Connection;
use crate::systemd;

/// Time between two looks at the workers.
const TICK: Duration = Duration::from_millis(250);

/// How long the workers must be at rest before a stopping service ends.
const QUIET: Duration = Duration::from_millis(100);

/// When a stopping service ends at the latest.
const PATIENCE: Duration = Duration::from_millis(800);

/// Responses up to this many bytes fit into a socket's send buffer, so that a worker can write
/// them to a client that does not read.
const FITS_SEND_BUFFER: usize = 8192;

/// What may end the service.
pub enum Event {
    /// A signal asked for it.
    Stop(&'static str),
    /// Nothing more can be accepted.
    AcceptFailed(io::Error),
    /// The hold has no place left.
    HoldFull(Full),
}

/// The running service.
pub struct Service {
    server: Server,
    listener: TcpListener,
    reading: Reading,
    hold: Hold,
    pulse: Pulse,
    persistence: Persistence,
    stopping: AtomicBool,
    events: Sender<Event>,
}

impl Service {
    /// Starts serving on `listener`. The service lives as long as the process: tiny_http's
    /// `Server` connects to itself when it is dropped, which may block for minutes.
    ///
    /// # Errors
    /// The socket or a thread is not to be had.
    pub fn start(
        listener: TcpListener,
        reading: Reading,
        events: Sender<Event>,
    ) -> io::Result<&'static Self> {
        // More workers than processors gained nothing; a single one could be held up.
        let workers = thread::available_parallelism()
            .map_or(2, usize::from)
            .clamp(2, 4);
        let service: &'static Self = Box::leak(Box::new(Self {
            listener: listener.try_clone()?,
            server: Server::from_listener(listener, None).map_err(io::Error::other)?,
            reading,
            hold: Hold::default(),
            pulse: Pulse::new(workers),
            persistence: Persistence::default(),
            stopping: AtomicBool::new(false),
            events,
        }));
        for worker in 0..workers {
            thread::Builder::new()
                .name("worker".into())
                .spawn(move || service.work(worker))?;
        }
        Ok(service)
    }

    /// Watches over the workers until an event ends the service.
    ///
    /// # Errors
    /// One line that says why the service cannot go on.
    pub fn run(&self, events: &Receiver<Event>) -> Result<(), String> {
        let address = self
            .listener
            .local_addr()
            .map_err(|error| error.to_string())?;
        let mut status = systemd::Status::new(address, &self.reading);
        let mut watch = Watch::default();
        let (mut served, mut noted) = (0, Instant::now());
        loop {
            let sample = self.pulse.sample();
            let before = mem::replace(&mut served, pulse::requests(&sample));
            self.persistence.note(served - before, noted.elapsed());
            noted = Instant::now();
            status.update(served);
            if watch.is_stuck(sample) {
                return Err("all workers are stuck in writing to peers that do not read".into());
            }
            if let Some(kilobytes) = memory::overdrawn() {
                let megabytes = kilobytes / 1024;
                return Err(format!(
                    "{megabytes} MB are taken by peers that send too much"
                ));
            }
            let failure = match events.recv_timeout(TICK) {
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => unreachable!("the service holds a sender"),
                Ok(Event::Stop(signal)) => {
                    self.drain();
                    log::info!("stopped by {signal}: {} requests served", self.served());
                    return Ok(());
                }
                Ok(Event::AcceptFailed(error)) => format!("accepting connections failed: {error}"),
                Ok(Event::HoldFull(Full(reason))) => reason,
            };
            self.drain();
            return Err(failure);
        }
    }

    /// Answers what was accepted, and accepts no more: what waits on the listening socket is for
    /// the next process. The socket cannot be closed for tiny_http, but a non-blocking one ends
    /// its accept loop at the first moment without a new connection.
    fn drain(&self) {
        systemd::stopping();
        self.stopping.store(true, Relaxed);
        // A socket that cannot be set is still drained, only less cleanly.
        let _ = self.listener.set_nonblocking(true);
        let begin = Instant::now();
        let mut quiet_since = begin;
        let mut last = Vec::new();
        while quiet_since.elapsed() < QUIET && begin.elapsed() < PATIENCE {
            thread::sleep(QUIET / 10);
            let sample = self.pulse.sample();
            if sample != last || !pulse::at_rest(&sample) {
                quiet_since = Instant::now();
            }
            last = sample;
        }
    }

    fn served(&self) -> u64 {
        pulse::requests(&self.pulse.sample())
    }

    fn work(&'static self, worker: usize) {
        loop {
            let event = match self.server.recv() {
                Ok(request) => {
                    self.pulse.beat(worker);
                    let result = self.answer(request);
                    self.pulse.beat(worker);
                    result.err().map(Event::HoldFull)
                }
                Err(error) => Some(Event::AcceptFailed(error)),
            };
            // Nobody listens any more when the process ends.
            event.map(|event| self.events.send(event));
        }
    }

    fn answer(&'static self, request: Request) -> Result<(), Full> {
        let headers = request.headers();
        let framing = framing::of(request.http_version(), headers);
        let peer = request
            .remote_addr()
            .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), SocketAddr::ip);
        let report = Report::new(&self.reading, peer, headers);
        let response = answer::to(request.method(), framing.body, &report, headers);
        let level = access_log::level(answer::is_health_check(&report, headers));
        let entry = log::log_enabled!(level).then(|| {
            let (method, target) = (request.method(), request.url());
            Entry {
                report: &report,
                method,
                target,
                response: &response,
            }
            .to_string()
        });
        let result = match framing.body {
            Body::Pending => self.hold.refuse(request, response, true),
            Body::Undroppable(_) => self.hold.refuse(request, response, false),
            Body::None | Body::Read | Body::Invalid => {
                let head_only = *request.method() == Method::Head;
                let connection = self.connection(framing, request.http_version());
                self.write(request, response.to_bytes(connection, head_only))
            }
        };
        if let Some(entry) = entry {
            log::log!(level, "{entry}");
        }
        result
    }

    fn connection(&self, framing: Framing, version: &HTTPVersion) -> Connection {
        let must_end = framing.last || framing.body == Body::Invalid;
        if must_end || self.stopping.load(Relaxed) || !self.persistence.grants() {
            Connection::Close
        } else if *version == HTTPVersion(1, 0) {
            Connection::KeepAlive
        } else {
            Connection::Persists
        }
    }

    fn write(&'static self, request: Request, bytes: Vec<u8>) -> Result<(), Full> {
        let mut writer = request.into_writer();
        if bytes.len() > FITS_SEND_BUFFER {
            return self.hold.write(writer, bytes);
        }
        // A client that left is no error.
        let _ = writer.write_all(&bytes).and_then(|()| writer.flush());
        Ok(())
    }
}
