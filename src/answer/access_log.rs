//! The access log: one line per request, `name=value` pairs that can be grepped but not forged.

use std::fmt::{self, Write};

use log::Level;

use super::Request;
use super::response::Response;

/// The log target, which operators filter by.
const LOG: &str = "publicip_poc::access";

/// Longer values are cut, in bytes; a load balancer lets 16 kB through.
const MAX_VALUE: usize = 256;

/// A formatted line and its level.
pub struct Line {
    level: Level,
    text: String,
}

impl Line {
    /// Writes it to the log.
    pub fn log(&self) {
        log::log!(target: LOG, self.level, "{}", self.text);
    }
}

/// The line for a request and its response; `None` if its level is not logged. A refusal has a
/// `reason`.
pub fn line(
    request: &Request<'_>,
    client: Option<&str>,
    response: &Response,
    reason: Option<&str>,
) -> Option<Line> {
    // Health checks would drown the clients' lines.
    let level = if is_health_check(request) {
        Level::Debug
    } else {
        Level::Info
    };
    log::log_enabled!(target: LOG, level).then(|| Line {
        level,
        text: text(request, client, response, reason),
    })
}

fn text(
    request: &Request<'_>,
    client: Option<&str>,
    response: &Response,
    reason: Option<&str>,
) -> String {
    let given = |text| Some(text).filter(|text: &&str| !text.is_empty());
    let bytes = match &*request.method {
        "HEAD" => 0,
        _ => response.content.len(),
    };
    let mut text = String::with_capacity(160);
    write!(
        text,
        "client={} peer={} method={} path={} status={} bytes={bytes}",
        Value(client),
        request.peer,
        Value(given(&request.method)),
        Value(given(&request.target)),
        response.status.code(),
    )
    .expect("writing to a String cannot fail");
    let trace = request.lines("X-Amzn-Trace-Id").next();
    for (name, value) in [("reason", reason), ("trace", trace)] {
        if value.is_some() {
            write!(text, " {name}={}", Value(value)).expect("writing to a String cannot fail");
        }
    }
    text
}

/// Whether a load balancer asks on its own behalf. Its health checks carry no `X-Forwarded-For`; every
/// request it forwards does, whatever the client's `User-Agent`. HAProxy's are OPTIONS by default.
fn is_health_check(request: &Request<'_>) -> bool {
    request.lines("X-Forwarded-For").next().is_none()
        && (request.method == "OPTIONS" || request.lines("User-Agent").next().is_some())
}

/// A value from the network: unchanged if that is unambiguous, else quoted and escaped; `-` if there
/// is none.
struct Value<'a>(Option<&'a str>);

impl fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.0 else {
            return out.write_char('-');
        };
        let end = (0..=value.len().min(MAX_VALUE)).rfind(|at| value.is_char_boundary(*at));
        let cut = &value[..end.unwrap_or(0)];
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\=".contains(&byte);
        if cut.is_empty() || cut == "-" || !cut.bytes().all(plain) {
            write!(out, "{cut:?}")?;
        } else {
            out.write_str(cut)?;
        }
        if cut.len() < value.len() {
            out.write_str("...")
        } else {
            Ok(())
        }
    }
}
