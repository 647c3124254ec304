//! What comes over the wire: pages, other forms, methods.

mod support;

use std::fs;
use std::thread;
use std::time::Duration;

use support::{Program, exchange, get, golden};

#[test]
fn golden_pages() {
    let program = Program::start(&[]);
    let golden = golden();
    assert!(golden.len() >= 6);
    for (request, path) in golden {
        let response = exchange(program.address, &request);
        let page = fs::read_to_string(&path).expect("a page");
        assert_eq!((response.status, response.content), (200, page), "{path:?}");
    }
}

#[test]
fn markup_in_values_is_escaped() {
    let program = Program::start(&[]);
    let page = get(
        program.address,
        &["X-Forwarded-For: <b>&\"'", "X-Forwarded-Proto: </td>"],
    )
    .content;
    assert!(
        page.contains("green;\">&lt;b&gt;&amp;&quot;&#x27;</span>"),
        "{page}"
    );
    assert!(page.contains("<td>&lt;/td&gt;</td>"), "{page}");
}

#[test]
fn the_head_of_a_response() {
    let program = Program::start(&[]);
    let request = "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.195\r\n\
                   X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\nConnection: close\r\n\r\n";
    let response = exchange(program.address, request);
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", "582"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Server", "publicip-poc"),
        ("Vary", "Accept"),
        ("Connection", "close"),
    ] {
        assert_eq!(response.field(name), Some(value), "{name}");
    }
    let policy = response.field("Content-Security-Policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'unsafe-inline'"));
    let date = response.field("Date").expect("a date");
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
}

/// Each thread that answers formats it once a second.
#[test]
fn the_date_is_renewed() {
    let program = Program::start(&[]);
    let date = |method| {
        let request = format!("{method} / HTTP/1.0\r\n\r\n");
        let response = exchange(program.address, &request);
        response.field("Date").expect("a date").to_owned()
    };
    let before = [date("GET"), date("OPTIONS")];
    thread::sleep(Duration::from_millis(1100));
    let after = [date("GET"), date("OPTIONS")];
    assert!(after.iter().all(|date| !before.contains(date)), "{after:?}");
}

#[test]
fn head_declares_the_length_of_get() {
    let program = Program::start(&[]);
    let length = |method| {
        let request = format!("{method} / HTTP/1.0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
        let response = exchange(program.address, &request);
        response
            .field("Content-Length")
            .expect("a length")
            .to_owned()
    };
    assert_eq!(length("HEAD"), length("GET"));
}

#[test]
fn options_has_no_content_and_other_methods_are_told_what_is_allowed() {
    let program = Program::start(&[]);
    let options = exchange(program.address, "OPTIONS * HTTP/1.0\r\n\r\n");
    assert_eq!(options.status, 204);
    assert_eq!(options.field("Content-Length"), None);
    let post = exchange(program.address, "POST / HTTP/1.0\r\n\r\n");
    assert_eq!(post.status, 405);
    assert_eq!(post.content, "Only GET, HEAD and OPTIONS are answered.\n");
    for response in [options, post] {
        assert_eq!(response.field("Allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn the_peer_is_not_what_a_client_says() {
    let program = Program::start(&[]);
    let page = get(
        program.address,
        &[
            "Peer: 192.0.2.66",
            "X-Forwarded-For: %0d%0aPeer: 192.0.2.66",
        ],
    );
    let direct = "Direct Connection IP (ALB): 127.0.0.1</h3>";
    assert!(page.content.contains(direct), "{}", page.content);
}

#[test]
fn forms_for_scripts() {
    let program = Program::start(&[]);
    // Several lines of a field are one list (RFC 9110, section 5.3).
    let fields = [
        "X-Forwarded-For: 203.0.113.195, \"x\\",
        "X-Forwarded-Port: 80",
        "x-forwarded-for: 192.0.2.1",
    ];
    let ask = |accept: &str, fields: &[&str]| {
        let accept = format!("Accept: {accept}");
        get(program.address, &[fields, &[accept.as_str()]].concat())
    };
    let text = ask("text/plain", &fields);
    assert_eq!(text.content, "203.0.113.195\n");
    assert_eq!(
        text.field("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(ask("text/plain", &[]).content, "Not available\n");
    assert_eq!(
        ask("text/plain", &["X-Forwarded-For: , 203.0.113.195"]).content,
        "Not available\n"
    );

    let json = ask("application/json", &fields);
    assert_eq!(json.field("Content-Type"), Some("application/json"));
    assert_eq!(json.content, include_str!("golden/given.json"));
    assert_eq!(
        ask("application/json", &[]).content,
        include_str!("golden/nothing.json")
    );
    assert_eq!(
        ask("image/png", &[]).field("Content-Type"),
        Some("text/html; charset=utf-8")
    );
}

#[test]
fn an_ipv4_peer_of_a_dual_stack_socket_is_ipv4() {
    let address = (std::net::Ipv6Addr::UNSPECIFIED, 0).into();
    let program = Program::start_at(address, &[]);
    let port = program.address.port();
    for (peer, shown) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        let page = get(format!("{peer}:{port}").parse().unwrap(), &[]).content;
        assert!(
            page.contains(&format!("Direct Connection IP (ALB): {shown}</h3>")),
            "{page}"
        );
    }
}
