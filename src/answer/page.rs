//! The original program's page, byte for byte, with header values escaped.

use std::fmt::{self, Write};

use super::Request;

/// Initial capacity, in bytes: a typical page fits without growing.
const USUAL_LENGTH: usize = 768;

/// The page. The line of four spaces and the missing newline at the end are the original's.
pub fn html(request: &Request<'_>, original: Option<&str>) -> String {
    let cell = |name| Escaped(request.lines(name).next().unwrap_or("Not set"));
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
</html>"#,
        Escaped(original.unwrap_or("Not available")),
        Escaped(&request.peer),
        cell("X-Forwarded-For"),
        cell("X-Forwarded-Proto"),
        cell("X-Forwarded-Port"),
    )
    .expect("writing to a String cannot fail");
    page
}

/// Text in which nothing is markup.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_markup = |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
        let mut text = self.0;
        while let Some(at) = text.bytes().position(is_markup) {
            out.write_str(&text[..at])?;
            out.write_str(match text.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#x27;",
            })?;
            text = &text[at + 1..];
        }
        out.write_str(text)
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
