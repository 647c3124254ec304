//! What a request says, as far as the answer and the access log depend on it.

use std::borrow::Cow;

/// The fields that they depend on.
const FIELDS: [&str; 6] = [
    "Accept",
    "User-Agent",
    "X-Amzn-Trace-Id",
    "X-Forwarded-For",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
];

/// The field's name as it is written here, in whatever case it came; `None` if it does not matter. Of
/// `User-Agent`, only an ALB's own matters.
pub fn field(name: &str, value: &[u8]) -> Option<&'static str> {
    let is_named = |field: &&'static str| field.eq_ignore_ascii_case(name);
    let matters = |field: &&str| *field != "User-Agent" || value.starts_with(b"ELB-HealthChecker/");
    FIELDS.iter().copied().find(is_named).filter(matters)
}

/// A request without what nobody needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request<'a> {
    /// The method; empty if there was none to be read.
    pub method: Cow<'a, str>,
    /// The request target; empty if there was none to be read.
    pub target: Cow<'a, str>,
    /// The canonical address of the other end of the connection.
    pub peer: Cow<'a, str>,
    /// Names from [`field`], and values, in order.
    pub fields: Vec<(&'static str, Cow<'a, str>)>,
}

impl Request<'_> {
    /// The values of all lines of a field, in order (RFC 9110, section 5.3).
    pub fn lines(&self, name: &'static str) -> impl DoubleEndedIterator<Item = &str> + Clone {
        debug_assert!(FIELDS.contains(&name), "{name} is not forwarded");
        self.fields
            .iter()
            .filter(move |(field, _)| *field == name)
            .map(|(_, value)| &**value)
    }
}
