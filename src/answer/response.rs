//! A response as plain data, and its bytes.
//!
//! The head is written here rather than by tiny_http's `Response`, which needs two writes for a
//! response over 1,024 bytes and removes a `Connection` field.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The `Server` field; it does not give away a version.
pub const SERVER: &str = "publicip-poc";

/// The fields that are the same in every response. The page needs its one `style` attribute and
/// nothing else.
const CONSTANT_FIELDS: &str = "Cache-Control: no-store\r\n\
     Vary: Accept\r\n\
     X-Content-Type-Options: nosniff\r\n\
     Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
     frame-ancestors 'none'\r\n";

/// A status code and its reason phrase (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Status {
    /// 200
    Ok,
    /// 400
    BadRequest,
    /// 405
    MethodNotAllowed,
    /// 413
    ContentTooLarge,
}

impl Status {
    /// The three-digit code.
    pub fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::BadRequest => 400,
            Self::MethodNotAllowed => 405,
            Self::ContentTooLarge => 413,
        }
    }

    /// The status line (RFC 9112, section 4).
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "HTTP/1.1 200 OK\r\n",
            Self::BadRequest => "HTTP/1.1 400 Bad Request\r\n",
            Self::MethodNotAllowed => "HTTP/1.1 405 Method Not Allowed\r\n",
            Self::ContentTooLarge => "HTTP/1.1 413 Content Too Large\r\n",
        }
    }
}

/// The `Connection` field (RFC 9112, section 9).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Connection {
    /// No field: HTTP/1.1 connections persist by default.
    Persists,
    /// An HTTP/1.0 client has to be told that the connection persists.
    KeepAlive,
    /// The client must not send anything more.
    Close,
}

/// A response without its connection.
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

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The whole content; a HEAD request is answered without it.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// One plain sentence for a request that does not get the page.
    pub fn refusal(status: Status, sentence: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            content: format!("{sentence}\n"),
        }
    }

    /// The bytes of the response, ready for one write. `head_only` omits the content but still
    /// declares its length, as HEAD requires (RFC 9110, section 9.3.2).
    pub fn to_bytes(&self, connection: Connection, head_only: bool) -> Vec<u8> {
        let pieces = [
            self.status.line(),
            &date_and_server(),
            &self.fields(connection),
            "\r\n",
            if head_only { "" } else { &self.content },
        ];
        pieces.concat().into_bytes()
    }

    /// All field lines except `Date` and `Server`.
    pub fn fields(&self, connection: Connection) -> String {
        [
            "Content-Type: ",
            self.content_type,
            "\r\nContent-Length: ",
            &self.content.len().to_string(),
            "\r\n",
            CONSTANT_FIELDS,
            match self.status {
                Status::MethodNotAllowed => "Allow: GET, HEAD\r\n",
                _ => "",
            },
            match connection {
                Connection::Persists => "",
                Connection::KeepAlive => "Connection: keep-alive\r\n",
                Connection::Close => "Connection: close\r\n",
            },
        ]
        .concat()
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
