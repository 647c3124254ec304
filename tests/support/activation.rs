//! Handing over a listening socket, as systemd does (sd_listen_fds(3)).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use socket2::{Domain, Socket, Type};

/// Connections that may wait while no program accepts any, as in the socket unit.
const BACKLOG: i32 = 4096;

/// A listening socket on a free IPv4 port.
pub fn listener() -> TcpListener {
    listener_on(Ipv4Addr::LOCALHOST.into())
}

/// A listening socket on a free port of this address.
pub fn listener_on(address: IpAddr) -> TcpListener {
    let address = SocketAddr::from((address, 0));
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("a free port");
    socket.listen(BACKLOG).expect("a backlog");
    socket.into()
}

/// A command whose environment has nothing but `PATH`.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// `program` with one or two `descriptors` handed over, as descriptors 3 and 4. `wrapper` is a
/// command that executes another, such as `prlimit --nofile=64`, or empty.
///
/// `LISTEN_PID` is known only in the child, and without `unsafe` a child gets nothing but standard
/// streams. So a shell moves the descriptors and then becomes the program.
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
