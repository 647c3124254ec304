//! The access log: a line per request, `name=value` pairs that can be grepped and not forged.

use std::fmt::{self, Write};

use log::Level;
use tiny_http::Method;

use crate::report::Report;
use crate::response::Response;

/// Values longer than this many bytes are cut; a load balancer lets 16 kB through.
const LONGEST_VALUE: usize = 256;

/// One line of the access log.
pub struct Entry<'a> {
    /// Who asked.
    pub report: &'a Report<'a>,
    /// The request's method.
    pub method: &'a Method,
    /// The request's target: path and query.
    pub target: &'a str,
    /// The response.
    pub response: &'a Response,
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("client=")?;
        match &self.report.original {
            Some(address) => write!(out, "{}", Value(address))?,
            None => out.write_char('-')?,
        }
        let bytes = if *self.method == Method::Head {
            0
        } else {
            self.response.content.len()
        };
        write!(
            out,
            " peer={} method={} path={} status={} bytes={bytes}",
            self.report.direct,
            Value(self.method.as_str()),
            Value(self.target),
            self.response.status.code(),
        )
    }
}

/// The level of a line: the load balancer's own questions would drown the clients'.
pub fn level(is_health_check: bool) -> Level {
    if is_health_check {
        Level::Debug
    } else {
        Level::Info
    }
}

/// A value from the network: as it is where that is unmistakable, else quoted and escaped.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = self.0.get(..LONGEST_VALUE).unwrap_or(self.0);
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
