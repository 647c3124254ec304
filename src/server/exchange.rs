//! An exchange: one request, to be answered once.

use std::mem::ManuallyDrop;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tiny_http::{HTTPVersion, Header, Method, Request};

use super::framing::{self, Framing, Reader};
use super::starvation::Starved;
use super::{Server, syntax};
use crate::answer::response::{Connection, Response};
use crate::answer::{self, Body};

/// Responses with up to this many bytes of content fit into the empty send buffer of a socket, so
/// that a worker can write them to a client that does not read.
const FITS_SEND_BUFFER: usize = 7168;

/// How long a peer has to read that its request was malformed, and to close the connection.
const REFUSED: Duration = Duration::from_millis(500);

/// One request, and the way back to its sender. One that is not answered is leaked, not dropped.
pub struct Exchange<'s> {
    server: &'s Server,
    source: Source,
    peer: SocketAddr,
    framing: Framing,
    malformed: Option<&'static str>,
}

enum Source {
    /// From tiny_http. SECURITY: `hold` says why it must not be dropped as it is.
    Received(ManuallyDrop<Request>),
    /// From the socket itself.
    Starved(Starved),
}

impl<'s> Exchange<'s> {
    /// An exchange that tiny_http has handed out.
    pub(super) fn received(server: &'s Server, request: Request) -> Self {
        let unknown = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let peer = request.remote_addr().copied().unwrap_or(unknown);
        let (method, target) = (request.method(), request.url());
        let (framing, malformed) = judge(method, target, request.http_version(), request.headers());
        Self {
            server,
            source: Source::Received(ManuallyDrop::new(request)),
            peer,
            framing,
            malformed,
        }
    }

    /// An exchange that tiny_http has kept from its workers.
    pub(super) fn starved(server: &'s Server, starved: Starved) -> Self {
        let (framing, malformed) = judge(
            &starved.method,
            &starved.target,
            &starved.version,
            &starved.headers,
        );
        Self {
            server,
            peer: starved.peer,
            source: Source::Starved(starved),
            framing,
            malformed,
        }
    }

    /// The peer's address and port.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the request says.
    pub fn request(&self) -> answer::Request<'_> {
        let (method, target, headers) = match &self.source {
            Source::Received(request) => (request.method(), request.url(), request.headers()),
            Source::Starved(starved) => (&starved.method, &*starved.target, &*starved.headers),
        };
        let body = match (self.malformed, self.framing.reader) {
            (Some(sentence), _) => Body::Malformed(sentence),
            (None, Reader::Empty) => Body::Absent,
            (None, _) => Body::Present,
        };
        answer::Request::new(method, target, headers, self.peer.ip(), body)
    }

    /// Answers the request; returns whether it could be answered.
    pub fn respond(self, response: Response) -> bool {
        let large = response.content().len() > FITS_SEND_BUFFER;
        let connection = self.connection(large);
        let (server, peer) = (self.server, self.peer);
        let request = match self.source {
            Source::Starved(starved) => {
                let head_only = starved.method == Method::Head;
                starved.respond(&response.to_bytes(Connection::Close, head_only));
                return true;
            }
            Source::Received(request) => ManuallyDrop::into_inner(request),
        };
        let result = match self.framing.reader {
            Reader::Unanswerable => {
                server
                    .hold
                    .abandon(request, peer)
                    .map_err(&server.on_fault)
                    .ok();
                return false;
            }
            Reader::Undroppable => {
                // Answered in any case, also when that was the last place.
                server
                    .hold
                    .keep(request, &response)
                    .map_err(&server.on_fault)
                    .ok();
                return true;
            }
            Reader::Pending => server.hold.refuse(request, peer, response),
            Reader::Empty | Reader::Done => {
                let head_only = *request.method() == Method::Head;
                let bytes = response.to_bytes(connection, head_only);
                let mut writer = request.into_writer();
                // SECURITY: waits for the response before, which may have been the last one.
                let _ = writer.flush();
                // What follows a refused request is ignored (RFC 9112, section 9.6).
                if server.lingering.contains(peer) {
                    return false;
                }
                if self.malformed.is_some() && !self.framing.last {
                    server.lingering.add(peer, REFUSED);
                }
                if large {
                    server.hold.write(writer, peer, bytes)
                } else {
                    // Ignore disconnects.
                    let _ = writer.write_all(&bytes).and_then(|()| writer.flush());
                    Ok(())
                }
            }
        };
        result.map_err(&server.on_fault).is_ok()
    }

    /// What the response says; a connection that is written to by the hold closes.
    fn connection(&self, held: bool) -> Connection {
        let version = match &self.source {
            Source::Received(request) => request.http_version(),
            Source::Starved(starved) => &starved.version,
        };
        // SECURITY: what follows a malformed request must not pass for another one.
        let must_close = self.framing.last || self.malformed.is_some();
        let draining = self.server.draining.load(Relaxed);
        if must_close || held || draining || !self.server.keep_alive.persists() {
            Connection::Close
        } else if *version == HTTPVersion(1, 0) {
            Connection::KeepAlive
        } else {
            Connection::Persists
        }
    }
}

fn judge(
    method: &Method,
    target: &str,
    version: &HTTPVersion,
    headers: &[Header],
) -> (Framing, Option<&'static str>) {
    let framing = framing::of(version, headers);
    let length = framing
        .invalid_length
        .then_some("The Content-Length is not valid.");
    let syntax = || syntax::fault(method, target, version, headers);
    (framing, length.or_else(syntax))
}
