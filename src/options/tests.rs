use proptest::prelude::*;

use super::*;
use crate::answer::client::tests::trusting;

fn parsed(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Command, Error> {
    let environment = environment
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    parse(arguments.iter().map(OsString::from), environment)
}

fn options(arguments: &[&str], environment: &[(&str, &str)]) -> Options {
    match parsed(arguments, environment) {
        Ok(Command::Serve(options)) => options,
        other => panic!("{arguments:?} {environment:?}: {other:?}"),
    }
}

/// The error without the usage.
fn line(error: Error) -> String {
    match error {
        Error::Usage(line) | Error::Variable(line) => line,
    }
}

#[test]
fn defaults() {
    let defaults = Options {
        listen: None,
        reading: Reading::FirstEntry,
        log_level: LevelFilter::Info,
    };
    assert_eq!(options(&[], &[]), defaults);
    let empty = ["LISTEN", "TRUSTED_HOPS", "TRUSTED_PEERS", "LOG_LEVEL"]
        .map(|name| format!("PUBLICIP_POC_{name}"));
    assert_eq!(
        options(&[], &empty.each_ref().map(|name| (name.as_str(), ""))),
        defaults
    );
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let environment = [
        ("PUBLICIP_POC_LISTEN", "127.0.0.1:1"),
        ("PUBLICIP_POC_TRUSTED_HOPS", "1"),
        ("PUBLICIP_POC_TRUSTED_PEERS", "10.0.1.0/24"),
        ("PUBLICIP_POC_LOG_LEVEL", "WARN"),
    ];
    let from_environment = options(&[], &environment);
    assert_eq!(from_environment.listen, Some(([127, 0, 0, 1], 1).into()));
    assert_eq!(from_environment.reading, trusting(1, &["10.0.1.0/24"]));
    assert_eq!(from_environment.log_level, LevelFilter::Warn);
    let arguments = [
        "--listen=[::1]:2",
        "--trusted-hops",
        "2",
        "--trusted-peers=::1",
        "--log-level",
        "off",
    ];
    let from_both = options(&arguments, &environment);
    assert_eq!(from_both.listen, Some("[::1]:2".parse().unwrap()));
    assert_eq!(from_both.reading, trusting(2, &["::1/128"]));
    assert_eq!(from_both.log_level, LevelFilter::Off);
}

#[test]
fn the_command_line_also_wins_over_a_wrong_variable() {
    let environment = [("PUBLICIP_POC_LISTEN", "nonsense")];
    assert_eq!(
        options(&["--listen", "127.0.0.1:1"], &environment).listen,
        Some(([127, 0, 0, 1], 1).into())
    );
}

#[test]
fn networks() {
    for (text, expected) in [
        ("10.0.0.0/8", &["10.0.0.0/8"][..]),
        ("10.0.1.0/24, 10.0.2.0/24", &["10.0.1.0/24", "10.0.2.0/24"]),
        ("10.0.0.1", &["10.0.0.1/32"]),
        ("2001:db8::1", &["2001:db8::1/128"]),
        ("::ffff:10.0.0.0/104", &["10.0.0.0/8"]),
        ("::ffff:10.0.0.1", &["10.0.0.1/32"]),
        ("::/0", &["::/0"]),
    ] {
        let arguments = ["--trusted-hops=1", "--trusted-peers", text];
        assert_eq!(
            options(&arguments, &[]).reading,
            trusting(1, expected),
            "{text}"
        );
    }
}

#[test]
fn wrong_values_are_named_with_what_is_accepted() {
    for (arguments, environment, named, accepted) in [
        (
            &["--trusted-hop"][..],
            &[][..],
            "--trusted-hop'",
            "; see --help",
        ),
        (&["stray"], &[], "stray", "; see --help"),
        (&["-x"], &[], "-x", "; see --help"),
        (&["--listen"], &[], "--listen", ""),
        (
            &["--trusted-hops=1", "--trusted-hops", "2"],
            &[],
            "--trusted-hops is given twice",
            "",
        ),
        (
            &["--listen", "8080"],
            &[],
            "--listen: \"8080\"",
            "127.0.0.1:8080",
        ),
        (
            &[],
            &[("PUBLICIP_POC_LISTEN", "here")],
            "PUBLICIP_POC_LISTEN: \"here\"",
            "[::]:80",
        ),
        (
            &["--trusted-hops", "0"],
            &[],
            "--trusted-hops: \"0\"",
            "1 or greater",
        ),
        (
            &["--trusted-hops", "-1"],
            &[],
            "--trusted-hops: \"-1\"",
            "1 or greater",
        ),
        (
            &["--trusted-hops=1", "--trusted-peers=10.0.0.1/6000"],
            &[],
            "10.0.0.1/6000",
            "10.0.1.0/24",
        ),
        (
            &["--trusted-hops=1", "--trusted-peers=::1/6000"],
            &[],
            "::1/6000",
            "10.0.1.0/24",
        ),
        (
            &["--trusted-hops=1", "--trusted-peers=10.0.300.1"],
            &[],
            "10.0.300.1",
            "10.0.1.0/24",
        ),
        (
            &["--trusted-hops=1", "--trusted-peers=10.0.0.1,"],
            &[],
            "\"\" is not a network",
            "10.0.1.0/24",
        ),
        (
            &["--trusted-peers=10.0.0.1"],
            &[],
            "--trusted-peers requires --trusted-hops",
            "",
        ),
        (
            &[],
            &[("PUBLICIP_POC_TRUSTED_PEERS", "10.0.0.1")],
            "PUBLICIP_POC_TRUSTED_PEERS requires PUBLICIP_POC_TRUSTED_HOPS",
            "",
        ),
        (
            &["--trusted-hops=1", "--trusted-peers=10.0.1.5/24,::1,x"],
            &[],
            "\"10.0.1.5/24\" has host bits set: use 10.0.1.0/24",
            "\"x\" is not a network",
        ),
        (
            &[],
            &[("PUBLICIP_POC_LOG_LEVEL", "loud")],
            "PUBLICIP_POC_LOG_LEVEL: \"loud\"",
            "debug",
        ),
    ] {
        let error = parsed(arguments, environment).unwrap_err();
        let usage = environment.is_empty();
        assert_eq!(matches!(error, Error::Usage(_)), usage, "{error}");
        let error = line(error);
        assert!(error.contains(named) && error.contains(accepted), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn values_that_are_not_text_are_wrong_and_errors_stay_on_one_line() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(b"a\nb\xff".to_vec());
    let option = OsString::from("--a\nb");
    for arguments in [
        vec!["--listen".into(), value.clone()],
        vec![value],
        vec![option],
    ] {
        let error = line(parse(arguments, []).unwrap_err());
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_unknown_variable_is_wrong_and_all_are_named() {
    let names = "PUBLICIP_POC_LISTEN, PUBLICIP_POC_TRUSTED_HOPS, PUBLICIP_POC_TRUSTED_PEERS, \
                 PUBLICIP_POC_LOG_LEVEL";
    for (name, value) in [
        ("PUBLICIP_POC_TRUSTED_HOP", "1"),
        ("PUBLICIP_TRUSTED_HOPS", "1"),
        ("publicip_poc_trusted_hops", "1"),
        ("PublicIP", "1"),
        ("PUBLICIP_POC_TRUSTED_HOPS_", ""),
    ] {
        // Whatever else is set.
        let error = parsed(&["--trusted-hops=1"], &[(name, value)]).unwrap_err();
        let expected = format!("{name} is not a known variable; they are {names}");
        assert_eq!(error, Error::Variable(expected));
        assert_eq!(
            parsed(&["--version"], &[(name, value)]),
            Ok(Command::Version)
        );
    }
    assert_eq!(options(&[], &[("PUBLIC_IP", "1")]), options(&[], &[]));
}

#[test]
fn check_is_serve_that_does_not_serve() {
    for arguments in [
        &["--trusted-hops=1", "--check"],
        &["--check", "--trusted-hops=1"],
    ] {
        let expected = options(&["--trusted-hops=1"], &[]);
        assert_eq!(parsed(arguments, &[]), Ok(Command::Check(expected)));
    }
    assert!(parsed(&["--check", "--listen=x"], &[]).is_err());
}

#[test]
fn help_and_version() {
    assert_eq!(parsed(&["--help"], &[]), Ok(Command::Help));
    assert_eq!(
        parsed(&["--listen", "127.0.0.1:1", "--version"], &[]),
        Ok(Command::Version)
    );
    // Help is shown even if something else is wrong.
    let environment = [("PUBLICIP_POC_LISTEN", "nonsense")];
    assert_eq!(parsed(&["--help"], &environment), Ok(Command::Help));
}

proptest! {
    #[test]
    fn nothing_panics_and_errors_are_one_line(arguments in prop::collection::vec(any::<String>(), 0..4)) {
        if let Err(error) = parse(arguments.into_iter().map(OsString::from), []) {
            prop_assert_eq!(line(error).lines().count(), 1);
        }
    }

    #[test]
    fn any_value_is_accepted_or_named(value in any::<String>()) {
        for option in ["--listen", "--trusted-hops", "--trusted-peers", "--log-level"] {
            if let Err(error) = parse([option.into(), OsString::from(&value)], []) {
                let error = line(error);
                prop_assert!(error.contains(option));
                prop_assert_eq!(error.lines().count(), 1);
            }
        }
    }
}
