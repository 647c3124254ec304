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
    /// What the balancer does with requests, in HAProxy's words. Without it, the row must fail.
    pub rule: &'static str,
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

impl Row {
    fn new(reach: Reach, demand: Demand, name: &'static str, attack: Attack) -> Self {
        Self {
            name,
            reach,
            attack,
            demand,
            fells_naive: false,
            crowd: Crowd::Many,
            rule: "",
            wrapper: &[],
        }
    }

    fn fells_naive(mut self) -> Self {
        self.fells_naive = true;
        self
    }

    fn alone(mut self) -> Self {
        self.crowd = Crowd::Lone;
        self
    }

    fn behind(mut self, rule: &'static str) -> Self {
        self.rule = rule;
        self
    }

    fn within(mut self, wrapper: &'static [&'static str]) -> Self {
        self.wrapper = wrapper;
        self
    }
}

/// All rows under the titles they are printed with.
pub fn groups() -> [(&'static str, Vec<Row>); 4] {
    let host = Row::new(
        Reach::Host,
        Recovers,
        "a log that nobody reads",
        direct::many_requests,
    );
    [
        ("Through the load balancer", through_balancer()),
        ("Budget spent, then restarted", vec![budget_spent()]),
        ("Direct peers", direct_peers()),
        ("The host", vec![host]),
    ]
}

fn through_balancer() -> Vec<Row> {
    let row = |name, attack| Row::new(Reach::Balancer, Unharmed, name, attack);
    let flooded = |name, attack| Row::new(Reach::Balancer, Flooded, name, attack);
    vec![
        row("nothing", lb::nothing),
        row("nothing, a lone client", lb::nothing).alone(),
        row("declared: 10^15 bytes", lb::ten_to_15).fells_naive(),
        row("declared: 8 GB to 2^64 - 1", lb::other_lengths),
        row("300 unfinished: large", lb::unfinished_large).fells_naive(),
        row("300 unfinished: small", lb::unfinished_small),
        row("300 unfinished: steadily", lb::unfinished_steadily),
        row(
            "300 unfinished: long headers",
            lb::unfinished_with_long_fields,
        ),
        row("300 unfinished: chunked", lb::unfinished_chunked),
        row("300 unfinished: expected", lb::unfinished_expected),
        row("smuggling", smuggling::through_balancer),
        row(
            "smuggling among busy clients",
            smuggling::among_busy_clients,
        ),
        row("60 kB of headers", lb::long_fields),
        row("1,000 headers", lb::many_fields),
        row("bytes outside ASCII", lb::not_ascii),
        row("odd methods", lb::odd_methods),
        row("upgrades", lb::upgrades),
        row("clients that leave early", lb::leaving_early),
        row("clients that do not read", lb::never_reading),
        row("slowhttptest: bodies", slow::bodies),
        row("bursts of new connections", lb::bursts),
        row("2,000 idle connections", lb::idle),
        row("unknown expectations", floods::unknown_expectations).behind(NO_EXPECT),
        row("1,300 with 1,980 empty fields", floods::empty_fields),
        row("50 undroppable a second, alone", floods::undroppable_50).alone(),
        row("20 undroppable at once, alone", floods::undroppable_bursts).alone(),
        row(
            "after 500 undroppable a second",
            floods::undroppable_500_before,
        )
        .alone(),
        flooded("1,000 undroppable a second", floods::undroppable_1000),
    ]
}

fn budget_spent() -> Row {
    let name = "700 undroppable, room for 256";
    Row::new(Reach::Balancer, Recovers, name, lb::budget_spent)
        .within(&["prlimit", "--nofile=1024"])
}

fn direct_peers() -> Vec<Row> {
    let row = |name, attack| Row::new(Reach::Direct, Recovers, name, attack);
    let delayed = |name, attack| Row::new(Reach::Direct, Delayed, name, attack);
    let spared = |name, attack| Row::new(Reach::Direct, Unharmed, name, attack);
    vec![
        row("2,000 idle connections", direct::idle_2000),
        row(
            "slow clients beside a held one",
            direct::held_beside_slow_clients,
        )
        .alone(),
        row("2,900 idle beside a held one", direct::held_beside_idle).alone(),
        delayed("a trickle of pipelined answers", direct::trickle),
        row("800 idle, 1024 descriptors", direct::idle_800)
            .within(&["prlimit", "--nofile=1024"])
            .fells_naive(),
        row("100 idle, 64 descriptors", direct::idle_100)
            .within(&["prlimit", "--nofile=64"])
            .alone(),
        row("100 idle, 60 threads", direct::idle_100)
            .within(FEW_THREADS)
            .alone(),
        row("500 resets before accept", direct::resets),
        row("an endless header line", direct::endless_line),
        row("pipelining without reading", direct::pipelining).fells_naive(),
        row("smuggling", smuggling::straight).fells_naive(),
        row("nonsense", direct::nonsense),
        spared("slowhttptest: heads", slow::headers),
        spared("slowhttptest: bodies", slow::bodies),
        spared("slowhttptest: reading", slow::reading),
    ]
}
