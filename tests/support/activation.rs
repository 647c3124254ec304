//! A listening socket handed to the program as systemd does it (sd_listen_fds(3)).

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

/// Connections that may wait while no program accepts any.
const BACKLOG: i32 = 1024;

/// A listening socket that outlives the programs it is handed to.
pub fn listener() -> TcpListener {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let address: std::net::SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    socket.bind(&address.into()).expect("a free port");
    socket.listen(BACKLOG).expect("a backlog");
    socket.into()
}

/// What each process of a command line starts with: nothing but these.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// `program` with `descriptors` handed over, one or two of them. `wrapper` is a command that ends
/// in executing another one, such as `prlimit --nofile=64`; empty for none.
///
/// Only a child can know its process identifier, and only standard streams can be given to it
/// without `unsafe`; so a shell moves them to where they belong and then becomes the program.
pub fn hand_over(wrapper: &[&str], descriptors: Vec<OwnedFd>, program: &[&str]) -> Command {
    let script = match descriptors.len() {
        1 => "exec 3<&0 </dev/null",
        2 => "exec 3<&0 4<&1 </dev/null >/dev/null",
        count => panic!("{count} descriptors cannot be handed over"),
    };
    let script = format!(
        "{script}; LISTEN_PID=$$ LISTEN_FDS={} exec \"$@\"",
        descriptors.len()
    );
    let shell = ["sh", "-c", &script, "sh"];
    let words: Vec<&str> = [wrapper, &shell, program].concat();
    let mut command = clean(words[0]);
    command.args(&words[1..]);
    let mut descriptors = descriptors.into_iter().map(Stdio::from);
    command.stdin(descriptors.next().expect("counted above"));
    if let Some(second) = descriptors.next() {
        command.stdout(second);
    }
    command
}
