//! The service beside the original program: hundreds of generated requests, the same pages.
//! Needs Python and the original's `server.py`: `make test-original`.

mod support;

use std::env;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use support::{Program, connect, exchange, free_port};

/// How many requests are compared.
const REQUESTS: u32 = 500;

/// The original program with another port.
struct Original {
    address: SocketAddr,
    child: Child,
}

impl Original {
    fn start(source: &str) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let source = source.replace("PORT = 80\n", &format!("PORT = {}\n", address.port()));
        let mut command = Command::new("python3");
        command
            .args(["-c", &source])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("python3 runs");
        let original = Self { address, child };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return original;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the original does not listen");
    }

    fn page(&self, request: &str) -> String {
        let mut stream = connect(self.address);
        stream
            .write_all(request.as_bytes())
            .expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Field lines with a name in any case and any printable value. White space behind a value, which
/// is no part of it (RFC 9110, section 5.5), the original keeps: that is left out.
fn field() -> impl Strategy<Value = String> {
    let name = prop::sample::select(&["For", "Proto", "Port", "Host"][..]);
    let entry = r#"[ -~\t]{0,30}|[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]{2,20}|[ ,;<>&"']{0,6}"#;
    let value = prop::collection::vec(entry, 0..4).prop_map(|entries| entries.join(","));
    (name, value, any::<[bool; 17]>(), " ?").prop_map(|(name, value, cases, space)| {
        let name = format!("X-Forwarded-{name}");
        let turn = |(letter, upper): (char, bool)| {
            if upper {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        };
        let name: String = name.chars().zip(cases).map(turn).collect();
        format!("{name}:{space}{}\r\n", value.trim_end())
    })
}

fn request() -> impl Strategy<Value = String> {
    ("/[!-~]{0,20}", prop::collection::vec(field(), 0..6)).prop_map(|(target, fields)| {
        format!(
            "GET {target} HTTP/1.0\r\nHost: test\r\n{}\r\n",
            fields.concat()
        )
    })
}

/// Takes back the one intended difference.
fn unescaped(page: &str) -> String {
    let quotes = page.replace("&quot;", "\"").replace("&#x27;", "'");
    quotes
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn the_pages_are_the_originals() {
    let path = env::var("ORIGINAL").expect("ORIGINAL names the original's server.py");
    let source = std::fs::read_to_string(&path).expect("the original can be read");
    let original = Original::start(&source);
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
