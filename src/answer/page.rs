//! The original program's page, byte for byte, with header values escaped.

use std::fmt::{self, Write};

use super::report::Report;

/// Initial capacity: a typical page fits without growing.
const USUAL_LENGTH: usize = 768;

/// The page. The line of four spaces and the missing newline at the end are the original's.
pub fn html(report: &Report<'_>) -> String {
    let cell = |value: Option<_>| Escaped(value.unwrap_or("Not set"));
    let mut page = String::with_capacity(USUAL_LENGTH);
    write!(
        page,
        r#"<!DOCTYPE html>
<html>
<head>
    <title>PublicIP PoC - Original IP Test</title>
</head>
<body>
    <h1>PublicIP PoC - Client IP Detection</h1>
    <h2>Original Client IP: <span style="color: green;">{original}</span></h2>
    <h3>Direct Connection IP (ALB): {direct}</h3>
    
    <h3>HTTP Headers:</h3>
    <table border="1">
        <tr><th>Header</th><th>Value</th></tr>
        <tr><td>X-Forwarded-For</td><td>{forwarded_for}</td></tr>
        <tr><td>X-Forwarded-Proto</td><td>{forwarded_proto}</td></tr>
        <tr><td>X-Forwarded-Port</td><td>{forwarded_port}</td></tr>
    </table>
</body>
</html>"#,
        original = Escaped(report.original.as_deref().unwrap_or("Not available")),
        direct = report.direct,
        forwarded_for = cell(report.forwarded_for),
        forwarded_proto = cell(report.forwarded_proto),
        forwarded_port = cell(report.forwarded_port),
    )
    .expect("writing to a String cannot fail");
    page
}

/// Text in which nothing is markup.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let is_markup = |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
        while let Some(at) = rest.bytes().position(is_markup) {
            out.write_str(&rest[..at])?;
            out.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#x27;",
            })?;
            rest = &rest[at + 1..];
        }
        out.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_is_escaped() {
        let escaped = Escaped(r#"<a href="x" id='y'>&"#).to_string();
        assert_eq!(
            escaped,
            "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"
        );
    }

    proptest! {
        #[test]
        fn escaping_leaves_no_markup_and_loses_nothing(text in any::<String>()) {
            let escaped = Escaped(&text).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#x27;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}
