//! Which form of the answer a request prefers: content negotiation over `Accept`
//! (RFC 9110, section 12.5.1).

use std::iter;

/// The forms of the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// The original's page: for browsers, health checks and unknown media types.
    Html,
    /// The address and a newline, like checkip.amazonaws.com.
    Text,
    /// One line of JSON.
    Json,
}

/// In order of preference among equals.
const FORMS: [(Form, &str, &str); 3] = [
    (Form::Html, "text", "html"),
    (Form::Text, "text", "plain"),
    (Form::Json, "application", "json"),
];

/// The form with the highest quality, which is the one that the most specific matching range gives it.
/// The page is the fallback: it is kinder than 406 Not Acceptable.
pub fn preferred<'a>(lines: impl Iterator<Item = &'a str>) -> Form {
    let mut most_specific = [(0, 0); FORMS.len()];
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let Some((range_kind, range_subtype)) =
            parts.next().and_then(|range| range.split_once('/'))
        else {
            continue;
        };
        let weight = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("q")
                .then(|| thousandths(value.trim()))
        });
        for ((_, kind, subtype), most_specific) in FORMS.iter().zip(&mut most_specific) {
            let specificity = match (range_kind, range_subtype) {
                ("*", "*") => 1,
                (k, "*") if k.eq_ignore_ascii_case(kind) => 2,
                (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => 3,
                _ => continue,
            };
            // Of two equally specific ranges the better one counts, in whatever order they come.
            *most_specific = (*most_specific).max((specificity, weight.unwrap_or(1000)));
        }
    }
    let mut best = (Form::Html, 0);
    for ((form, ..), (_, quality)) in FORMS.into_iter().zip(most_specific) {
        if quality > best.1 {
            best = (form, quality);
        }
    }
    best.0
}

/// Parses a weight (RFC 9110, section 12.4.2): `0`, `0.5`, `1.000`. An invalid one counts as 0; digits
/// after the third are ignored.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let all = |allowed: fn(u8) -> bool| fraction.bytes().all(allowed);
    match whole {
        "1" if all(|byte| byte == b'0') => 1000,
        "0" if all(|byte| byte.is_ascii_digit()) => {
            let digits = fraction.bytes().chain(iter::repeat(b'0')).take(3);
            digits.fold(0, |number, digit| 10 * number + u16::from(digit - b'0'))
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn preferences() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (lines, form) in [
            (&[][..], Form::Html),
            (&["*/*"], Form::Html),
            (&[""], Form::Html),
            (&[browser], Form::Html),
            (&["text/plain"], Form::Text),
            (&["TEXT/Plain; charset=utf-8"], Form::Text),
            (&["text/*"], Form::Html),
            (&["application/json"], Form::Json),
            (&["application/*"], Form::Json),
            (&["application/json, text/plain, */*"], Form::Html),
            (&["application/json, text/plain, */*;q=0.5"], Form::Text),
            (&["text/plain;q=0.4, application/json;q=0.5"], Form::Json),
            (
                &["text/plain;q=0.5", "application/json;q=0.499"],
                Form::Text,
            ),
            (&["text/html;q=0, text/plain;q=0.001"], Form::Text),
            (&["text/*, text/html;q=0"], Form::Text),
            (&["text/plain;q=0"], Form::Html),
            (&["image/png"], Form::Html),
            (&["text/plain;q=abc, application/json;q=0.1"], Form::Json),
            (&["text/plain;q=1.5, application/json;q=0.1"], Form::Json),
            (&["nonsense, ;;, /, text/plain"], Form::Text),
        ] {
            assert_eq!(preferred(lines.iter().copied()), form, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(lines in prop::collection::vec(any::<String>(), 0..4)) {
            preferred(lines.iter().map(String::as_str));
        }

        #[test]
        fn weights_are_read_to_the_thousandth(weight in 0u16..=1000) {
            let text = format!("{}.{:03}", weight / 1000, weight % 1000);
            prop_assert_eq!(thousandths(&text), weight);
        }
    }
}
