//! The service and the original program answer hundreds of generated requests with the same pages,
//! and those in `tests/golden` are the original's. Needs Python and the original's `server.py`:
//! `make test-original`.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use support::{Program, connect, exchange, golden};

/// How many requests are compared.
const REQUESTS: u32 = 500;

/// The original program on a free port, which it prints.
struct Original {
    address: SocketAddr,
    child: Child,
}

impl Original {
    fn start() -> Self {
        let path = env::var("ORIGINAL").expect("ORIGINAL names the original's server.py");
        let source = fs::read_to_string(path).expect("the original can be read");
        let source = source.replace("PORT = 80\n", "PORT = 0\n").replace(
            "    httpd.serve_forever()",
            "    print(httpd.server_address[1], flush=True)\n    httpd.serve_forever()",
        );
        let mut command = Command::new("python3");
        command
            .args(["-c", &source])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("python3 runs");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut port)
            .expect("a line");
        let port: u16 = port.trim_end().parse().expect("the original's port");
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Self { address, child }
    }

    fn page(&self, request: &[u8]) -> String {
        let mut stream = connect(self.address);
        stream.write_all(request).expect("the request is sent");
        let mut answer = Vec::new();
        // If there was a body, which it does not read, the connection is reset after the page.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).expect("UTF-8");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A field line with a name in any case and any value, but no white space after it: that is not part
/// of the value (RFC 9110, section 5.5), yet the original keeps it.
fn field() -> impl Strategy<Value = String> {
    let names = [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "Cookie",
    ];
    let entry = r#"[ -~\t\x80-\xff]{0,30}|[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]{2,20}|[ ,;<>&"'%\x85\xa0]{0,6}"#;
    let value = prop::collection::vec(entry, 0..4).prop_map(|entries| entries.join(","));
    let name = prop::sample::select(names.to_vec());
    (name, value, any::<[bool; 17]>(), " ?").prop_map(|(name, value, cases, space)| {
        let turn = |(letter, upper): (char, bool)| {
            if upper {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        };
        let name: String = name.chars().zip(cases).map(turn).collect();
        format!("{name}:{space}{}\r\n", value.trim_end_matches([' ', '\t']))
    })
}

/// A request with any target, except for `#`, which is not part of it (RFC 9112, section 3.2), and what
/// is white space to the original, and with a body or without.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let target = r#"/[!"$-~\x80-\x84\x86-\x9f\xa1-\xff]{0,20}"#;
    let fields = prop::collection::vec(field(), 0..6);
    let body = prop::option::of("[\\x00-\\xff]{0,40}");
    (target, "[01]", fields, body).prop_map(|(target, minor, fields, body)| {
        let length = body.as_ref().map(|body| body.chars().count());
        let length = length.map(|length| format!("Content-Length: {length}\r\n"));
        let (fields, length) = (fields.concat(), length.unwrap_or_default());
        let head = format!("GET {target} HTTP/1.{minor}\r\nHost: test\r\n{fields}{length}\r\n");
        let request = head + &body.unwrap_or_default();
        let byte = |character| u8::try_from(character).expect("generated as ISO-8859-1");
        request.chars().map(byte).collect()
    })
}

/// Undoes the one intended difference.
fn unescaped(page: &str) -> String {
    let quotes = page.replace("&quot;", "\"").replace("&#x27;", "'");
    quotes
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn the_pages_are_the_originals() {
    let original = Original::start();
    let program = Program::start(&["--log-level", "warn"]);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(REQUESTS)
    });
    let result = runner.run(&request(), |request| {
        let response = exchange(program.address, &request);
        prop_assert_eq!(response.status, 200);
        prop_assert_eq!(unescaped(&response.content), original.page(&request));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    println!("{REQUESTS} generated requests, 0 bodies that differ from the original's");
}

/// A page that is missing is recorded.
#[test]
fn the_golden_pages_are_the_originals() {
    let original = Original::start();
    for (request, path) in golden() {
        let page = original.page(&request);
        if !path.exists() {
            fs::write(&path, &page).expect("the page is written");
        }
        let golden = fs::read_to_string(&path).expect("a page");
        assert_eq!(golden, page, "{path:?}");
    }
}
