//! HAProxy as the stand-in for an Application Load Balancer.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::free_port;

/// The address from which the balancer asks, so that it is not the client's.
pub const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A running load balancer; killed when the test ends.
pub struct LoadBalancer {
    pub address: SocketAddr,
    child: Child,
    configuration: PathBuf,
}

impl LoadBalancer {
    /// Starts a balancer in front of `target` that adds what an ALB adds: the peer's address
    /// appended to `X-Forwarded-For`, and the two other fields set. Its limits are the ALB's:
    /// 16 K for a line, 64 K for all.
    pub fn start(target: SocketAddr) -> Self {
        Self::start_listening((Ipv4Addr::LOCALHOST, free_port()).into(), target)
    }

    /// The same, listening on `address`.
    pub fn start_listening(address: SocketAddr, target: SocketAddr) -> Self {
        let configuration =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("haproxy-{}.cfg", address.port()));
        let mut text = String::from(
            "global\n  maxconn 8000\n  tune.bufsize 65536\n  tune.maxrewrite 1024\n  tune.http.maxhdr 2000\n\
             defaults\n  mode http\n  option http-keep-alive\n  option forwardfor\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n",
        );
        writeln!(
            text,
            "frontend f\n  bind {address}\n  http-request set-header X-Forwarded-Proto http\n  http-request set-header X-Forwarded-Port {port}\n  default_backend b\nbackend b\n  server s {target} source {BALANCER}",
            port = address.port()
        )
        .expect("writing to a String");
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
