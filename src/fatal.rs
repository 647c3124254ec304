//! What ends the process.
//!
//! Only a connection's own thread may panic and leave the rest alive. Any other panic, say of
//! tiny_http's accept thread, would leave a process that is alive and deaf; ending it lets systemd
//! start it anew, within milliseconds and with the listening socket kept.

use std::panic::{self, Location, PanicHookInfo};
use std::process;

use crate::logging;

/// Exit code for a service that cannot serve.
pub const CANNOT_SERVE: u8 = 1;

/// Exit code for a wrong option or setting.
pub const WRONG_SETTING: u8 = 2;

/// Runs on the connection's own thread, and panics when the peer was gone before it was accepted.
const CONNECTION: &str = "/tiny_http-0.12.0/src/client.rs";

/// Panics when standard error is gone: the log is lost, the service is not (see `logging.rs`).
const STANDARD_ERROR: &str = "/std/src/io/stdio.rs";

/// Installs the panic policy.
pub fn install_panic_policy() {
    panic::set_hook(Box::new(|info| {
        // A panic is told by the source file it is in.
        let file = info.location().map_or("", Location::file);
        if !file.ends_with(CONNECTION) && !file.ends_with(STANDARD_ERROR) {
            logging::finish(Some(&describe(info)));
            process::exit(CANNOT_SERVE.into());
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

/// The end of a source file's path: where it was built is nobody's business.
fn end(path: &str) -> &str {
    path.rmatch_indices('/')
        .nth(3)
        .map_or(path, |(at, _)| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_files_are_told_without_the_builders_folders() {
        let crates = "/home/x/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
        let path = format!("{crates}/tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end(&path), "tiny_http-0.12.0/src/util/task_pool.rs");
        assert_eq!(end("src/service.rs"), "src/service.rs");
    }
}
