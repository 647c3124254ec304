//! The access log: one line per request, `name=value` pairs that can be grepped but not forged.

use std::fmt::{self, Write};

use log::Level;
use tiny_http::Method;

use super::report::Report;
use super::response::Response;
use super::{Request, lines};

/// Longer values are cut, in bytes; a load balancer lets 16 kB through.
const MAX_VALUE: usize = 256;

/// A formatted line and its level.
pub struct Line {
    level: Level,
    text: String,
}

impl Line {
    /// The level: health checks would drown the clients' lines.
    pub fn level(&self) -> Level {
        self.level
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// The line for a request and its response; `None` if its level is not logged.
pub fn line(request: &Request<'_>, report: &Report<'_>, response: &Response) -> Option<Line> {
    let level = if is_health_check(request, report) {
        Level::Debug
    } else {
        Level::Info
    };
    log::log_enabled!(level).then(|| Line {
        level,
        text: text(request, report, response),
    })
}

fn text(request: &Request<'_>, report: &Report<'_>, response: &Response) -> String {
    let mut text = String::from("client=");
    match &report.original {
        Some(address) => write!(text, "{}", Value(address)),
        None => text.write_char('-'),
    }
    .and_then(|()| {
        let bytes = match request.method {
            Method::Head => 0,
            _ => response.content().len(),
        };
        write!(
            text,
            " peer={} method={} path={} status={} bytes={bytes}",
            report.direct,
            Value(request.method.as_str()),
            Value(request.target),
            response.status().code(),
        )
    })
    .expect("writing to a String cannot fail");
    text
}

/// Whether the load balancer asks on its own behalf. Its health checks carry no
/// `X-Forwarded-For`; every request it forwards does, whatever the client's `User-Agent`.
fn is_health_check(request: &Request<'_>, report: &Report<'_>) -> bool {
    report.forwarded_for.is_none()
        && lines(request.headers, "User-Agent").any(|agent| agent.starts_with("ELB-HealthChecker/"))
}

/// A value from the network: unchanged if that is unambiguous, else quoted and escaped.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = self.0.get(..MAX_VALUE).unwrap_or(self.0);
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\=".contains(&byte);
        if cut.is_empty() || cut == "-" || !cut.bytes().all(plain) {
            write!(out, "{cut:?}")?;
        } else {
            out.write_str(cut)?;
        }
        if cut.len() < self.0.len() {
            out.write_str("...")
        } else {
            Ok(())
        }
    }
}
