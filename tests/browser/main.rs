//! The page as a person sees it: headless Chromium behind a load balancer, driven by WebDriver
//! (W3C). Needs HAProxy, Chromium and ChromeDriver: `make test-browser`.

#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::haproxy::LoadBalancer;
use support::{Program, exchange};

/// Runs Chromium without a display, as root, and keeps it off the network.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=640,457",
    concat!("--user-data-dir=", env!("CARGO_TARGET_TMPDIR"), "/browser"),
];

/// A browser and its driver.
struct Browser {
    address: SocketAddr,
    driver: Child,
    session: String,
}

impl Browser {
    fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs: apt-get install chromium-driver");
        let output = BufReader::new(driver.stdout.take().expect("piped"));
        let port = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| port(&line))
            .expect("chromedriver prints its port");
        let mut browser = Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            driver,
            session: String::new(),
        };
        let options = json!({ "goog:chromeOptions": { "args": FLAGS } });
        let capabilities = json!({ "capabilities": { "alwaysMatch": options } });
        let answer = browser.ask("", &capabilities);
        browser.session = format!("/{}", answer["sessionId"].as_str().expect("a session"));
        browser
    }

    /// One WebDriver command: the `value` of its answer.
    fn ask(&self, command: &str, body: &Value) -> Value {
        let (session, body) = (&self.session, body.to_string());
        let request = format!(
            "POST /session{session}{command} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(self.address, &request);
        let mut answer: Value = serde_json::from_str(&answer.content).expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{command}: {answer}");
        answer["value"].take()
    }

    /// What a function's body returns in the page.
    fn run(&self, script: &str) -> Value {
        let function = json!({ "script": script, "args": [] });
        self.ask("/execute/sync", &function)
    }
}

/// The port in the line `ChromeDriver was started successfully on port 12345.`
fn port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once(" successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

/// Ends the driver and all processes of its browser.
impl Drop for Browser {
    fn drop(&mut self) {
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill")
            .args(["-s", "KILL", "--", &group])
            .status();
        let _ = self.driver.wait();
    }
}

#[test]
fn a_person_sees_the_heading_the_green_address_and_the_table() {
    let program = Program::start(&["--trusted-hops", "1"]);
    let balancer = LoadBalancer::start(program.address);
    let url = format!("http://{}/", balancer.address);
    let browser = Browser::start();
    browser.ask("/url", &json!({ "url": url }));

    let texts = browser
        .run("return [...document.querySelectorAll('h1, h2, h3, tr')].map(e => e.innerText)");
    let port = balancer.address.port();
    let expected = json!([
        "PublicIP PoC - Client IP Detection",
        "Original Client IP: 127.0.0.1",
        "Direct Connection IP (ALB): 127.0.0.2",
        "HTTP Headers:",
        "Header\tValue",
        "X-Forwarded-For\t127.0.0.1",
        "X-Forwarded-Proto\thttp",
        format!("X-Forwarded-Port\t{port}"),
    ]);
    assert_eq!(texts, expected);
    let title = browser.run("return document.title");
    assert_eq!(title, "PublicIP PoC - Original IP Test");
    // The inline style works under the policy.
    let color = browser.run("return getComputedStyle(document.querySelector('h2 span')).color");
    assert_eq!(color, "rgb(0, 128, 0)");

    // The picture in the README is one of these.
    drop(browser);
    let picture = concat!("--screenshot=", env!("CARGO_TARGET_TMPDIR"), "/page.png");
    let mut chromium = Command::new("chromium");
    chromium
        .args(FLAGS)
        .args([picture, &url])
        .stderr(Stdio::null());
    assert!(chromium.status().expect("chromium runs").success());
}
