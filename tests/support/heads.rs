//! A head that tests/hostile sends.

/// A request with a body, over which tiny_http would panic: it sorts the codings by their weights,
/// and these have no order.
pub fn with_unordered_codings(body: &str) -> String {
    let codings = "a;q=nan,a;q=0.1,a;q=0.9,".repeat(14);
    format!("POST / HTTP/1.1\r\nHost: test\r\nTE: {codings}\r\n{body}\r\n\r\n")
}
