//! What a request is answered with: pure functions over plain data, no socket, no thread.
//!
//! `client` decides whose address is shown, `accept` picks the form, `page` and `forms` write it,
//! `response` turns it into bytes, `access_log` into a line.

mod accept;
pub mod access_log;
pub mod client;
mod forms;
mod page;
mod request;
pub mod response;

use std::borrow::Cow;

use accept::Form;
use client::Reading;
pub use request::{Request, field};
use response::Response;

/// The answer to a GET or HEAD, and its line in the access log if that level is logged.
pub fn to(request: &Request<'_>, reading: &Reading) -> (Response, Option<access_log::Line>) {
    let original = original(request, reading);
    let original = original.as_deref();
    let response = match accept::preferred(request.lines("Accept")) {
        Form::Html => Response::ok("text/html; charset=utf-8", page::html(request, original)),
        Form::Text => Response::ok("text/plain; charset=utf-8", forms::text(original)),
        Form::Json => Response::ok("application/json", forms::json(request, original)),
    };
    let line = access_log::line(request, original, &response, None);
    (response, line)
}

/// The line in the access log for a request that gets another answer, for this `reason` if it is
/// refused.
pub fn log(
    request: &Request<'_>,
    reading: &Reading,
    response: &Response,
    reason: Option<&str>,
) -> Option<access_log::Line> {
    let original = original(request, reading);
    access_log::line(request, original.as_deref(), response, reason)
}

/// The client's address, or `None` if it is unknown.
fn original<'a>(request: &'a Request<'_>, reading: &Reading) -> Option<Cow<'a, str>> {
    client::original(reading, &request.peer, request.lines("X-Forwarded-For"))
}
