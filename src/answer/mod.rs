//! What a request is answered with: pure functions over plain data, no socket, no thread.
//!
//! `client` decides whose address is shown, `report` gathers what is shown, `accept` picks the
//! form, `page` and `forms` write it, `response` turns it into bytes, `access_log` into a line.
//! To change the page, go to `page`; to change who is believed, go to `client`.

mod accept;
pub mod access_log;
pub mod client;
mod forms;
mod page;
mod report;
pub mod response;

use std::net::IpAddr;

use tiny_http::{Header, Method};

use accept::Form;
use client::Reading;
use report::Report;
use response::{Response, Status};

/// What a request says, as far as the answer depends on it.
pub struct Request<'a> {
    method: &'a Method,
    target: &'a str,
    headers: &'a [Header],
    peer: IpAddr,
    body: Body,
}

impl<'a> Request<'a> {
    /// A request that came from `peer`, the other end of the connection.
    pub fn new(
        method: &'a Method,
        target: &'a str,
        headers: &'a [Header],
        peer: IpAddr,
        body: Body,
    ) -> Self {
        Self {
            method,
            target,
            headers,
            peer,
            body,
        }
    }
}

/// Whether a request can be answered with the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body {
    /// It has no body, as it should be.
    Absent,
    /// It has one, whatever its length.
    Present,
    /// The message breaks RFC 9112 in the way the sentence says.
    Malformed(&'static str),
}

/// The answer to a request, and its line in the access log if that level is logged.
pub fn to(request: &Request<'_>, reading: &Reading) -> (Response, Option<access_log::Line>) {
    let report = Report::new(reading, request.peer, request.headers);
    let response = response(request, &report);
    let line = access_log::line(request, &report, &response);
    (response, line)
}

/// The page for GET and HEAD without a body, on every path; a refusal for everything else.
fn response(request: &Request<'_>, report: &Report<'_>) -> Response {
    match (request.method, request.body) {
        (_, Body::Malformed(sentence)) => Response::refusal(Status::BadRequest, sentence),
        (Method::Get | Method::Head, Body::Absent) => content(report, request.headers),
        (Method::Get | Method::Head, Body::Present) => {
            Response::refusal(Status::ContentTooLarge, "A request must not have a body.")
        }
        _ => Response::refusal(Status::MethodNotAllowed, "Only GET and HEAD are answered."),
    }
}

fn content(report: &Report<'_>, headers: &[Header]) -> Response {
    let accept: Vec<&str> = lines(headers, "Accept").collect();
    match accept::preferred(&accept) {
        Form::Html => Response::ok("text/html; charset=utf-8", page::html(report)),
        Form::Text => Response::ok("text/plain; charset=utf-8", forms::text(report)),
        Form::Json => Response::ok("application/json", forms::json(report)),
    }
}

/// The values of all lines of one header field, in order (RFC 9110, section 5.3).
pub fn lines<'a>(
    headers: &'a [Header],
    name: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> + Clone {
    headers
        .iter()
        .filter(move |header| is_named(header, name))
        .map(|header| header.value.as_str())
}

/// The same as `HeaderField::equiv`, but ends at the first difference. `equiv` takes 200 to 450
/// instructions for each name of the right length.
fn is_named(header: &Header, name: &str) -> bool {
    let field = header.field.as_str().as_bytes();
    let same = |(a, b): (&u8, &u8)| a.eq_ignore_ascii_case(b);
    field.len() == name.len() && field.iter().zip(name.as_bytes()).all(same)
}
