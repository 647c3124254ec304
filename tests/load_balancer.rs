//! Through a real load balancer: the address shown is the client's, and cannot be forged.
//! Needs HAProxy: `make test-lb`.

mod support;

use support::haproxy::LoadBalancer;
use support::{Program, get};

#[test]
fn the_client_is_shown_and_not_the_balancer() {
    let program = Program::start(&[]);
    let balancer = LoadBalancer::start(program.address);
    let page = get(balancer.address, &[]);
    assert_eq!(page.status, 200);
    assert!(
        page.content.contains("(ALB): 127.0.0.2</h3>"),
        "{}",
        page.content
    );
    assert!(
        page.content.contains(r#"green;">127.0.0.1</span>"#),
        "{}",
        page.content
    );
}
