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
//! | which requests are refused, and why | `gateway/head.rs`, `gateway/rules.rs` |
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

use log::Level;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use answer::client::Reading;
use gateway::Gateway;
use host::exit::{self, Failure};
use host::signals::Signals;
use host::systemd::{self, Status};
use host::{listener, logging};
use options::{Command, Options};

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
        Ok(Command::Serve(options)) => serve(&options),
        Ok(Command::Check(options)) => check(&options),
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
        .map_err(|error| Failure::Service(format!("cannot print: {error}")))
}

/// Each connection takes a descriptor. The soft limit is usually 1,024, for programs that call
/// select(2).
fn raise_open_file_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// Prints the settings in one line; opens nothing.
fn check(options: &Options) -> Result<(), Failure> {
    let socket = listener::describe(options.listen)?;
    let (level, reading) = (options.log_level, &options.reading);
    let level = level.as_str().to_lowercase();
    print(&format!(
        "OK: {socket}; log level {level}; client: {reading}"
    ))
}

fn serve(options: &Options) -> Result<(), Failure> {
    exit::install_panic_policy();
    let signals = Signals::block().map_err(cannot("wait for signals"))?;
    logging::start(options.log_level).map_err(Failure::Service)?;
    if let Err(error) = raise_open_file_limit() {
        log::warn!(target: LOG, "the limit of open files stays as it is: {error}");
    }
    let (listener, is_handed_over) = listener::open(options.listen)?;
    let address = listener.local_addr().map_err(cannot("listen"))?;
    let (server, upstream) = service::start().map_err(cannot("start tiny_http"))?;
    let reading = &options.reading;
    let (mut gateway, stop) = Gateway::new(listener, is_handed_over, upstream, reading.clone())
        .map_err(cannot("start the gateway"))?;
    signals.forward(stop).map_err(cannot("wait for signals"))?;
    let service_reading = reading.clone();
    thread::Builder::new()
        .name("service".into())
        .spawn(move || service::run(&server, &service_reading))
        .map_err(cannot("start the service"))?;
    announce(&address, reading);
    let mut status = Status::new(address, reading);
    let signal = gateway
        .run(|gateway| status.update(gateway.answered(), gateway.is_stopping()))
        .map_err(cannot("go on"))?;
    let total = systemd::requests(gateway.answered());
    log::info!(target: LOG, "stopped by {signal}: {total}");
    Ok(())
}

fn cannot(what: &str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Service(format!("cannot {what}: {error}"))
}

/// Each line fits a terminal; what to open comes last.
fn announce(address: &SocketAddr, reading: &Reading) {
    let (level, client) = match reading {
        Reading::TrustedHops { .. } => (Level::Info, format!("client: {reading}")),
        Reading::FirstEntry => (
            Level::Warn,
            "any client can forge its address: set --trusted-hops".into(),
        ),
    };
    log::info!(target: LOG, "version {VERSION}");
    log::log!(target: LOG, level, "{client}");
    let url = listener::url(*address);
    log::log!(target: LOG, level, "listens on {address}; open {url}");
}
