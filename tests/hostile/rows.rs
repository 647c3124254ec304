//! The rows of the table: every attack, where it comes from, and what is asked of the program.

use crate::balancer::{self as lb, Attack};
use crate::bystanders::Crowd;
use crate::outcome::Demand::{self, Delayed, Flooded, Recovers, Unharmed};
use crate::{direct, floods, slow, smuggling};

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
    /// Who asks meanwhile.
    pub crowd: Crowd,
    /// What the balancer does with requests, in HAProxy's words.
    pub rule: &'static str,
    /// Without the rule, the row must fail.
    pub needs_rule: bool,
    /// A command that executes another one within limits.
    pub wrapper: &'static [&'static str],
}

/// What README.md says to do behind another balancer than the ALB.
const NO_EXPECT: &str = "http-request del-header Expect";

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
            crowd: Crowd::Many,
            rule: NO_EXPECT,
            needs_rule: false,
            wrapper: &[],
        }
    };
    let balancer = row(Reach::Balancer, Unharmed);
    let spent = row(Reach::Balancer, Recovers);
    let direct = row(Reach::Direct, Recovers);
    let spared = row(Reach::Direct, Unharmed);
    let delayed = row(Reach::Direct, Delayed);
    let host = row(Reach::Host, Recovers);
    let limited = |wrapper, row| Row { wrapper, ..row };
    let flooded = row(Reach::Balancer, Flooded);
    let alone = |row| Row {
        crowd: Crowd::Lone,
        ..row
    };
    vec![
        (
            "Through the load balancer",
            vec![
                balancer("nothing", lb::nothing, false),
                alone(balancer("nothing, a lone client", lb::nothing, false)),
                balancer("declared: 10^15 bytes", lb::ten_to_15, true),
                balancer("declared: 8 GB to 2^64 - 1", lb::other_lengths, false),
                balancer("300 unfinished: large", lb::unfinished_large, true),
                balancer("300 unfinished: small", lb::unfinished_small, false),
                balancer("300 unfinished: steadily", lb::unfinished_steadily, false),
                balancer(
                    "300 unfinished: long headers",
                    lb::unfinished_with_long_fields,
                    false,
                ),
                balancer("300 unfinished: chunked", lb::unfinished_chunked, false),
                balancer("300 unfinished: expected", lb::unfinished_expected, false),
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
                balancer("slowhttptest: bodies", slow::bodies, false),
                balancer("bursts of new connections", lb::bursts, false),
                balancer("2,000 idle connections", lb::idle, false),
                Row {
                    needs_rule: true,
                    ..balancer("unknown expectations", floods::unknown_expectations, false)
                },
                balancer("1,300 with 1,980 empty fields", floods::empty_fields, false),
                alone(balancer(
                    "50 undroppable a second, alone",
                    floods::undroppable_50,
                    false,
                )),
                alone(balancer(
                    "20 undroppable at once, alone",
                    floods::undroppable_bursts,
                    false,
                )),
                alone(balancer(
                    "after 500 undroppable a second",
                    floods::undroppable_500_before,
                    false,
                )),
                flooded(
                    "1,000 undroppable a second",
                    floods::undroppable_1000,
                    false,
                ),
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
                alone(direct(
                    "slow clients beside a held one",
                    direct::held_beside_slow_clients,
                    false,
                )),
                alone(direct(
                    "2,900 idle beside a held one",
                    direct::held_beside_idle,
                    false,
                )),
                delayed("a trickle of pipelined answers", direct::trickle, false),
                limited(
                    &["prlimit", "--nofile=1024"],
                    direct("800 idle, 1024 descriptors", direct::idle_800, true),
                ),
                alone(limited(
                    &["prlimit", "--nofile=64"],
                    direct("100 idle, 64 descriptors", direct::idle_100, false),
                )),
                alone(limited(
                    FEW_THREADS,
                    direct("100 idle, 60 threads", direct::idle_100, false),
                )),
                direct("500 resets before accept", direct::resets, false),
                direct("an endless header line", direct::endless_line, false),
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
