//! The hold: requests and responses that must not be finished on a worker.
//!
//! Dropping a tiny_http `Request` whose body is unread blocks the thread until the body has arrived
//! (`Content-Length`), or leaves the body on the connection, to be parsed as the next request
//! (`Transfer-Encoding`), or aborts the process (a length that cannot be allocated). An outsider
//! can trigger all three through a load balancer.
//!
//! So such a request is refused with `Connection: close`, on a thread of its own that discards the
//! body until the connection is shut. A request that may abort the process is never dropped: it
//! keeps tiny_http's thread and two descriptors for good. When the budget for those is spent, the
//! service ends and systemd starts it again; connections wait on the listening socket meanwhile.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tiny_http::{Header, Request};

use super::lingering::Lingering;
use super::{Fault, connections};
use crate::answer::response::{Connection, Response, SERVER};

/// Requests that cannot be dropped, at most; `TasksMax=` and `LimitNOFILE=` of the unit leave room.
const MAX_UNDROPPABLE: u64 = 4096;

/// How long the rest of a refused body is read.
const BODY_TIME: Duration = Duration::from_secs(1);

/// How long a peer may take to read a response that does not fit its socket's send buffer.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// Stack of a holding thread, in bytes; it does no more than copy.
const STACK: usize = 128 * 1024;

/// The log target that operators may filter by.
const LOG: &str = "publicip_poc::hold";

/// What is held, and what is about to be shut.
pub struct Hold {
    lingering: Arc<Lingering>,
    undroppable: AtomicUsize,
    max_undroppable: usize,
}

impl Hold {
    /// An empty hold; its budget is a quarter of the descriptors the process may open, two for each
    /// connection, if that is less.
    pub fn new(lingering: Arc<Lingering>, descriptors: u64) -> Self {
        let max = MAX_UNDROPPABLE.min(descriptors / 4);
        Self {
            lingering,
            undroppable: AtomicUsize::new(0),
            max_undroppable: usize::try_from(max).unwrap_or(usize::MAX),
        }
    }

    /// Refuses a request whose body is unread, and discards the body.
    ///
    /// # Errors
    /// There is no thread: the request is not answered.
    pub fn refuse(
        &self,
        request: Request,
        peer: SocketAddr,
        response: Response,
    ) -> Result<(), Fault> {
        // SECURITY: if the thread cannot be spawned, the request is leaked rather than dropped.
        let request = mem::ManuallyDrop::new(request);
        let lingering = Arc::clone(&self.lingering);
        spawn(move || {
            lingering.add(peer, BODY_TIME);
            let mut stream = answer(mem::ManuallyDrop::into_inner(request), &response);
            discard(&mut stream);
            // SECURITY: dropping the stream lets tiny_http read on, so the connection is shut first.
            lingering.wait_until_shut(peer);
            drop(stream);
        })
    }

    /// Refuses a request that must never be dropped.
    ///
    /// # Errors
    /// The budget is spent. The request has been answered even so.
    pub fn keep(&self, request: Request, response: &Response) -> Result<(), Fault> {
        // SECURITY: never dropped.
        mem::forget(answer(request, response));
        self.count()
    }

    /// Shuts the connection of a request that can be neither answered nor dropped.
    ///
    /// # Errors
    /// The budget is spent.
    pub fn abandon(&self, request: Request, peer: SocketAddr) -> Result<(), Fault> {
        connections::shut(&HashSet::from([peer]));
        // SECURITY: never dropped.
        mem::forget(request);
        self.count()
    }

    /// Counts a request that is kept.
    fn count(&self) -> Result<(), Fault> {
        let kept = self.undroppable.fetch_add(1, Relaxed) + 1;
        let max = self.max_undroppable;
        if kept.is_power_of_two() {
            log::warn!(
                target: LOG,
                "{kept} of {max} requests that cannot be dropped are kept until a restart"
            );
        }
        if kept < max {
            Ok(())
        } else {
            Err(Fault::HoldFull(max))
        }
    }

    /// Whether there are any, each of which may keep other connections from a thread.
    pub fn keeps_undroppable(&self) -> bool {
        self.undroppable.load(Relaxed) > 0
    }

    /// Writes more than surely fits a socket's send buffer to a peer that may not read.
    ///
    /// # Errors
    /// There is no thread: the response is not sent.
    pub fn write(
        &self,
        mut writer: Box<dyn Write + Send>,
        peer: SocketAddr,
        bytes: Vec<u8>,
    ) -> Result<(), Fault> {
        self.lingering.add(peer, WRITE_TIME);
        let lingering = Arc::clone(&self.lingering);
        spawn(move || {
            // Ignore disconnects.
            let _ = writer.write_all(&bytes).and_then(|()| writer.flush());
            lingering.wait_until_shut(peer);
        })
    }
}

fn spawn(task: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
    let builder = thread::Builder::new().name("hold".into()).stack_size(STACK);
    let thread: io::Result<_> = builder.spawn(task);
    thread.map(drop).map_err(Fault::NoThread)
}

/// Sends the response and returns the connection: the rest of the body, and the writer.
///
/// `Request::upgrade` is the only way to answer without dropping the request. It announces an
/// upgrade, as any response may (RFC 9110, section 7.8), and removes `Connection` and
/// `Content-Length` from the fields it is given. So those are passed inside the value of `Upgrade`,
/// where line breaks are not checked. Nothing from the request is in it.
fn answer(request: Request, response: &Response) -> Box<dyn tiny_http::ReadWrite + Send> {
    let upgrade = ["HTTP/1.1\r\n", &response.fields(Connection::Close)].concat();
    let head_only = *request.method() == tiny_http::Method::Head;
    let head = tiny_http::Response::empty(response.status().code())
        .with_header(Header::from_bytes("Server", SERVER).expect("a constant field is valid"));
    let mut stream = request.upgrade(upgrade.trim_end(), head);
    let content = if head_only { "" } else { response.content() };
    // Ignore disconnects.
    let _ = stream
        .write_all(content.as_bytes())
        .and_then(|()| stream.flush());
    stream
}

/// Reads and discards the body until it or the connection ends.
fn discard(body: &mut dyn Read) {
    let mut buffer = [0; 4096];
    loop {
        match body.read(&mut buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A malformed chunk is an error too: what follows cannot be told apart any more.
            Ok(0) | Err(_) => return,
        }
    }
}
