//! Shows clients the address they connect from, even behind a load balancer.
//!
//! ```text
//! client -- TCP --> gateway -- Unix socket --> tiny_http --> service --> answer
//!        <--------          <-------------------------------
//!        anything           one well-formed GET or HEAD at a time
//! ```
//!
//! tiny_http ends, or keeps others waiting, over much that strangers can send. So `gateway` stands
//! in front of it, and passes on only what is well-formed. `service` takes that from tiny_http, and
//! `answer` decides what to say: the client's address, the page. Imports go one way:
//! main -> service -> gateway -> answer, and main -> host -> answer.
//!
//! | to change | go to |
//! | --- | --- |
//! | the page, or the text and JSON forms | `answer/page.rs`, `answer/forms.rs` |
//! | whose address is shown | `answer/client.rs` |
//! | which fields are looked at | `answer/request.rs` |
//! | which requests are refused, and why | `gateway/rules.rs`, `gateway/refusal.rs` |
//! | how much a client may take | `gateway/limits.rs` |
//! | an option or a variable | `options.rs` |
//! | the default port, the socket | `host/listener.rs` |
//! | the start line | `announce` below |
//! | how the service stops | `begin_to_stop` and `stopped` in `gateway/mod.rs` |
//! | the log, systemd, signals, exit statuses | `host/` |

mod answer;
mod gateway;
mod host;
mod options;
mod service;

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use log::LevelFilter;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use answer::client::Reading;
use gateway::{Gateway, Listener};
use host::exit::{self, Failure};
use host::signals::Signals;
use host::systemd::{self, Status};
use host::{listener, logging};
use options::Command;

/// The log target of the start-up lines, which operators filter by.
const LOG: &str = "publicip_poc";

/// Set by packaging/build.sh from the commit. A build by cargo alone is not a release.
const VERSION: &str = match option_env!("BUILD_VERSION") {
    Some(version) => version,
    None => concat!(env!("CARGO_PKG_VERSION"), "~dev"),
};

fn main() -> ExitCode {
    let command = options::parse(env::args_os().skip(1), env::vars_os());
    let result = match command {
        Ok(Command::Help) => print(&format!("{}\n\n{}", options::USAGE, options::HELP)),
        Ok(Command::Version) => print(&format!("publicip-poc {VERSION}")),
        Ok(Command::Serve {
            listen,
            reading,
            log_level,
        }) => serve(listen, &reading, log_level),
        Err(error) => Err(Failure::Setting(error.to_string())),
    };
    match result {
        Ok(()) => {
            logging::finish(None);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let reason = failure.to_string();
            systemd::failed(&reason);
            logging::finish(Some(&reason));
            ExitCode::from(failure.status())
        }
    }
}

/// Unlike `println!`, does not panic if standard output is closed.
fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}")
        .map_err(|error| Failure::Start(format!("cannot print: {error}")))
}

/// Each connection takes a descriptor. The soft limit is usually 1,024, for programs that call
/// select(2).
fn raise_open_file_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

fn serve(
    listen: Option<SocketAddr>,
    reading: &Reading,
    log_level: LevelFilter,
) -> Result<(), Failure> {
    let cannot = |what, error: io::Error| Failure::Start(format!("{what}: {error}"));
    exit::install_panic_policy();
    let signals = Signals::block().map_err(|error| cannot("cannot wait for signals", error))?;
    logging::start(log_level).map_err(Failure::Start)?;
    if let Err(error) = raise_open_file_limit() {
        log::warn!(target: LOG, "the limit of open files stays as it is: {error}");
    }
    let (listener, is_handed_over) = listener::open(listen).map_err(|error| match error {
        listener::Error::HandedOver(reason) => Failure::Setting(reason),
        listener::Error::Bind(reason) => Failure::Start(reason),
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot("cannot listen", error))?;
    let listener = if is_handed_over {
        Listener::HandedOver(listener)
    } else {
        Listener::Bound(listener)
    };
    let (server, upstream) = service::start().map_err(|error| cannot("cannot start", error))?;
    let (mut gateway, stop) = Gateway::new(listener, upstream, reading.clone())
        .map_err(|error| cannot("cannot start", error))?;
    signals
        .forward(stop)
        .map_err(|error| cannot("cannot wait for signals", error))?;
    let service_reading = reading.clone();
    thread::Builder::new()
        .name("service".into())
        .spawn(move || service::run(&server, &service_reading))
        .map_err(|error| cannot("cannot start", error))?;
    announce(&address, reading);
    let mut status = Status::new(address, reading);
    let signal = gateway
        .run(|gateway| status.update(gateway.answered(), gateway.is_stopping()))
        .map_err(|fault| Failure::Service(fault.to_string()))?;
    let total = systemd::requests(gateway.answered());
    log::info!(target: LOG, "stopped by {signal}: {total}");
    Ok(())
}

fn announce(address: &SocketAddr, reading: &Reading) {
    let line = format!("publicip-poc {VERSION} listens on {address}; client: {reading}");
    match reading {
        Reading::TrustedHops { .. } => log::info!(target: LOG, "{line}"),
        Reading::FirstEntry => log::warn!(
            target: LOG,
            "{line}, which clients can forge: set --trusted-hops 1 behind one load balancer"
        ),
    }
}
