//! How the process ends: its exit statuses, and the panic policy.
//!
//! No client can cause a panic. If there is one all the same, a thread that others rely on is gone, and
//! the process would run without answering. So it ends, and systemd starts it again; connections wait
//! on the listening socket meanwhile.

use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::process;
use std::thread;

use super::logging;

/// Why the process ends without being asked to.
pub enum Failure {
    /// It cannot serve, or cannot go on: exit status 1.
    Service(String),
    /// An option or setting is wrong: exit status 2.
    Setting(String),
}

impl Failure {
    /// The exit status.
    pub fn status(&self) -> u8 {
        match self {
            Self::Service(_) => 1,
            Self::Setting(_) => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Service(reason) | Self::Setting(reason)) = self;
        out.write_str(reason)
    }
}

/// Installs the panic policy.
pub fn install_panic_policy() {
    panic::set_hook(Box::new(|info| {
        // Standard error is gone, and simple_logger has tried to write to it.
        if thread::current().name() == Some(logging::THREAD) {
            return;
        }
        let failure = Failure::Service(describe(info));
        logging::finish(Some(&failure.to_string()));
        process::exit(failure.status().into());
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("unknown reason")
        .replace('\n', " ");
    let place = info.location().map_or_else(String::new, |location| {
        format!(" ({}:{})", end(location.file()), location.line())
    });
    format!("cannot go on: {message}{place}")
}

/// The end of a source file's path, without the build machine's folders.
fn end(path: &str) -> &str {
    path.rmatch_indices('/')
        .nth(3)
        .map_or(path, |(at, _)| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends this test's process in the way that a panic of the service does.
    #[test]
    fn a_panic_ends_the_process() {
        const AGAIN: &str = "PANIC_ENDS_THE_PROCESS";
        if std::env::var_os(AGAIN).is_some() {
            install_panic_policy();
            let _ = thread::spawn(|| panic!("for a\ntest")).join();
            unreachable!("the process has ended");
        }
        let output = process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "host::exit::tests::a_panic_ends_the_process"])
            .arg("--nocapture")
            .env(AGAIN, "1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let line = "publicip-poc: cannot go on: for a test (src/host/exit.rs:";
        assert!(said.lines().any(|said| said.starts_with(line)), "{said}");
    }

    #[test]
    fn source_files_are_named_without_the_build_machines_folders() {
        let crates = "/home/x/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        let path = format!("{crates}/tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end(&path), "tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end("src/service.rs"), "src/service.rs");
    }
}
