//! Load balancers that tests start: HAProxy as the stand-in for an Application Load Balancer, or any other.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::activation::{hand_over, listener};

/// The address that the balancer connects from, so that it differs from the client's.
pub const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Does what an ALB does, as far as it matters here: appends the peer's address to
/// `X-Forwarded-For` and sets the other two fields, limits a header line to 16 K and the header
/// section to 64 K, and reuses a target's connection for any client's request.
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
  bind fd@3
  http-request deny deny_status 400 if { req.hdrs -m reg (^|\\n)[^\\n]{16385} }
  http-request set-header X-Forwarded-For '%[req.fhdr(X-Forwarded-For)], %[src]' if { req.fhdr_cnt(X-Forwarded-For) eq 1 }
  http-request add-header X-Forwarded-For %[src] if !{ req.fhdr_cnt(X-Forwarded-For) eq 1 }
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port {port}
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
        Self::start_on(listener(), target)
    }

    /// The same on this socket, where clients can connect at once.
    pub fn start_on(listener: TcpListener, target: SocketAddr) -> Self {
        let port = listener.local_addr().expect("its address").port();
        let configuration = CONFIGURATION
            .replace("{port}", &port.to_string())
            .replace("{target}", &target.to_string())
            .replace("{source}", &BALANCER.to_string());
        Self::run(listener, &["haproxy", "-q", "-db", "-f"], &configuration)
    }

    /// Starts another program, whose last argument is the path of its configuration. It gets the socket
    /// as descriptor 3.
    pub fn run(listener: TcpListener, program: &[&str], configuration: &str) -> Self {
        let address = listener.local_addr().expect("its address");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.cfg", address.port()));
        fs::write(&path, configuration).expect("the configuration is written");
        let program = [program, &[path.to_str().expect("a path in UTF-8")]].concat();
        let child = hand_over(&[], vec![listener.into()], &program)
            .spawn()
            .expect("a shell runs");
        Self {
            address,
            child,
            configuration: path,
        }
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        // SIGKILL would leave nginx's workers behind.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").arg(id).status();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.configuration);
    }
}
