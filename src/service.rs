//! tiny_http and its workers: from a request to its answer.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::thread;

use tiny_http::{HTTPVersion, Method, Request, Server};

use crate::access_log::{self, Entry};
use crate::answer;
use crate::client::Reading;
use crate::framing::{self, Body, Framing};
use crate::hold::{Full, Hold};
use crate::persistence::Persistence;
use crate::pulse::Pulse;
use crate::report::Report;
use crate::response::Connection;
use crate::supervision::Event;

/// Responses up to this many bytes fit into a socket's send buffer, so that a worker can write
/// them to a client that does not read.
const FITS_SEND_BUFFER: usize = 8192;

/// The running service.
pub struct Service {
    /// Whether the workers get anywhere.
    pub pulse: Pulse,
    /// Whether connections persist.
    pub persistence: Persistence,
    /// Set when no connection may persist any more.
    pub stopping: AtomicBool,
    /// The socket that tiny_http accepts from.
    pub listener: TcpListener,
    server: Server,
    reading: Reading,
    hold: Hold,
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
            persistence: Persistence::new(),
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
