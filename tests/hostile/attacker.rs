//! The attacker: a process of its own, with descriptors of its own, which is killed when the row ends. It
//! stands for other machines, so it leaves the processor to the program and the honest clients.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::rows::{Kind, rows};

/// This program's file.
pub fn this() -> String {
    let path = env::current_exe().expect("a path");
    path.to_str().expect("UTF-8").into()
}

pub struct Attacker(Child);

impl Attacker {
    /// Begins the attack of the row with this name.
    pub fn start(name: &str, address: SocketAddr) -> Self {
        let child = Command::new("nice")
            .args(["-n", "10", &this(), "attack", name, &address.to_string()])
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("an attacker"))
    }

    /// Waits until it has attacked for long enough, and returns what it found wrong with the answers.
    pub fn report(&mut self) -> Option<String> {
        let mut line = String::new();
        let stdout = self.0.stdout.take().expect("piped");
        let read = BufReader::new(stdout).read_line(&mut line);
        match (read, line.trim_end()) {
            (Ok(1..), "") => None,
            (Ok(1..), complaint) => Some(complaint.into()),
            _ => Some("the attacker has failed".into()),
        }
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The attacker's side: attacks, and says in one line what is wrong, which is empty if nothing is.
pub fn serve(name: &str, address: &str) -> ! {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the limit can be raised");
    let address = address.parse().expect("an address");
    let row = rows().into_iter().find(|row| row.name == name);
    let report = |complaint: Option<String>| println!("{}", complaint.unwrap_or_default());
    match row.expect("a row").kind {
        Kind::Many(attack) => attack.run(address, report),
        Kind::Custom(attack) => report(attack(address)),
    }
    loop {
        thread::park();
    }
}
