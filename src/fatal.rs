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

/// Installs the panic policy.
pub fn install_panic_policy() {
    panic::set_hook(Box::new(|info| {
        if !info
            .location()
            .is_some_and(|location| is_harmless(location.file()))
        {
            logging::finish(Some(&describe(info)));
            process::exit(CANNOT_SERVE.into());
        }
    }));
}

/// Tells a panic by the source file it is in. tiny_http's `client.rs` runs on the connection's
/// own thread, and panics there when the peer was gone before it was accepted. Rust's `stdio.rs`
/// panics when standard error is gone: the log is lost, the service is not (see `logging.rs`).
fn is_harmless(file: &str) -> bool {
    file.ends_with("/tiny_http-0.12.0/src/client.rs") || file.ends_with("/std/src/io/stdio.rs")
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("unknown reason")
        .replace('\n', " ");
    let place = info.location().map(Location::to_string).unwrap_or_default();
    format!("cannot go on: {message} ({place})")
}
