//! Through real load balancers. Needs HAProxy, nginx and curl: `make test-lb`.

mod addresses;
mod defaults;
#[path = "../support/mod.rs"]
mod support;
