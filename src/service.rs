//! tiny_http, as its documentation shows it: it gets only well-formed requests, from the gateway.

use std::borrow::Cow;
use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use socket2::{Domain, SockAddr, Socket, Type};
use tiny_http::{Request, Server};

use crate::answer::{self, client::Reading};
use crate::gateway::forward::{self, PEER};

/// A server, and the only connection to it.
///
/// # Errors
/// The kernel refuses.
pub fn start() -> io::Result<(Server, UnixStream)> {
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // The kernel chooses a name that is free (unix(7), "Autobind feature").
    listener.bind(&SockAddr::unix("")?)?;
    // SECURITY: one connection may wait, and is ours. Nobody else can connect afterwards.
    listener.listen(0)?;
    let connection = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    connection.set_nonblocking(true)?;
    connection.connect(&listener.local_addr()?)?;
    listener.shutdown(std::net::Shutdown::Both)?;
    let server =
        Server::from_listener(UnixListener::from(listener), None).map_err(io::Error::other)?;
    // tiny_http accepts what waits, and then reports that the listener is closed.
    match server.recv() {
        Err(_) => Ok((server, connection.into())),
        Ok(_) => Err(io::Error::other("somebody else has connected")),
    }
}

/// Answers the requests, one after the other.
pub fn run(server: &Server, reading: &Reading) {
    for request in server.incoming_requests() {
        let (response, line) = answer::to(&read(&request), reading);
        let head_only = *request.method() == tiny_http::Method::Head;
        let mut writer = request.into_writer();
        // The gateway notices when the connection is lost.
        let _ = writer
            .write_all(&response.to_bytes(head_only))
            .and_then(|()| writer.flush());
        if let Some(line) = line {
            line.log();
        }
    }
}

/// What the gateway has forwarded.
fn read(request: &Request) -> answer::Request<'_> {
    let mut peer = Cow::default();
    let mut fields = Vec::with_capacity(request.headers().len());
    for header in request.headers() {
        let value = forward::decode(header.value.as_str());
        match header.field.as_str().as_str() {
            PEER => peer = value,
            name => fields.extend(answer::field(name, value.as_bytes()).map(|name| (name, value))),
        }
    }
    answer::Request {
        method: request.method().as_str().into(),
        target: forward::decode(request.url()),
        peer,
        fields,
    }
}
