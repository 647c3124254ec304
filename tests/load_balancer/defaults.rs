//! Load balancers as they are by default, in front of two servers: whatever one client sends, all
//! others get their answers.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::activation::listener;
use crate::support::haproxy::LoadBalancer;
use crate::support::{Program, connect, get, requests};

const HAPROXY: &str = "\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind fd@3
  default_backend targets
backend targets
  option httpchk
  server one {one} check inter 50ms
  server two {two} check inter 50ms
";

const NGINX: &str = "\
daemon off;
pid {folder}/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  scgi_temp_path {folder};
  uwsgi_temp_path {folder};
  upstream targets {
    server {one};
    server {two};
  }
  server {
    listen {address};
    location / { proxy_pass http://targets; }
  }
}
";

/// Both servers, and a load balancer in front of them.
fn start(program: &[&str], configuration: &str) -> ([Program; 2], LoadBalancer) {
    let servers = [(); 2].map(|()| Program::start(&["--log-level", "debug"]));
    let listener = listener();
    let address = listener.local_addr().expect("its address");
    let configuration = configuration
        .replace("{folder}", env!("CARGO_TARGET_TMPDIR"))
        .replace("{address}", &address.to_string())
        .replace("{one}", &servers[0].address.to_string())
        .replace("{two}", &servers[1].address.to_string());
    let balancer = LoadBalancer::run(listener, program, &configuration);
    (servers, balancer)
}

fn haproxy() -> ([Program; 2], LoadBalancer) {
    start(&["haproxy", "-q", "-db", "-f"], HAPROXY)
}

#[test]
fn nobody_behind_haproxy_notices_what_another_client_sends() {
    check(haproxy());
}

#[test]
fn nobody_behind_nginx_notices_what_another_client_sends() {
    // The variable names sockets that it takes over, as it does when it is upgraded.
    let nginx = ["env", "NGINX=3;", "nginx", "-e", "/dev/null", "-c"];
    check(start(&nginx, NGINX));
}

fn check((servers, balancer): ([Program; 2], LoadBalancer)) {
    let address = balancer.address;
    let rows: Vec<_> = requests::all().collect();
    let fields = ["Accept: text/plain", "X-Forwarded-For: 192.0.2.7"];
    let answered = thread::scope(|scope| {
        let send = |rows| scope.spawn(move || send(address, rows));
        let odd: Vec<_> = rows.chunks(20).map(send).collect();
        let mut answered = 0;
        while !odd.iter().all(thread::ScopedJoinHandle::is_finished) {
            let response = get(address, &fields);
            assert_eq!((response.status, &*response.content), (200, "192.0.2.7\n"));
            answered += 1;
        }
        answered
    });
    println!("{answered} ordinary requests, all of them answered");
    assert!(answered > 100, "{answered}");
    let mut log = String::new();
    for mut server in servers {
        server.signal("TERM");
        assert!(server.wait().success());
        let lines = server.rest_of_log().join("\n");
        assert!(lines.contains("client=192.0.2.7"), "{lines}");
        log += &lines;
    }
    // A value with bytes above 0x7f has come through.
    assert!(log.contains(r#"client="\u{80}"#), "{log}");
}

/// Sends each request and the start of a body, and leaves soon if there is no answer. Goes on for three
/// seconds.
fn send(address: SocketAddr, rows: &[requests::Row]) {
    let begin = Instant::now();
    for (sent, row) in rows.iter().cycle().enumerate() {
        if sent >= rows.len() && begin.elapsed() > Duration::from_secs(3) {
            break;
        }
        let mut stream = connect(address);
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("a timeout");
        let _ = stream
            .write_all(&row.request)
            .and_then(|()| stream.write_all(&[b'x'; 4096]))
            .and_then(|()| stream.read(&mut [0; 4096]));
    }
}

/// Its default health check is OPTIONS in HTTP/1.0.
#[test]
fn haproxys_health_checks_find_the_servers_up() {
    let (servers, balancer) = haproxy();
    for server in servers.iter().cycle().take(6) {
        let check = "method=OPTIONS path=/ status=204";
        assert!(server.log_line(check).is_some());
    }
    assert_eq!(get(balancer.address, &[]).status, 200);
}

/// In HTTP/2 a body may turn out to be empty, so HAProxy announces one in chunks.
#[test]
fn a_body_that_turns_out_to_be_empty_does_no_harm() {
    let (_servers, balancer) = haproxy();
    let url = format!("http://{}/", balancer.address);
    for _ in 0..20 {
        let curl = Command::new("curl")
            .args(["--silent", "--http2-prior-knowledge", "--request", "GET"])
            .args(["--upload-file", "-", "--header", "Accept: text/plain"])
            .args(["--write-out", "%{http_version} %{http_code}", &url])
            .stdin(Stdio::null())
            .output()
            .expect("curl runs");
        let output = String::from_utf8_lossy(&curl.stdout);
        assert_eq!(output, "Not available\n2 200");
        assert_eq!(get(balancer.address, &[]).status, 200);
    }
}
