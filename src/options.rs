//! Settings: from the command line, else from the environment, else the default.

mod networks;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use log::LevelFilter;

use crate::answer::client::Reading;

/// What `--help` prints; the usage line also follows a usage error.
pub const USAGE: &str = "\
Usage: publicip-poc [--check] [--listen ADDR:PORT] [--trusted-hops N]
                    [--trusted-peers CIDR[,CIDR...]] [--log-level LEVEL]";

/// What `--help` prints below [`USAGE`].
pub const HELP: &str = "\
Show clients the address they connect from, even behind a load balancer.

Options:
  --listen ADDR:PORT   where to listen; default [::]:8080, or 0.0.0.0:8080
                       without IPv6; ignored, with a warning, if systemd
                       passes a socket [env: PUBLICIP_POC_LISTEN]
  --trusted-hops N     the Nth entry from the right, counted across all
                       X-Forwarded-For headers, is the client: 1 behind one
                       load balancer; default: the first entry, which any
                       client can forge [env: PUBLICIP_POC_TRUSTED_HOPS]
  --trusted-peers CIDR[,CIDR...]
                       believe X-Forwarded-For only from these networks;
                       default: from anyone; requires --trusted-hops
                       [env: PUBLICIP_POC_TRUSTED_PEERS]
  --log-level LEVEL    log this level and anything more severe: off, error,
                       warn, info, debug or trace; default info
                       [env: PUBLICIP_POC_LOG_LEVEL]
  --check              check the settings, print them and exit
  -h, --help           print this and exit
  -V, --version        print the version and exit

Exit status: 0 stopped by a signal, 1 cannot serve, 2 wrong setting.
See publicip-poc(8).";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Serve with these options.
    Serve(Options),
    /// Print these options.
    Check(Options),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// All settings, read and checked.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Where to listen, if it is set.
    pub listen: Option<SocketAddr>,
    /// How the client's address is determined.
    pub reading: Reading,
    /// The least severe level that is logged.
    pub log_level: LevelFilter,
}

/// One line that says what is wrong and what is accepted.
#[derive(Debug, PartialEq)]
pub enum Error {
    /// The command line is wrong: the usage follows the line.
    Usage(String),
    /// A variable is wrong.
    Variable(String),
}

/// Every option that takes a value, and its variable.
const SETTINGS: [(&str, &str); 4] = [
    ("--listen", "PUBLICIP_POC_LISTEN"),
    ("--trusted-hops", "PUBLICIP_POC_TRUSTED_HOPS"),
    ("--trusted-peers", "PUBLICIP_POC_TRUSTED_PEERS"),
    ("--log-level", "PUBLICIP_POC_LOG_LEVEL"),
];

/// The values that were given, by option, and the name each was given under.
#[derive(Default)]
struct Given(BTreeMap<&'static str, (&'static str, OsString)>);

/// Reads the command line `arguments`, without the program's name, and the `environment`.
///
/// # Errors
/// An option, a variable or a value is unknown, or an option is repeated.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Error> {
    use lexopt::Arg::{Long, Short};
    let usage = |error: lexopt::Error| Error::Usage(one_line(&error.to_string()));
    let mut given = Given::default();
    let environment = given.read_environment(environment);
    let mut command: fn(Options) -> Command = Command::Serve;
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(usage)? {
        let setting = match argument {
            Long("check") => {
                command = Command::Check;
                continue;
            }
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("version") | Short('V') => return Ok(Command::Version),
            Long(name) => SETTINGS.iter().find(|(option, _)| option[2..] == *name),
            _ => None,
        };
        let Some((option, _)) = setting else {
            let wrong = one_line(&argument.unexpected().to_string());
            return Err(Error::Usage(format!("{wrong}; see --help")));
        };
        let value = parser.value().map_err(usage)?;
        let before = given.0.insert(option, (option, value));
        if before.is_some_and(|(name, _)| name == *option) {
            return Err(Error::Usage(format!("{option} is given twice")));
        }
    }
    // After the command line, because --help works whatever the environment says.
    environment?;
    given.typed().map(command)
}

impl Given {
    /// Takes the variables. An empty one counts as unset, so that a configuration file can list every
    /// name.
    fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), Error> {
        for (name, value) in environment {
            let name = name.to_string_lossy();
            let setting = SETTINGS.iter().find(|(_, variable)| *variable == name);
            if let Some((option, variable)) = setting {
                if !value.is_empty() {
                    self.0.insert(option, (variable, value));
                }
            } else if name.to_ascii_uppercase().starts_with("PUBLICIP") {
                // SECURITY: a misspelt variable must not silently leave the address forgeable.
                return Err(Error::Variable(format!(
                    "{} is not a known variable; they are {}",
                    one_line(&name),
                    SETTINGS.map(|(_, variable)| variable).join(", ")
                )));
            }
        }
        Ok(())
    }

    fn typed(&self) -> Result<Options, Error> {
        let listen = self.read(
            "--listen",
            "an address and port such as 127.0.0.1:8080 or [::]:80",
            |text| text.parse().ok(),
        )?;
        let log_level = self.read(
            "--log-level",
            "off, error, warn, info, debug or trace",
            |text| text.parse().ok(),
        )?;
        Ok(Options {
            listen,
            reading: self.reading()?,
            log_level: log_level.unwrap_or(LevelFilter::Info),
        })
    }

    fn reading(&self) -> Result<Reading, Error> {
        let hops = self.read(
            "--trusted-hops",
            "a whole number, 1 or greater; leave it unset to use the first entry",
            |text| text.parse::<NonZeroUsize>().ok(),
        )?;
        match (hops, self.0.get("--trusted-peers")) {
            (None, None) => Ok(Reading::FirstEntry),
            (None, Some((name, _))) => {
                // The other name of the same kind.
                let required = name.replace("PEERS", "HOPS").replace("peers", "hops");
                Err(wrong(name, format!("{name} requires {required}")))
            }
            (Some(hops), None) => Ok(Reading::TrustedHops {
                hops,
                peers: Vec::new(),
            }),
            (Some(hops), Some((name, value))) => {
                let peers = networks::parse(&value.to_string_lossy())
                    .map_err(|fault| wrong(name, format!("{name}: {fault}")))?;
                Ok(Reading::TrustedHops { hops, peers })
            }
        }
    }

    fn read<T>(
        &self,
        option: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some((name, value)) = self.0.get(option) else {
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
