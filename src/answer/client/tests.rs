use proptest::prelude::*;

use super::*;

/// The reading with these networks trusted, for this and other tests.
pub fn trusting(hops: usize, peers: &[&str]) -> Reading {
    let peers = peers
        .iter()
        .map(|network| network.parse().unwrap())
        .collect();
    Reading::TrustedHops {
        hops: NonZeroUsize::new(hops).unwrap(),
        peers,
    }
}

fn told(reading: &Reading, peer: &str, lines: &[&str]) -> Option<String> {
    let told = original(reading, peer, lines.iter().copied());
    told.map(Cow::into_owned)
}

#[test]
fn first_entry_as_it_came() {
    for (lines, expected) in [
        (&[][..], None),
        (&[""], None),
        (&["203.0.113.195"], Some("203.0.113.195")),
        (&[" 203.0.113.195\t, 70.41.3.18"], Some("203.0.113.195")),
        (&["8.8.8.8", "203.0.113.195"], Some("8.8.8.8")),
        (&["", "203.0.113.195"], None),
        (&[", 203.0.113.195"], Some("")),
        (&["not an address, 203.0.113.195"], Some("not an address")),
        (&["\x1f\x1c 203.0.113.195\x1d\x1e"], Some("203.0.113.195")),
    ] {
        let told = told(&Reading::FirstEntry, "10.0.1.5", lines);
        assert_eq!(told.as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn the_nth_entry_from_the_right() {
    // From nginx's realip.t, Envoy's utility_test.cc, jshttp's forwarded, imbolc's client-ip,
    // and the ALB's documentation.
    let envoy = "192.0.2.10, 192.0.2.1 ,10.0.0.1,10.0.0.2";
    for (hops, lines, expected) in [
        (1, &[][..], None),
        (1, &["192.0.2.1", "127.0.0.1, 10.0.1.1"], Some("10.0.1.1")),
        (1, &[envoy], Some("10.0.0.2")),
        (2, &[envoy], Some("10.0.0.1")),
        (3, &[envoy], Some("192.0.2.1")),
        (4, &[envoy], Some("192.0.2.10")),
        (5, &[envoy], None),
        (usize::MAX, &[envoy], None),
        (3, &["192.0.2.1", "127.0.0.1, 10.0.1.1"], Some("192.0.2.1")),
        (1, &[""], None),
        (1, &[","], None),
        (1, &[", "], None),
        (1, &[", bad"], None),
        (1, &[" 10.0.0.2 ,  , 10.0.0.1 "], Some("10.0.0.1")),
        (2, &[" 10.0.0.2 ,  , 10.0.0.1 "], Some("10.0.0.2")),
        (2, &["10.0.0.2", "", "10.0.0.1,"], Some("10.0.0.2")),
        (1, &["1.2.3.4,foo"], None),
        (1, &["foo,1.2.3.4"], Some("1.2.3.4")),
        (2, &["8.8.8.8, foo, 1.2.3.4"], None),
        (1, &["8.8.8.8, 203.0.113.7"], Some("203.0.113.7")),
    ] {
        let told = told(&trusting(hops, &[]), "10.0.1.5", lines);
        assert_eq!(told.as_deref(), expected, "{hops} {lines:?}");
    }
}

#[test]
fn forms_of_an_entry() {
    for (entry, expected) in [
        ("203.0.113.7", Some("203.0.113.7")),
        ("203.0.113.7:4711", Some("203.0.113.7")),
        ("203.0.113.7:65536", None),
        ("203.0.113.7:", None),
        ("203.0.113.7:+1", None),
        ("203.0.113.7%eth0", None),
        ("203.0.113.07", None),
        ("203.0.113", None),
        ("2001:DB8:0:0::1", Some("2001:db8::1")),
        ("[2001:db8::1]", Some("2001:db8::1")),
        ("[2001:db8::1]:4711", Some("2001:db8::1")),
        ("[2001:db8::1]4711", None),
        ("[2001:db8::1]:", None),
        ("[2001:db8::1", None),
        ("[203.0.113.7]", None),
        ("fe80::1%eth0", Some("fe80::1")),
        ("[fe80::1%25eth0]:80", Some("fe80::1")),
        ("fe80::1%", None),
        ("::ffff:203.0.113.7", Some("203.0.113.7")),
        ("[::ffff:203.0.113.7]:80", Some("203.0.113.7")),
        ("unknown", None),
        ("_hidden", None),
        ("1", None),
        ("::", Some("::")),
    ] {
        let told = told(&trusting(1, &[]), "10.0.1.5", &[entry]);
        assert_eq!(told.as_deref(), expected, "{entry}");
    }
}

#[test]
fn only_trusted_peers_are_believed() {
    let reading = trusting(1, &["10.0.0.1/32", "2001:db8::/32"]);
    for (peer, expected) in [
        ("10.0.0.1", Some("203.0.113.7")),
        ("10.0.0.2", Some("10.0.0.2")),
        ("2001:db8::5", Some("203.0.113.7")),
        ("2001:db9::5", Some("2001:db9::5")),
    ] {
        assert_eq!(
            told(&reading, peer, &["203.0.113.7"]).as_deref(),
            expected,
            "{peer}"
        );
    }
    assert_eq!(told(&reading, "10.0.0.1", &[]), None);
    assert_eq!(told(&reading, "10.0.0.2", &[]).as_deref(), Some("10.0.0.2"));
}

proptest! {
    #[test]
    fn what_stands_further_left_changes_nothing(
        forged in prop::collection::vec("[ -~]{0,40}", 0..4),
        // Whatever the balancers wrote holds addresses in all its entries.
        written in prop::collection::vec(any::<IpAddr>(), 1..4),
        hops in 1usize..4,
    ) {
        let written: Vec<String> = written.iter().map(ToString::to_string).collect();
        prop_assume!(hops <= written.len());
        let honest = written.join(", ");
        let appended = format!("{},{honest}", forged.join(","));
        let mut separate: Vec<&str> = forged.iter().map(String::as_str).collect();
        separate.push(&honest);
        let reading = trusting(hops, &[]);
        let expected = told(&reading, "10.0.1.5", &[&honest]);
        prop_assert!(expected.is_some());
        prop_assert_eq!(&told(&reading, "10.0.1.5", &[&appended]), &expected);
        prop_assert_eq!(&told(&reading, "10.0.1.5", &separate), &expected);
    }

    #[test]
    fn the_answer_is_a_canonical_address_or_none(
        lines in prop::collection::vec(any::<String>(), 0..4),
        hops in 1usize..4,
    ) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        if let Some(told) = told(&trusting(hops, &[]), "10.0.1.5", &lines) {
            let address: IpAddr = told.parse().unwrap();
            prop_assert_eq!(address.to_canonical().to_string(), told);
        }
    }

    #[test]
    fn what_looks_like_an_address_is_canonical_or_none(
        entry in prop_oneof![
            r"\[?[0-9a-f:.%]{0,24}\]?(:[0-9]{0,6})?",
            r"[0-2]?[0-9]{1,2}(\.0?[0-9]{1,2}){3}(:[0-9]{0,6})?",
        ],
    ) {
        if let Some(told) = told(&trusting(1, &[]), "10.0.1.5", &[&entry]) {
            let address: IpAddr = told.parse().unwrap();
            prop_assert_eq!(address.to_canonical().to_string(), told);
        }
        told(&Reading::FirstEntry, "10.0.1.5", &[&entry]);
    }
}
