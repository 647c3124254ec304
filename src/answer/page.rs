//! The original program's page, byte for byte, with header values escaped.

use std::sync::LazyLock;

use super::report::Report;

/// The page with a gap for each value. The line of four spaces and the missing newline at the end
/// are the original's.
const PAGE: &str = r#"<!DOCTYPE html>
<html>
<head>
    <title>PublicIP PoC - Original IP Test</title>
</head>
<body>
    <h1>PublicIP PoC - Client IP Detection</h1>
    <h2>Original Client IP: <span style="color: green;">{}</span></h2>
    <h3>Direct Connection IP (ALB): {}</h3>
    
    <h3>HTTP Headers:</h3>
    <table border="1">
        <tr><th>Header</th><th>Value</th></tr>
        <tr><td>X-Forwarded-For</td><td>{}</td></tr>
        <tr><td>X-Forwarded-Proto</td><td>{}</td></tr>
        <tr><td>X-Forwarded-Port</td><td>{}</td></tr>
    </table>
</body>
</html>"#;

/// The text before, between and after the gaps.
static PIECES: LazyLock<Vec<&str>> = LazyLock::new(|| PAGE.split("{}").collect());

/// Initial capacity: a typical page fits without growing.
const USUAL_LENGTH: usize = 768;

/// The page.
pub fn html(report: &Report<'_>) -> String {
    let cell = |value: Option<_>| value.unwrap_or("Not set");
    let values = [
        report.original.as_deref().unwrap_or("Not available"),
        &report.direct,
        cell(report.forwarded_for),
        cell(report.forwarded_proto),
        cell(report.forwarded_port),
        "",
    ];
    let mut page = String::with_capacity(USUAL_LENGTH);
    for (piece, value) in PIECES.iter().zip(values) {
        page.push_str(piece);
        push_escaped(&mut page, value);
    }
    page
}

/// Appends text so that nothing in it is markup.
fn push_escaped(page: &mut String, mut text: &str) {
    let is_markup = |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
    while let Some(at) = text.bytes().position(is_markup) {
        page.push_str(&text[..at]);
        page.push_str(match text.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#x27;",
        });
        text = &text[at + 1..];
    }
    page.push_str(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut page = String::new();
        push_escaped(&mut page, text);
        page
    }

    #[test]
    fn markup_is_escaped() {
        let escaped = escaped(r#"<a href="x" id='y'>&"#);
        assert_eq!(
            escaped,
            "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"
        );
    }

    proptest! {
        #[test]
        fn escaping_leaves_no_markup_and_loses_nothing(text in any::<String>()) {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#x27;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}
