//! Settings: from the command line, else from the environment, else the default.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;

use ipnet::IpNet;
use log::LevelFilter;

use crate::answer::client::Reading;

/// What `--help` prints; the usage line also follows a usage error.
pub const USAGE: &str = "\
Usage: publicip-poc [--listen ADDR:PORT] [--trusted-hops N]
                    [--trusted-peers CIDR[,CIDR...]] [--log-level LEVEL]";

/// What `--help` prints below [`USAGE`].
pub const HELP: &str = "\
Shows the address a client has in front of an Application Load Balancer.

Options:
  --listen ADDR:PORT   where to listen; default [::]:8080, or 0.0.0.0:8080
                       without IPv6; not used when systemd hands over a socket
                       [env: PUBLICIP_POC_LISTEN]
  --trusted-hops N     the client is the Nth X-Forwarded-For entry from the
                       right, 1 behind one load balancer; unset, it is the
                       first entry, which any client can forge
                       [env: PUBLICIP_POC_TRUSTED_HOPS]
  --trusted-peers CIDR[,CIDR...]
                       whose X-Forwarded-For is believed; default everyone's;
                       requires --trusted-hops
                       [env: PUBLICIP_POC_TRUSTED_PEERS]
  --log-level LEVEL    off, error, warn, info, debug or trace; default info
                       [env: PUBLICIP_POC_LOG_LEVEL]
  -h, --help           print this and exit
  -V, --version        print the version and exit

Exit status: 0 stopped by SIGTERM or SIGINT, 1 cannot serve, 2 wrong setting.
See publicip-poc(8).";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Serve with these settings.
    Serve {
        /// Where to listen; `None` is port 8080 on every address.
        listen: Option<SocketAddr>,
        /// How the client's address is determined.
        reading: Reading,
        /// The least severe level that is logged.
        log_level: LevelFilter,
    },
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// One line that says what is wrong and what is accepted.
#[derive(Debug, PartialEq)]
pub enum Error {
    /// The command line is wrong: the usage follows the line.
    Usage(String),
    /// A variable is wrong.
    Variable(String),
}

/// An option and its variable.
struct Setting {
    option: &'static str,
    variable: &'static str,
    /// The raw value, and the name it was given under.
    given: Option<(&'static str, OsString)>,
}

/// All settings, still untyped.
struct Settings {
    listen: Setting,
    trusted_hops: Setting,
    trusted_peers: Setting,
    log_level: Setting,
}

/// The start of every variable's name.
const PREFIX: &str = "PUBLICIP_POC_";

/// Reads the command line `arguments`, without the program's name, and the `environment`.
///
/// # Errors
/// An option, a variable or a value is unknown.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Error> {
    let usage = |error: lexopt::Error| Error::Usage(one_line(&error.to_string()));
    let mut settings = Settings::new();
    let unknown = settings.read_environment(environment);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(usage)? {
        use lexopt::Arg::{Long, Short};
        let setting = match argument {
            Long("listen") => &mut settings.listen,
            Long("trusted-hops") => &mut settings.trusted_hops,
            Long("trusted-peers") => &mut settings.trusted_peers,
            Long("log-level") => &mut settings.log_level,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("version") | Short('V') => return Ok(Command::Version),
            other => return Err(usage(other.unexpected())),
        };
        setting.given = Some((setting.option, parser.value().map_err(usage)?));
    }
    // SECURITY: a misspelt variable must not silently leave the address forgeable.
    unknown.map_or_else(|| settings.typed(), Err)
}

impl Settings {
    fn new() -> Self {
        let setting = |option, variable| Setting {
            option,
            variable,
            given: None,
        };
        Self {
            listen: setting("--listen", "PUBLICIP_POC_LISTEN"),
            trusted_hops: setting("--trusted-hops", "PUBLICIP_POC_TRUSTED_HOPS"),
            trusted_peers: setting("--trusted-peers", "PUBLICIP_POC_TRUSTED_PEERS"),
            log_level: setting("--log-level", "PUBLICIP_POC_LOG_LEVEL"),
        }
    }

    /// Takes the variables; returns an error if one is unknown. An empty variable counts as unset, so
    /// that a configuration file can list every name.
    fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Option<Error> {
        let mut settings = [
            &mut self.listen,
            &mut self.trusted_hops,
            &mut self.trusted_peers,
            &mut self.log_level,
        ];
        let mut unknown = None;
        for (name, value) in environment {
            let name = name.to_string_lossy();
            if !name.starts_with(PREFIX) || value.is_empty() {
                continue;
            }
            let setting = settings
                .iter_mut()
                .max_by_key(|setting| similarity(setting.variable, &name))
                .expect("there are settings");
            if setting.variable == name {
                setting.given = Some((setting.variable, value));
            } else {
                unknown = Some(Error::Variable(format!(
                    "{} is not a known variable; the nearest is {}",
                    one_line(&name),
                    setting.variable
                )));
            }
        }
        unknown
    }

    fn typed(self) -> Result<Command, Error> {
        let listen = self.listen.read(
            "an address and port such as 127.0.0.1:8080 or [::]:80",
            |text| text.parse().ok(),
        )?;
        let log_level = self
            .log_level
            .read("off, error, warn, info, debug or trace", |text| {
                text.parse().ok()
            })?;
        Ok(Command::Serve {
            listen,
            reading: reading(&self.trusted_hops, &self.trusted_peers)?,
            log_level: log_level.unwrap_or(LevelFilter::Info),
        })
    }
}

fn reading(hops: &Setting, peers: &Setting) -> Result<Reading, Error> {
    let accepted = "a whole number, 1 or greater; leave it unset to use the first entry";
    let number = hops.read(accepted, |text| text.parse::<NonZeroUsize>().ok())?;
    match (number, &peers.given) {
        (None, None) => Ok(Reading::FirstEntry),
        (None, Some((name, _))) => {
            // Names the other setting the way this one was given.
            let required = if *name == peers.option {
                hops.option
            } else {
                hops.variable
            };
            Err(wrong(name, format!("{name} requires {required}")))
        }
        (Some(hops), _) => Ok(Reading::TrustedHops {
            hops,
            peers: networks(peers)?,
        }),
    }
}

/// A list of networks; the error names every wrong entry.
fn networks(setting: &Setting) -> Result<Vec<IpNet>, Error> {
    let Some((name, value)) = &setting.given else {
        return Ok(Vec::new());
    };
    let list = value.to_string_lossy();
    let (networks, faults): (Vec<_>, Vec<_>) = list
        .split(',')
        .map(|entry| network(entry.trim()))
        .partition(Result::is_ok);
    if faults.is_empty() {
        return Ok(networks.into_iter().flatten().collect());
    }
    let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
    Err(wrong(name, format!("{name}: {}", faults.join("; "))))
}

/// A network in CIDR notation, or one address. IPv4-mapped ones become IPv4, as peers do.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{text:?} is not a network such as 10.0.1.0/24 or an address"))?;
    if network != network.trunc() {
        let meant = network.trunc();
        let address = network.addr();
        return Err(format!(
            "{text:?} has host bits set: use {meant} for the network or {address} for the host"
        ));
    }
    Ok(
        match (network.addr().to_canonical(), network.prefix_len()) {
            (IpAddr::V4(address), length @ 96..) => {
                IpNet::new(address.into(), length - 96).expect("a prefix of 0 to 32 bits")
            }
            _ => network,
        },
    )
}

impl Setting {
    fn read<T>(
        &self,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some((name, value)) = &self.given else {
            return Ok(None);
        };
        match value.to_str().and_then(parse) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong(name, format!("{name}: {value:?} is not {accepted}"))),
        }
    }
}

fn wrong(name: &str, line: String) -> Error {
    if name.starts_with("--") {
        Error::Usage(line)
    } else {
        Error::Variable(line)
    }
}

/// How many leading characters two names share.
fn similarity(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// The text with its control characters escaped.
fn one_line(text: &str) -> String {
    let escaped = |character: char| match character {
        _ if character.is_control() => character.escape_default().to_string(),
        _ => character.to_string(),
    };
    text.chars().map(escaped).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(line) => write!(out, "{line}\n{USAGE}"),
            Self::Variable(line) => out.write_str(line),
        }
    }
}

#[cfg(test)]
mod tests;
