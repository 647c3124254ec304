//! The page as a person sees it: headless Chromium behind a load balancer, driven by WebDriver
//! (W3C). Needs HAProxy, Chromium and ChromeDriver: `make test-browser`.

#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::haproxy::LoadBalancer;
use support::{Program, exchange};

/// Runs Chromium without a display, as root, and keeps it off the network.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=640,600",
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
        let profile = concat!("--user-data-dir=", env!("CARGO_TARGET_TMPDIR"), "/browser");
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile]).collect();
        let options = json!({ "goog:chromeOptions": { "args": flags } });
        let capabilities = json!({ "capabilities": { "alwaysMatch": options } });
        let answer = browser.ask("POST", "", &capabilities);
        browser.session = format!("/{}", answer["sessionId"].as_str().expect("a session"));
        browser
    }

    /// One WebDriver command: the `value` of its answer.
    fn ask(&self, method: &str, command: &str, body: &Value) -> Value {
        let body = if method == "GET" {
            String::new()
        } else {
            body.to_string()
        };
        let mut request = format!(
            "{method} /session{}{command} HTTP/1.1\r\nHost: localhost\r\n",
            self.session
        );
        write!(request, "Content-Length: {}\r\n\r\n{body}", body.len())
            .expect("writing to a String");
        let answer = exchange(self.address, &request);
        let mut answer: Value = serde_json::from_str(&answer.content).expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{command}: {answer}");
        answer["value"].take()
    }

    /// The visible text of each element that a CSS selector finds.
    fn texts(&self, selector: &str) -> Vec<String> {
        let elements = self.elements(selector);
        let text = |id: &String| self.ask("GET", &format!("/element/{id}/text"), &Value::Null);
        elements
            .iter()
            .map(text)
            .map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    }

    /// Saves a screenshot as a PNG.
    fn picture(&self, path: &Path) {
        let picture = self.ask("GET", "/screenshot", &Value::Null);
        let file = File::create(path).expect("a file for the picture");
        let mut decoder = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(file)
            .spawn()
            .expect("base64 runs");
        let text = picture.as_str().expect("base64");
        decoder
            .stdin
            .take()
            .expect("piped")
            .write_all(text.as_bytes())
            .expect("base64 reads");
        assert!(decoder.wait().expect("base64 ends").success());
    }

    fn elements(&self, selector: &str) -> Vec<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.ask("POST", "/elements", &query);
        let id = |element: &Value| {
            element
                .as_object()?
                .values()
                .next()?
                .as_str()
                .map(str::to_owned)
        };
        found
            .as_array()
            .expect("a list")
            .iter()
            .map(|element| id(element).expect("an id"))
            .collect()
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
    browser.ask("POST", "/url", &json!({ "url": url }));

    let title = browser.ask("GET", "/title", &Value::Null);
    assert_eq!(title, "PublicIP PoC - Original IP Test");
    assert_eq!(browser.texts("h1"), ["PublicIP PoC - Client IP Detection"]);
    assert_eq!(browser.texts("h2"), ["Original Client IP: 127.0.0.1"]);
    assert_eq!(
        browser.texts("h3"),
        ["Direct Connection IP (ALB): 127.0.0.2", "HTTP Headers:"]
    );
    let port = balancer.address.port();
    assert_eq!(
        browser.texts("tr"),
        [
            "Header Value".to_owned(),
            "X-Forwarded-For 127.0.0.1".to_owned(),
            "X-Forwarded-Proto http".to_owned(),
            format!("X-Forwarded-Port {port}"),
        ]
    );
    let span = &browser.elements("h2 span")[0];
    let color = browser.ask("GET", &format!("/element/{span}/css/color"), &Value::Null);
    assert_eq!(
        color, "rgba(0, 128, 0, 1)",
        "the inline style works under the policy"
    );

    browser.picture(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("page.png"));
}
