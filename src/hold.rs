//! The hold: where a request is answered that must not be dropped on a worker.
//!
//! Dropping a tiny_http `Request` whose body is unread blocks the thread until the body came
//! (`Content-Length`), or leaves the body on the connection to be parsed as the next request
//! (`Transfer-Encoding`), or aborts the process (a length that cannot be allocated): all of which
//! a stranger can have through a load balancer. So such a request is refused from a thread of its
//! own, with `Connection: close`, and its body is read there into nothing until it or the
//! connection ends. One that may abort the process is never dropped at all.
//!
//! Each takes one of [`PLACES`] and what tiny_http holds for it: one more thread and two
//! descriptors. A place is free again when the body or the connection ended, but never for an
//! undroppable one. When all are taken, the service ends and is started anew by systemd, which
//! loses no connection that waits on the listening socket.

use std::io::{ErrorKind, Read, Write};
use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use tiny_http::{Header, Request};

use crate::response::{Connection, Response, SERVER};

/// How many requests are held at once; `TasksMax=` and `LimitNOFILE=` of the unit leave room.
const PLACES: usize = 512;

/// Stack of a holding thread, in bytes; it does no more than copy.
const STACK: usize = 128 * 1024;

/// How many malformed chunk headers in a row are taken for the end of the connection, which
/// `chunked_transfer` reports in the same way. A load balancer lets none through.
const MALFORMED_CHUNKS: usize = 4096;

/// The hold's places.
#[derive(Default)]
pub struct Hold {
    taken: AtomicUsize,
}

/// Why the service cannot go on.
pub struct Full(pub String);

impl Hold {
    /// Refuses `request`, whose body is unread, with `response`, and keeps it until its end:
    /// for ever if it is not `droppable`.
    ///
    /// # Errors
    /// All places are taken, or there is no thread to be had; the request is then not answered.
    pub fn refuse(
        &'static self,
        request: Request,
        response: Response,
        droppable: bool,
    ) -> Result<(), Full> {
        // SECURITY: whatever fails from here on, the request is leaked rather than dropped.
        let request = ManuallyDrop::new(request);
        self.run(move |hold| {
            let mut stream = answer(ManuallyDrop::into_inner(request), &response);
            if droppable {
                drain(&mut stream);
                drop(stream);
                hold.taken.fetch_sub(1, Relaxed);
            } else {
                mem::forget(stream);
                let taken = hold.taken.load(Relaxed);
                log::warn!("held for ever: a request with an undroppable body ({taken} of {PLACES} places taken)");
            }
        })
    }

    /// Writes `bytes`, more than a socket buffer surely takes, to a client that may not read them.
    ///
    /// # Errors
    /// As for [`Hold::refuse`].
    pub fn write(
        &'static self,
        mut writer: Box<dyn Write + Send>,
        bytes: Vec<u8>,
    ) -> Result<(), Full> {
        self.run(move |hold| {
            // A client that left is no error.
            let _ = writer.write_all(&bytes).and_then(|()| writer.flush());
            drop(writer);
            hold.taken.fetch_sub(1, Relaxed);
        })
    }

    fn run(&'static self, task: impl FnOnce(&'static Self) + Send + 'static) -> Result<(), Full> {
        if self.taken.fetch_add(1, Relaxed) >= PLACES {
            return Err(Full(format!(
                "{PLACES} requests are held that cannot be dropped"
            )));
        }
        thread::Builder::new()
            .name("hold".into())
            .stack_size(STACK)
            .spawn(move || task(self))
            .map(drop)
            .map_err(|error| Full(format!("no thread to hold a request: {error}")))
    }
}

/// Sends the response and gives back the connection: what is left of the body, and the writer.
///
/// `Request::upgrade` is the only way to answer without dropping the request. It announces an
/// upgrade, which any response may (RFC 9110, section 7.8), and removes `Connection` and
/// `Content-Length` from the fields it is given; so those ride in the value of `Upgrade`, whose
/// line ends are not looked at. Nothing that the request said is in it.
fn answer(request: Request, response: &Response) -> Box<dyn tiny_http::ReadWrite + Send> {
    let mut upgrade = String::from("HTTP/1.1\r\n");
    response
        .write_fields(&mut upgrade, Connection::Close)
        .expect("writing to a String cannot fail");
    let head_only = *request.method() == tiny_http::Method::Head;
    let head = tiny_http::Response::empty(response.status.code())
        .with_header(Header::from_bytes("Server", SERVER).expect("a constant field is valid"));
    let mut stream = request.upgrade(upgrade.trim_end(), head);
    let content = if head_only { "" } else { &response.content };
    // A client that left is no error.
    let _ = stream
        .write_all(content.as_bytes())
        .and_then(|()| stream.flush());
    stream
}

/// Reads the body into nothing, in small pieces, until its or the connection's end.
///
/// SECURITY: what was read to `Ok(0)` must be dropped, never forgotten. tiny_http then goes on to
/// the connection's next request already, and a worker would wait for ever for its turn to write.
fn drain(body: &mut dyn Read) {
    let mut buffer = [0; 4096];
    let mut malformed = 0;
    while malformed < MALFORMED_CHUNKS {
        match body.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => malformed = 0,
            Err(error) if error.kind() == ErrorKind::InvalidInput => malformed += 1,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
