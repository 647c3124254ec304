//! Shows the address a client has in front of an Application Load Balancer.
//!
//! `main` wires the rooms together. `server` receives a request (tiny_http, and the guards against
//! what it does not handle), `service` handles it, and `answer` decides what to say: the client's
//! address, the page. `supervision` ends the service. Imports go one way:
//! main -> supervision -> server, host; main -> service -> server; all of these -> answer.
//!
//! | to change | go to |
//! | --- | --- |
//! | the page, or the text and JSON forms | `answer/page.rs`, `answer/forms.rs` |
//! | whose address is shown | `answer/client.rs` |
//! | which requests are refused | `answer/mod.rs`, `server/syntax.rs` |
//! | a guard against hostile requests | `server/mod.rs` lists them |
//! | an option or a variable | `options.rs` |
//! | how the service stops | `supervision.rs`, `Server::drain` |
//! | the log, the socket, systemd, exit statuses | `host/` |

mod answer;
mod host;
mod options;
mod server;
mod service;
mod supervision;

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use log::Level;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use answer::client::Reading;
use host::exit::{self, Failure};
use host::signals::Signals;
use host::systemd::{self, Status};
use host::{listener, logging};
use options::{Command, Options};
use server::Server;
use supervision::Event;

/// The log target of the start-up lines, which operators filter by.
const LOG: &str = "publicip_poc";

/// Pause after a start that failed under systemd, which starts the service again after 100 ms: the
/// journal stays readable.
const RESTART_PAUSE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let command = options::parse(env::args_os().skip(1), env::vars_os());
    let result = match command {
        Ok(Command::Help) => print(&format!("{}\n\n{}", options::USAGE, options::HELP)),
        Ok(Command::Version) => print(concat!("publicip-poc ", env!("CARGO_PKG_VERSION"))),
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
            if failure.lasts() && systemd::is_manager() {
                thread::sleep(RESTART_PAUSE);
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Unlike `println!`, does not panic if standard output is closed.
fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}")
        .map_err(|error| Failure::Start(format!("cannot print: {error}")))
}

/// Each connection takes two descriptors. The soft limit is usually 1,024, for programs that call
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
    let reading = &options.reading;
    let cannot = |what, error: io::Error| Failure::Start(format!("{what}: {error}"));
    exit::install_panic_policy();
    let signals = Signals::block().map_err(|error| cannot("cannot wait for signals", error))?;
    logging::start(options.log_level).map_err(Failure::Start)?;
    if let Err(error) = raise_open_file_limit() {
        log::warn!(target: LOG, "the limit of open files stays as it is: {error}");
    }
    let listener = listener::open(options.listen)?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot("cannot listen", error))?;
    let (sender, events) = mpsc::channel();
    let (on_signal, on_fault) = (sender.clone(), sender);
    // Sending fails only when the service is already ending.
    signals
        .forward(move |signal| drop(on_signal.send(Event::Stop(signal))))
        .map_err(|error| cannot("cannot wait for signals", error))?;
    let status = Status::new(address, reading);
    announce(&address, reading);
    let reading = reading.clone();
    let server = Server::start(
        listener,
        move |exchange| service::serve(exchange, &reading),
        move |fault| drop(on_fault.send(Event::Fault(fault))),
    )
    .map_err(|error| cannot("cannot start", error))?;
    supervision::run(server, &events, status).map_err(|fault| Failure::Service(fault.to_string()))
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
    log::info!(target: LOG, "version {}", env!("CARGO_PKG_VERSION"));
    log::log!(target: LOG, level, "{client}");
    let url = listener::url(*address);
    log::log!(target: LOG, level, "listens on {address}; open {url}");
}
