//! How the process ends: its exit statuses, and the panic policy.
//!
//! Only the thread of a connection may panic and leave the rest alive. Any other panic, say of
//! tiny_http's accept thread, would leave a process that runs but does not answer. Ending it lets
//! systemd start it again within milliseconds; the listening socket stays.

use std::fmt;
use std::panic::{self, Location, PanicHookInfo};
use std::process;

use super::logging;

/// Why the process ends before it is asked to.
pub enum Failure {
    /// It cannot serve: exit status 1.
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

/// The connection's thread panics here if the peer is gone before it is accepted. The folder of
/// the crate varies with where it was built from.
const CONNECTION: [&str; 2] = ["tiny_http", "/src/client.rs"];

/// `eprintln!` panics here if standard error is gone: the log is lost, the service is not.
const STANDARD_ERROR: [&str; 2] = ["/std/", "/src/io/stdio.rs"];

/// Installs the panic policy.
pub fn install_panic_policy() {
    panic::set_hook(Box::new(|info| {
        // Panics are classified by source file.
        let file = info.location().map_or("", Location::file);
        let is = |[part, end]: [&str; 2]| file.contains(part) && file.ends_with(end);
        if !is(CONNECTION) && !is(STANDARD_ERROR) {
            let failure = Failure::Service(describe(info));
            logging::finish(Some(&failure.to_string()));
            process::exit(failure.status().into());
        }
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

/// The end of a source file's path, without the folders of the machine that built it.
fn end(path: &str) -> &str {
    path.rmatch_indices('/')
        .nth(3)
        .map_or(path, |(at, _)| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_files_are_named_without_the_builders_folders() {
        let crates = "/home/x/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        let path = format!("{crates}/tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end(&path), "tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end("src/service.rs"), "src/service.rs");
    }
}
