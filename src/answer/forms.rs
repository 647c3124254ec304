//! The forms for scripts: plain text and JSON, both stable interfaces (see publicip-poc(8)).

use serde_json::{Value, json};

use super::report::Report;

/// The address and a newline.
pub fn text(report: &Report<'_>) -> String {
    format!("{}\n", address(report).unwrap_or("Not available"))
}

/// One line of JSON in the documented order, with `null` for what is missing.
pub fn json(report: &Report<'_>) -> String {
    // The serialiser renders the values; the order of the names is part of the interface, and a
    // `serde_json` object sorts its own.
    let value = |value: Option<&str>| value.map_or(Value::Null, |text| json!(text));
    format!(
        r#"{{"original_client_ip":{},"direct_connection_ip":"{}","headers":{{"X-Forwarded-For":{},"X-Forwarded-Proto":{},"X-Forwarded-Port":{}}}}}{}"#,
        value(address(report)),
        report.direct,
        value(report.forwarded_for),
        value(report.forwarded_proto),
        value(report.forwarded_port),
        '\n',
    )
}

/// The client's address. An empty first entry, which the page shows as the original did, is none.
fn address<'a>(report: &'a Report<'_>) -> Option<&'a str> {
    report
        .original
        .as_deref()
        .filter(|address| !address.is_empty())
}
