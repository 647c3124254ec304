//! What can be set: from the command line, else from the environment, else the default.

use std::ffi::OsString;
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
                       needs --trusted-hops
                       [env: PUBLICIP_POC_TRUSTED_PEERS]
  --log-level LEVEL    off, error, warn, info, debug or trace; default info
                       [env: PUBLICIP_POC_LOG_LEVEL]
  --help               print this and exit
  --version            print the version and exit

Exit status: 0 stopped by SIGTERM or SIGINT, 1 cannot serve, 2 wrong setting.
See publicip-poc(8).";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Serve with these options.
    Serve(Options),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// The settings of a running service.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Where to listen; `None` is any address, port 8080.
    pub listen: Option<SocketAddr>,
    /// How the client's address is decided.
    pub reading: Reading,
    /// The least severe level that is logged.
    pub log_level: LevelFilter,
}

/// A value and the name it was given under, which an error message repeats.
struct Given {
    name: &'static str,
    value: OsString,
}

/// The raw values, still untyped.
#[derive(Default)]
struct Settings {
    listen: Option<Given>,
    trusted_hops: Option<Given>,
    trusted_peers: Option<Given>,
    log_level: Option<Given>,
}

/// Reads the command line `arguments` (without the program's name) over the `environment`.
///
/// # Errors
/// One line that names what was wrong and what is accepted.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, String> {
    // An empty variable counts as unset, so that a configuration file can list every name.
    let variable = |name| {
        let value = environment(name).filter(|value| !value.is_empty())?;
        Some(Given { name, value })
    };
    let mut settings = Settings {
        listen: variable("PUBLICIP_POC_LISTEN"),
        trusted_hops: variable("PUBLICIP_POC_TRUSTED_HOPS"),
        trusted_peers: variable("PUBLICIP_POC_TRUSTED_PEERS"),
        log_level: variable("PUBLICIP_POC_LOG_LEVEL"),
    };
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        use lexopt::Arg::Long;
        let (name, setting) = match argument {
            Long("listen") => ("--listen", &mut settings.listen),
            Long("trusted-hops") => ("--trusted-hops", &mut settings.trusted_hops),
            Long("trusted-peers") => ("--trusted-peers", &mut settings.trusted_peers),
            Long("log-level") => ("--log-level", &mut settings.log_level),
            Long("help") | lexopt::Arg::Short('h') => return Ok(Command::Help),
            Long("version") | lexopt::Arg::Short('V') => return Ok(Command::Version),
            other => return Err(other.unexpected().to_string()),
        };
        let value = parser.value().map_err(|error| error.to_string())?;
        *setting = Some(Given { name, value });
    }
    settings.typed().map(Command::Serve)
}

impl Settings {
    fn typed(self) -> Result<Options, String> {
        let listen = self.listen.map(|given| {
            given.read(
                "an address and port such as 127.0.0.1:8080 or [::]:80",
                |text| text.parse().ok(),
            )
        });
        let log_level = self.log_level.map(|given| {
            given.read("off, error, warn, info, debug or trace", |text| {
                text.parse().ok()
            })
        });
        Ok(Options {
            listen: listen.transpose()?,
            reading: reading(self.trusted_hops, self.trusted_peers)?,
            log_level: log_level.transpose()?.unwrap_or(LevelFilter::Info),
        })
    }
}

fn reading(hops: Option<Given>, peers: Option<Given>) -> Result<Reading, String> {
    let Some(hops) = hops else {
        return match peers {
            None => Ok(Reading::FirstEntry),
            Some(peers) => Err(format!(
                "{} needs trusted hops: set --trusted-hops as well",
                peers.name
            )),
        };
    };
    let hops = hops.read("a number from 1, or unset for the first entry", |text| {
        text.parse::<NonZeroUsize>().ok()
    })?;
    let peers = peers.map_or(Ok(Vec::new()), |given| {
        given.read(
            "a list of networks such as 10.0.1.0/24,10.0.2.0/24",
            |text| text.split(',').map(|entry| network(entry.trim())).collect(),
        )
    })?;
    Ok(Reading::TrustedHops { hops, peers })
}

/// A network in CIDR notation, or one address. IPv4-mapped ones become IPv4, as peers do.
fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    match (network.addr().to_canonical(), network.prefix_len()) {
        (IpAddr::V4(address), length @ 96..) => IpNet::new(address.into(), length - 96).ok(),
        _ => Some(network),
    }
}

impl Given {
    fn read<T>(&self, accepted: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        self.value
            .to_str()
            .and_then(parse)
            .ok_or_else(|| format!("{}: {:?} is not {accepted}", self.name, self.value))
    }
}

#[cfg(test)]
mod tests;
