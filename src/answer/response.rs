//! A response as plain data, and its bytes.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The `Server` field; it does not give away a version.
const SERVER: &str = "publicip-poc";

/// The fields that are the same in every response. The page needs its one `style` attribute and
/// nothing else.
const CONSTANT_FIELDS: &str = "Cache-Control: no-store\r\n\
     Vary: Accept\r\n\
     X-Content-Type-Options: nosniff\r\n\
     Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
     frame-ancestors 'none'\r\n";

/// The methods that are answered with something other than 405.
const ALLOW: &str = "Allow: GET, HEAD, OPTIONS\r\n";

/// A status code and its reason phrase (RFC 9110, section 15; RFC 6585, section 5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Status {
    /// 200
    Ok,
    /// 204
    NoContent,
    /// 400
    BadRequest,
    /// 405
    MethodNotAllowed,
    /// 408
    RequestTimeout,
    /// 431
    FieldsTooLarge,
    /// 503
    ServiceUnavailable,
    /// 505
    VersionNotSupported,
}

impl Status {
    /// The code and the reason phrase.
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::NoContent => "204 No Content",
            Self::BadRequest => "400 Bad Request",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::RequestTimeout => "408 Request Timeout",
            Self::FieldsTooLarge => "431 Request Header Fields Too Large",
            Self::ServiceUnavailable => "503 Service Unavailable",
            Self::VersionNotSupported => "505 HTTP Version Not Supported",
        }
    }

    /// The three digits.
    pub fn code(self) -> &'static str {
        &self.text()[..3]
    }
}

/// A response, except for what the gateway says about the connection.
pub struct Response {
    status: Status,
    content_type: &'static str,
    content: String,
}

impl Response {
    /// A 200 response with this content.
    pub fn ok(content_type: &'static str, content: String) -> Self {
        Self {
            status: Status::Ok,
            content_type,
            content,
        }
    }

    /// The answer to OPTIONS.
    pub fn options() -> Self {
        Self {
            status: Status::NoContent,
            content_type: "",
            content: String::new(),
        }
    }

    /// One plain sentence for a request that is refused.
    pub fn refusal(status: Status, sentence: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            content: format!("{sentence}\n"),
        }
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The whole content; a HEAD request is answered without it.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The bytes of the response. `head_only` omits the content but still declares its length, as HEAD
    /// requires (RFC 9110, section 9.3.2).
    pub fn to_bytes(&self, head_only: bool) -> Vec<u8> {
        let length = self.content.len().to_string();
        let (content_type, content_length) = match self.status {
            // RFC 9110, section 8.6.
            Status::NoContent => ("", ""),
            _ => ("Content-Type: ", "\r\nContent-Length: "),
        };
        let (length, end) = match self.status {
            Status::NoContent => ("", ""),
            _ => (&*length, "\r\n"),
        };
        let pieces = [
            "HTTP/1.1 ",
            self.status.text(),
            "\r\n",
            &date_and_server(),
            content_type,
            self.content_type,
            content_length,
            length,
            end,
            CONSTANT_FIELDS,
            match self.status {
                Status::MethodNotAllowed | Status::NoContent => ALLOW,
                _ => "",
            },
            "\r\n",
            if head_only { "" } else { &self.content },
        ];
        pieces.concat().into_bytes()
    }
}

/// `Date` (RFC 9110, section 6.6.1) and `Server`, formatted once a second.
fn date_and_server() -> Rc<str> {
    thread_local! {
        static LAST: RefCell<(u64, Rc<str>)> = RefCell::new((0, Rc::from("")));
    }
    let now = SystemTime::now();
    let second = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    LAST.with_borrow_mut(|(last, text)| {
        if *last != second || text.is_empty() {
            *last = second;
            *text = format!("Date: {}\r\nServer: {SERVER}\r\n", HttpDate::from(now)).into();
        }
        Rc::clone(text)
    })
}
