//! The page as a person sees it: headless Chromium behind a load balancer, driven by WebDriver
//! (W3C). Needs HAProxy, Chromium and ChromeDriver: `make test-browser`.

#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::haproxy::LoadBalancer;
use support::{Program, exchange, free_port};

/// What Chromium needs without a display, as root, and without asking the network for anything.
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

/// A browser and the driver that commands it.
struct Browser {
    address: SocketAddr,
    driver: Child,
    session: String,
}

impl Browser {
    fn start() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Command::new("chromedriver");
        command
            .arg(format!("--port={}", address.port()))
            .process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let driver = command
            .spawn()
            .expect("chromedriver runs: apt-get install chromium-driver");
        let mut browser = Self {
            address,
            driver,
            session: String::new(),
        };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                let profile = format!(
                    "--user-data-dir={}",
                    concat!(env!("CARGO_TARGET_TMPDIR"), "/browser")
                );
                let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
                let options = json!({ "goog:chromeOptions": { "args": flags } });
                let answer = browser.ask(
                    "POST",
                    "",
                    &json!({ "capabilities": { "alwaysMatch": options } }),
                );
                browser.session = format!("/{}", answer["sessionId"].as_str().expect("a session"));
                return browser;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("chromedriver does not listen");
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

    /// What a person can read in the elements that a CSS selector finds.
    fn texts(&self, selector: &str) -> Vec<String> {
        let elements = self.elements(selector);
        let text = |id: &String| self.ask("GET", &format!("/element/{id}/text"), &Value::Null);
        elements
            .iter()
            .map(text)
            .map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    }

    /// Keeps what is seen as a PNG.
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

/// Ends the driver and all of its browser's processes.
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
