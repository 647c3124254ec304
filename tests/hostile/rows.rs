//! The rows of the table: every attack, where it comes from, and what is asked of the program.

use crate::balancer::{self as lb, Attack};
use crate::outcome::Demand::{self, Recovers, Unharmed};
use crate::{direct, slow, smuggling};

/// Where an attack comes from.
#[derive(Clone, Copy, PartialEq)]
pub enum Reach {
    /// The internet, through the load balancer.
    Balancer,
    /// A peer that reaches the port itself.
    Direct,
    /// The host the program runs on: nobody reads its log.
    Host,
}

pub struct Row {
    pub name: &'static str,
    pub reach: Reach,
    pub attack: Attack,
    pub demand: Demand,
    /// The naive service must fail this row.
    pub fells_naive: bool,
    /// A command that executes another one within limits.
    pub wrapper: &'static [&'static str],
}

/// Another user than root, for whom alone a limit of processes counts; the program's file may
/// lie where only root may look.
const FEW_THREADS: &[&str] = &[
    "setpriv",
    "--reuid=64321",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "prlimit",
    "--nproc=60",
];

/// All rows under the titles they are printed with.
pub fn groups() -> Vec<(&'static str, Vec<Row>)> {
    let row = |reach, demand| {
        move |name, attack: Attack, fells_naive| Row {
            name,
            reach,
            attack,
            demand,
            fells_naive,
            wrapper: &[],
        }
    };
    let balancer = row(Reach::Balancer, Unharmed);
    let spent = row(Reach::Balancer, Recovers);
    let direct = row(Reach::Direct, Recovers);
    let spared = row(Reach::Direct, Unharmed);
    let host = row(Reach::Host, Recovers);
    let limited = |wrapper, row| Row { wrapper, ..row };
    vec![
        (
            "Through the load balancer",
            vec![
                balancer("declared: 10^15 bytes", lb::ten_to_15, true),
                balancer("declared: 2^62", lb::two_to_62, false),
                balancer("declared: 2^63-1", lb::two_to_63_less_1, false),
                balancer("declared: 2^64-1", lb::two_to_64_less_1, false),
                balancer("declared: 8 GB", lb::eight_gigabytes, true),
                balancer("300 unfinished: large", lb::unfinished_large, true),
                balancer("300 unfinished: small", lb::unfinished_small, false),
                balancer("300 unfinished: steadily", lb::unfinished_steadily, false),
                balancer(
                    "300 unfinished: long headers",
                    lb::unfinished_with_long_fields,
                    false,
                ),
                balancer("300 unfinished: chunked", lb::unfinished_chunked, false),
                balancer("300 unfinished: expected", lb::unfinished_expected, true),
                balancer("smuggling", smuggling::through_balancer, false),
                balancer(
                    "smuggling among busy clients",
                    smuggling::among_busy_clients,
                    false,
                ),
                balancer("60 kB of headers", lb::long_fields, false),
                balancer("1,000 headers", lb::many_fields, false),
                balancer("bytes outside ASCII", lb::not_ascii, false),
                balancer("odd methods", lb::odd_methods, false),
                balancer("upgrades", lb::upgrades, false),
                balancer("clients that leave early", lb::leaving_early, false),
                balancer("clients that do not read", lb::never_reading, false),
                balancer("slowhttptest: heads", slow::headers, false),
                balancer("slowhttptest: bodies", slow::bodies, true),
                balancer("slowhttptest: reading", slow::reading, false),
                balancer("bursts of new connections", lb::bursts, false),
                balancer("2,000 idle connections", lb::idle, false),
            ],
        ),
        (
            "Budget spent, then restarted",
            vec![limited(
                &["prlimit", "--nofile=1024"],
                spent("700 undroppable, room for 256", lb::budget_spent, false),
            )],
        ),
        (
            "Direct peers",
            vec![
                direct("2,000 idle connections", direct::idle_2000, false),
                limited(
                    &["prlimit", "--nofile=1024"],
                    direct("800 idle, 1024 descriptors", direct::idle_800, true),
                ),
                limited(
                    &["prlimit", "--nofile=64"],
                    direct("100 idle, 64 descriptors", direct::idle_100, true),
                ),
                limited(
                    FEW_THREADS,
                    direct("100 idle, 60 threads", direct::idle_100, true),
                ),
                direct("500 resets before accept", direct::resets, false),
                direct("an endless header line", direct::endless_line, true),
                direct("pipelining without reading", direct::pipelining, true),
                direct("smuggling", smuggling::straight, true),
                direct("nonsense", direct::nonsense, false),
                spared("slowhttptest: heads", slow::headers, false),
                spared("slowhttptest: bodies", slow::bodies, false),
                spared("slowhttptest: reading", slow::reading, false),
            ],
        ),
        (
            "The host",
            vec![host(
                "a log that nobody reads",
                direct::many_requests,
                false,
            )],
        ),
    ]
}
