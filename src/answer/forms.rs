//! The forms for scripts: plain text and JSON, both stable interfaces (see publicip-poc(8)).

use serde_json::{Value, json};

use super::Request;

/// The client's address and a newline.
pub fn text(original: Option<&str>) -> String {
    format!("{}\n", address(original).unwrap_or("Not available"))
}

/// One line of JSON in the documented order, with `null` for what is missing. Several lines of a field
/// are joined, so that the entry that is believed is among what is shown (RFC 9110, section 5.3).
pub fn json(request: &Request<'_>, original: Option<&str>) -> String {
    // The serialiser renders the values; the order of the names is part of the interface, and a
    // `serde_json` object sorts its own.
    let field = |name| {
        let lines: Vec<&str> = request.lines(name).collect();
        value((!lines.is_empty()).then(|| lines.join(", ")).as_deref())
    };
    format!(
        r#"{{"original_client_ip":{},"direct_connection_ip":{},"headers":{{"X-Forwarded-For":{},"X-Forwarded-Proto":{},"X-Forwarded-Port":{}}}}}{}"#,
        value(address(original)),
        json!(request.peer),
        field("X-Forwarded-For"),
        field("X-Forwarded-Proto"),
        field("X-Forwarded-Port"),
        '\n',
    )
}

fn value(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| json!(text))
}

/// An empty first entry, which the page shows as the original did, is no address.
fn address(original: Option<&str>) -> Option<&str> {
    original.filter(|address| !address.is_empty())
}
