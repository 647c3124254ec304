//! Why a request is refused: every refusal closes the connection.

use crate::answer::response::Status;

/// What the client is told, and the access log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    pub status: Status,
    pub reason: &'static str,
}

const fn bad(reason: &'static str) -> Refusal {
    refusal(Status::BadRequest, reason)
}

const fn refusal(status: Status, reason: &'static str) -> Refusal {
    Refusal { status, reason }
}

/// RFC 9112, section 3. Also what is not HTTP at all.
pub const REQUEST_LINE: Refusal = bad("The request line is not valid.");
/// RFC 9112, section 2.3.
pub const VERSION: Refusal = refusal(
    Status::VersionNotSupported,
    "The HTTP version must be 1.0 or 1.1.",
);
/// RFC 9112, section 2.2, allows a bare LF, but others may see different lines then.
pub const LINE_END: Refusal = bad("A line must end with CR and LF.");
/// RFC 9110, section 5.1. Also a line that continues the one before (RFC 9112, section 5.2).
pub const FIELD_NAME: Refusal = bad("A field name is not valid.");
/// RFC 9110, section 5.5.
pub const FIELD_VALUE: Refusal = bad("A field value has a control character.");
/// RFC 9112, section 3.2.
pub const TARGET: Refusal = bad("The request target is not valid.");
/// RFC 9112, section 3.2.
pub const ONE_HOST: Refusal = bad("There must be one Host field.");
/// RFC 9110, section 7.2.
pub const HOST: Refusal = bad("The Host is not valid.");
/// RFC 9112, section 6.3.
pub const LENGTH: Refusal = bad("The Content-Length is not valid.");
/// RFC 9112, sections 6.1 and 6.3.
pub const CODING: Refusal = bad("The Transfer-Encoding is not valid.");
/// RFC 9110, section 15.5.6.
pub const METHOD: Refusal = refusal(
    Status::MethodNotAllowed,
    "Only GET, HEAD and OPTIONS are answered.",
);
/// RFC 9110, section 15.5.9.
pub const TOO_SLOW: Refusal = refusal(
    Status::RequestTimeout,
    "The request did not arrive within 10 seconds.",
);
/// RFC 6585, section 5.
pub const TOO_LARGE: Refusal = refusal(Status::FieldsTooLarge, "The request is longer than 80 kB.");
/// RFC 6585, section 5.
pub const TOO_MANY_FIELDS: Refusal = refusal(
    Status::FieldsTooLarge,
    "The request has more than 128 fields.",
);
/// RFC 9110, section 15.6.4.
pub const NO_MEMORY: Refusal = refusal(
    Status::ServiceUnavailable,
    "Too many requests are incomplete.",
);
