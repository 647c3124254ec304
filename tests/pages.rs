//! What comes over the wire: pages, other forms, methods.

mod support;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use support::{Program, connect, exchange, get, read_until_quiet};

/// The requests in `tests/golden` and what the original program answered (see `record.py` there).
fn golden() -> Vec<(PathBuf, String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let paths = fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| fs::read_to_string(path).expect("a text");
    let requests = paths.filter(|path| path.extension().is_some_and(|kind| kind == "request"));
    requests
        .map(|path| {
            (
                path.clone(),
                read(path.clone()),
                read(path.with_extension("html")),
            )
        })
        .collect()
}

#[test]
fn golden_pages() {
    let program = Program::start(&[]);
    let golden = golden();
    assert!(golden.len() >= 13);
    for (path, request, page) in golden {
        let response = exchange(program.address, &request);
        assert_eq!(response.status, 200, "{path:?}");
        assert_eq!(response.content, page, "{path:?}");
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

    let mut stream = connect(program.address);
    stream.write_all(request.as_bytes()).unwrap();
    let (bytes, ended) = read_until_quiet(&mut stream, Duration::from_secs(2));
    assert!(ended && bytes.len() < 1024, "{} bytes", bytes.len());
}

/// Each worker formats it once a second, which is what it counts in.
#[test]
fn the_date_is_renewed() {
    let program = Program::start(&[]);
    let dates = || -> Vec<Option<String>> {
        let date = |_| get(program.address, &[]).field("Date").map(str::to_owned);
        (0..20).map(date).collect()
    };
    let before = dates();
    thread::sleep(Duration::from_millis(1100));
    let after = dates();
    assert!(after.iter().all(|date| !before.contains(date)), "{after:?}");
}

#[test]
fn head_is_get_without_content() {
    let program = Program::start(&[]);
    let get = exchange(program.address, "GET /x HTTP/1.1\r\nHost: test\r\n\r\n");
    let head = exchange(program.address, "HEAD /x HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(head.status, 200);
    assert_eq!(head.field("Content-Length"), get.field("Content-Length"));
    let mut stream = connect(program.address);
    stream
        .write_all(b"HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        .unwrap();
    let (bytes, _) = read_until_quiet(&mut stream, Duration::from_secs(2));
    assert!(bytes.ends_with("\r\n\r\n"), "{bytes}");
}

#[test]
fn other_methods_are_not_allowed() {
    let program = Program::start(&[]);
    for method in [
        "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "get", "BREW",
    ] {
        let response = exchange(
            program.address,
            &format!("{method} / HTTP/1.1\r\nHost: test\r\n\r\n"),
        );
        assert_eq!(response.status, 405, "{method}");
        assert_eq!(response.field("Allow"), Some("GET, HEAD"), "{method}");
    }
}

#[test]
fn bodies_are_refused() {
    let program = Program::start(&[]);
    for (method, status) in [("GET", 413), ("HEAD", 413), ("POST", 405)] {
        for body in [
            "Content-Length: 5\r\n\r\nhello",
            "Content-Length: 2000\r\n\r\nhello",
            "Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n",
            "Content-Length: 1000000000000000\r\n\r\n",
            "Content-Length: 18446744073709551615\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nhello",
        ] {
            let request = format!("{method} / HTTP/1.1\r\nHost: test\r\n{body}");
            assert_eq!(
                exchange(program.address, &request).status,
                status,
                "{request}"
            );
        }
    }
    let response = get(program.address, &["Content-Length: ten"]);
    assert_eq!(
        (response.status, response.field("Connection")),
        (400, Some("close"))
    );
    assert_eq!(get(program.address, &["Content-Length: 0"]).status, 200);
}

#[test]
fn forms_for_scripts() {
    let program = Program::start(&[]);
    let fields = [
        "X-Forwarded-For: 203.0.113.195, \"x\\",
        "X-Forwarded-Port: 80",
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
