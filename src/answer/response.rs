//! A response as plain data, and its bytes.

use std::time::SystemTime;

/// The fields that are the same in every response. The page needs its one `style` attribute and
/// nothing else; `Server` does not give away a version.
const FIELDS: &str = "Server: publicip-poc\r\n\
     Cache-Control: no-store\r\n\
     Vary: Accept\r\n\
     X-Content-Type-Options: nosniff\r\n\
     Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
     frame-ancestors 'none'\r\n";

/// The methods that are answered with something other than 405.
const ALLOW: &str = "Allow: GET, HEAD, OPTIONS\r\n";

/// A status code and its reason phrase (RFC 9110, section 15; RFC 6585, section 5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Status(&'static str);

impl Status {
    pub const OK: Self = Self("200 OK");
    pub const NO_CONTENT: Self = Self("204 No Content");
    pub const BAD_REQUEST: Self = Self("400 Bad Request");
    pub const METHOD_NOT_ALLOWED: Self = Self("405 Method Not Allowed");
    pub const REQUEST_TIMEOUT: Self = Self("408 Request Timeout");
    pub const FIELDS_TOO_LARGE: Self = Self("431 Request Header Fields Too Large");
    pub const SERVICE_UNAVAILABLE: Self = Self("503 Service Unavailable");
    pub const VERSION_NOT_SUPPORTED: Self = Self("505 HTTP Version Not Supported");

    /// The three digits.
    pub fn code(self) -> &'static str {
        &self.0[..3]
    }
}

/// A response, except for what the gateway says about the connection.
pub struct Response {
    pub status: Status,
    content_type: &'static str,
    /// The whole content; a HEAD request is answered without it.
    pub content: String,
}

impl Response {
    /// A 200 response with this content.
    pub fn ok(content_type: &'static str, content: String) -> Self {
        Self {
            status: Status::OK,
            content_type,
            content,
        }
    }

    /// The answer to OPTIONS.
    pub fn options() -> Self {
        Self {
            status: Status::NO_CONTENT,
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

    /// The bytes of the response. `head_only` omits the content but still declares its length, as HEAD
    /// requires (RFC 9110, section 9.3.2).
    pub fn to_bytes(&self, head_only: bool) -> Vec<u8> {
        let date = httpdate::fmt_http_date(SystemTime::now());
        let length = self.content.len().to_string();
        let allow = match self.status {
            Status::METHOD_NOT_ALLOWED | Status::NO_CONTENT => ALLOW,
            _ => "",
        };
        let content = if head_only { "" } else { &self.content };
        let content_fields = [
            "Content-Type: ",
            self.content_type,
            "\r\nContent-Length: ",
            &length,
            "\r\n",
        ];
        // There is no length where there can be no content (RFC 9110, section 8.6).
        let has_content = self.status != Status::NO_CONTENT;
        let content_fields = if has_content {
            &content_fields
        } else {
            &[""; 5]
        };
        let start = ["HTTP/1.1 ", self.status.0, "\r\nDate: ", &date, "\r\n"];
        let end = [FIELDS, allow, "\r\n", content];
        [&start[..], content_fields, &end]
            .concat()
            .concat()
            .into_bytes()
    }
}
