//! What is said about the program agrees: `--help`, the man page, the configuration file, the
//! README, the changelog and the version.

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::command;

fn file(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn help() -> String {
    String::from_utf8(command(&["--help"]).output().unwrap().stdout).unwrap()
}

/// All words of a text that begin like this.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let part = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let words = text.split(|character| !part(character));
    words
        .filter(|word| word.starts_with(prefix) && *word != prefix)
        .map(str::to_owned)
        .collect()
}

/// The man page with roff's escapes taken out.
fn manual() -> String {
    file("packaging/publicip-poc.8")
        .replace("\\-", "-")
        .replace("\\fB", "")
        .replace("\\fR", "")
}

#[test]
fn the_manual_has_the_options_of_the_help() {
    let options = words(&help(), "--");
    assert!(options.len() >= 6, "{options:?}");
    let manual = words(&manual(), "--");
    assert_eq!(
        options.difference(&manual).count(),
        0,
        "{options:?} {manual:?}"
    );
}

#[test]
fn the_readme_has_the_options_that_set_something() {
    let mut options = words(&help(), "--");
    options.retain(|option| option != "--help" && option != "--version");
    let readme = words(&file("README.md"), "--");
    assert_eq!(
        options.difference(&readme).count(),
        0,
        "{options:?} {readme:?}"
    );
}

#[test]
fn the_variables_are_the_same_everywhere() {
    let prefix = "PUBLICIP_POC_";
    let variables = words(&help(), prefix);
    assert_eq!(variables.len(), 4);
    assert_eq!(words(&manual(), prefix), variables);
    assert_eq!(words(&file("README.md"), prefix), variables);
    // The socket unit decides where to listen.
    let mut configured = words(&file("packaging/publicip-poc.conf"), prefix);
    configured.insert("PUBLICIP_POC_LISTEN".into());
    assert_eq!(configured, variables);
}

#[test]
fn the_default_port_is_the_programs_everywhere() {
    let check = String::from_utf8(command(&["--check"]).output().unwrap().stdout).unwrap();
    let address = check
        .strip_prefix("OK: ")
        .and_then(|check| check.split_once(';'));
    let (address, _) = address.expect("an address");
    let port = address.strip_prefix("[::]:").expect("every address");
    let readme = format!("| `--listen ADDR:PORT` | `PUBLICIP_POC_LISTEN` | `{address}` |");
    assert!(file("README.md").contains(&readme), "{readme}");
    for text in [help(), manual()] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let default = format!("{address}, or 0.0.0.0:{port} ");
        assert!(text.contains(&default), "{default}: {text}");
    }
}

#[test]
fn the_changelog_has_this_version() {
    let heading = format!("\n## [{}] - 20", env!("CARGO_PKG_VERSION"));
    assert!(file("CHANGELOG.md").contains(&heading));
}

#[test]
fn the_manual_is_of_this_version() {
    assert!(manual().contains(&format!("publicip-poc {}", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_readme_states_the_toolchain_that_the_manifest_asks_for() {
    assert!(file("README.md").contains(&format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"))));
}
