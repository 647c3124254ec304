//! How the process ends: its exit statuses, and the panic policy.
//!
//! A connection's thread may panic without harm to the others. Any other panic, say in tiny_http's
//! accept thread, would leave a process that runs but does not answer. So the process ends; systemd
//! starts it again after 100 ms, and the listening socket stays open.

use std::fmt;
use std::panic::{self, Location, PanicHookInfo};
use std::process;

use super::logging;

/// Why the process ends without being asked to.
pub enum Failure {
    /// It cannot start to serve: exit status 1.
    Start(String),
    /// It cannot go on serving: exit status 1.
    Service(String),
    /// An option or setting is wrong: exit status 2.
    Setting(String),
}

impl Failure {
    /// The exit status.
    pub fn status(&self) -> u8 {
        match self {
            Self::Start(_) | Self::Service(_) => 1,
            Self::Setting(_) => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Start(reason) | Self::Service(reason) | Self::Setting(reason)) = self;
        out.write_str(reason)
    }
}

/// Source files whose panics are harmless, by a part of their path and its end: where a crate's
/// folder is depends on the machine that built it.
const HARMLESS: [(&str, &str); 2] = [
    // The thread of a connection whose peer left before it was accepted.
    ("tiny_http", "/src/client.rs"),
    // `eprintln!` when standard error is gone: the log is lost, the service is not.
    ("/std/", "/src/io/stdio.rs"),
];

/// Installs the panic policy.
pub fn install_panic_policy() {
    panic::set_hook(Box::new(|info| {
        if !is_harmless(info.location().map_or("", Location::file)) {
            let failure = Failure::Service(describe(info));
            logging::finish(Some(&failure.to_string()));
            process::exit(failure.status().into());
        }
    }));
}

fn is_harmless(file: &str) -> bool {
    let is = |(part, end)| file.contains(part) && file.ends_with(end);
    HARMLESS.into_iter().any(is)
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

    #[test]
    fn only_panics_of_a_connection_and_of_the_log_are_harmless() {
        for (file, harmless) in [
            ("/registry/tiny_http-0.12.0/src/client.rs", true),
            ("vendor/tiny_http/src/client.rs", true),
            ("/rustc/0123abcd/library/std/src/io/stdio.rs", true),
            ("/registry/tiny_http-0.12.0/src/lib.rs", false),
            ("/registry/other-1.0.0/src/client.rs", false),
            ("src/answer/client.rs", false),
            ("", false),
        ] {
            assert_eq!(is_harmless(file), harmless, "{file}");
        }
    }

    #[test]
    fn source_files_are_named_without_the_build_machines_folders() {
        let crates = "/home/x/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        let path = format!("{crates}/tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end(&path), "tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end("src/service.rs"), "src/service.rs");
    }
}
