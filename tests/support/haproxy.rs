//! HAProxy as the stand-in for an Application Load Balancer.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::free_port;

/// The address from which the balancer asks, so that it is not the client's.
pub const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What an ALB does, as far as it matters here. It appends the peer's address to
/// `X-Forwarded-For` and sets the two other fields; lets 16 K of a line and 64 K of a header
/// section through; and uses a target's connection for any client's request.
const CONFIGURATION: &str = "\
global
  maxconn 8000
  tune.bufsize 66560
  tune.maxrewrite 1024
  tune.http.maxhdr 2000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind {address}
  http-request deny deny_status 400 if { req.hdrs -m reg (^|\\n)[^\\n]{16385} }
  http-request set-header X-Forwarded-For '%[req.fhdr(X-Forwarded-For)], %[src]' if { req.fhdr_cnt(X-Forwarded-For) eq 1 }
  http-request add-header X-Forwarded-For %[src] if !{ req.fhdr_cnt(X-Forwarded-For) eq 1 }
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port {port}
  {rule}
  default_backend targets
backend targets
  http-reuse always
  server target {target} source {source}
";

/// A running load balancer; killed when the test ends.
pub struct LoadBalancer {
    pub address: SocketAddr,
    child: Child,
    configuration: PathBuf,
}

impl LoadBalancer {
    /// Starts a balancer in front of `target`.
    pub fn start(target: SocketAddr) -> Self {
        Self::start_listening((Ipv4Addr::LOCALHOST, free_port()).into(), target)
    }

    /// The same, with a rule for what arrives.
    pub fn start_with(rule: &str, target: SocketAddr) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, free_port()).into(), rule, target)
    }

    /// The same without one, listening on `address`.
    pub fn start_listening(address: SocketAddr, target: SocketAddr) -> Self {
        Self::start_at(address, "", target)
    }

    fn start_at(address: SocketAddr, rule: &str, target: SocketAddr) -> Self {
        let configuration =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("haproxy-{}.cfg", address.port()));
        let text = CONFIGURATION
            .replace("{address}", &address.to_string())
            .replace("{port}", &address.port().to_string())
            .replace("{rule}", rule)
            .replace("{target}", &target.to_string())
            .replace("{source}", &BALANCER.to_string());
        fs::write(&configuration, text).expect("the configuration is written");
        let child = Command::new("haproxy")
            .args(["-q", "-db", "-f"])
            .arg(&configuration)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy runs: apt-get install haproxy");
        let balancer = Self {
            address,
            child,
            configuration,
        };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return balancer;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("haproxy does not listen on {address}");
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.configuration);
    }
}
