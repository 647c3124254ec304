//! How a request is judged: from its method, headers and peer to its response.

use tiny_http::{Header, Method};

use crate::accept::{self, Form};
use crate::framing::Body;
use crate::report::{Report, lines};
use crate::response::{Response, Status};
use crate::{forms, page};

/// The response to a request: the page for GET and HEAD without a body, on every path.
pub fn to(method: &Method, body: Body, report: &Report<'_>, headers: &[Header]) -> Response {
    if !matches!(method, Method::Get | Method::Head) {
        return Response::refusal(Status::MethodNotAllowed, "Only GET and HEAD are answered.");
    }
    match body {
        Body::None => shown(report, headers),
        Body::Invalid => Response::refusal(Status::BadRequest, "The Content-Length is not valid."),
        Body::Read | Body::Pending | Body::Undroppable(_) => {
            Response::refusal(Status::ContentTooLarge, "A request must not have a body.")
        }
    }
}

fn shown(report: &Report<'_>, headers: &[Header]) -> Response {
    let (content_type, content) = match accept::preferred(&lines(headers, "Accept")) {
        Form::Html => ("text/html; charset=utf-8", page::html(report)),
        Form::Text => ("text/plain; charset=utf-8", forms::text(report)),
        Form::Json => ("application/json", forms::json(report)),
    };
    Response {
        status: Status::Ok,
        content_type,
        content,
    }
}

/// Tells whether the load balancer asks for its own sake. Its health checks carry no
/// `X-Forwarded-For`, while every client's request through it does, whatever its `User-Agent`.
pub fn is_health_check(report: &Report<'_>, headers: &[Header]) -> bool {
    report.forwarded_for.is_none()
        && lines(headers, "User-Agent").any(|agent| agent.starts_with("ELB-HealthChecker/"))
}
