//! Shows the address a client has in front of an Application Load Balancer.
//!
//! `main` parses, builds, runs and reports; nothing else ends the process but the panic policy.
//!
//! A request goes one way: `listener` -> `service` -> `framing` (its body), `client` (its address),
//! `report` (what is known of it) -> `answer`, `accept` (which form) -> `page` or `forms` ->
//! `response` -> `access_log`. These are plain functions over plain data.
//!
//! Around tiny_http stand `hold` (bodies), `persistence` and `relief` (bursts), `pulse` (stuck
//! workers), `memory` (what it does not bound) and `fatal` (panics); `supervision` acts on what they
//! tell. `options`, `logging`, `signals` and `systemd` are the way to the operator.

mod accept;
mod access_log;
mod answer;
mod client;
mod fatal;
mod forms;
mod framing;
mod hold;
mod listener;
mod logging;
mod memory;
mod options;
mod page;
mod persistence;
mod pulse;
mod relief;
mod report;
mod response;
mod service;
mod signals;
mod supervision;
mod systemd;

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use client::Reading;
use options::{Command, Options};
use service::Service;
use signals::Signals;
use systemd::Status;

fn main() -> ExitCode {
    let command = options::parse(env::args_os().skip(1), |name| env::var_os(name));
    let result = match command {
        Ok(Command::Help) => print(&format!("{}\n\n{}", options::USAGE, options::HELP)),
        Ok(Command::Version) => print(concat!("publicip-poc ", env!("CARGO_PKG_VERSION"))),
        Ok(Command::Serve(options)) => serve(&options),
        Err(reason) => Err((
            fatal::WRONG_SETTING,
            format!("{reason}\n{}", options::USAGE),
        )),
    };
    match result {
        Ok(()) => {
            logging::finish(None);
            ExitCode::SUCCESS
        }
        Err((code, reason)) => {
            systemd::failed(&reason);
            logging::finish(Some(&reason));
            ExitCode::from(code)
        }
    }
}

/// Unlike `println!`, does not panic when nobody reads.
fn print(text: &str) -> Result<(), (u8, String)> {
    let written = writeln!(io::stdout(), "{text}");
    written.map_err(|error| (fatal::CANNOT_SERVE, format!("cannot print: {error}")))
}

/// Each connection takes two descriptors; the soft limit is mostly 1,024, for programs that call
/// select(2).
fn raise_limit_of_files() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

fn serve(options: &Options) -> Result<(), (u8, String)> {
    let cannot = |reason| (fatal::CANNOT_SERVE, reason);
    fatal::install_panic_policy();
    let no_signals = |error: io::Error| cannot(format!("signals cannot be waited for: {error}"));
    let signals = Signals::block().map_err(no_signals)?;
    logging::start(options.log_level).map_err(cannot)?;
    if let Err(error) = raise_limit_of_files() {
        log::warn!("the limit of open files stays as it is: {error}");
    }
    let listener = listener::open(options.listen).map_err(|error| match error {
        listener::Error::HandedOver(reason) => (fatal::WRONG_SETTING, reason),
        listener::Error::Bind(reason) => cannot(reason),
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot(error.to_string()))?;
    let (sender, events) = mpsc::channel();
    signals.forward(sender.clone()).map_err(no_signals)?;
    let service = Service::start(listener, options.reading.clone(), sender)
        .map_err(|error| cannot(format!("cannot start: {error}")))?;
    announce(&address, &options.reading);
    let status = Status::new(address, &options.reading);
    supervision::run(service, &events, status).map_err(cannot)
}

fn announce(address: &SocketAddr, reading: &Reading) {
    let version = env!("CARGO_PKG_VERSION");
    let line = format!("publicip-poc {version} listens on {address}; client: {reading}");
    match reading {
        Reading::TrustedHops { .. } => log::info!("{line}"),
        Reading::FirstEntry => log::warn!(
            "{line}, which clients can forge: set --trusted-hops 1 behind one load balancer"
        ),
    }
}
