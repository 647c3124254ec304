//! One request: from what arrived to what is answered and logged.

use crate::answer::{self, client::Reading};
use crate::server::Exchange;

/// The log target of the access log, which operators filter by.
const LOG: &str = "publicip_poc::service";

/// Answers a request with the page, or refuses it.
pub fn serve(exchange: Exchange<'_>, reading: &Reading) {
    let (response, line) = answer::to(&exchange.request(), reading);
    let answered = exchange.respond(response);
    if let Some(line) = line.filter(|_| answered) {
        log::log!(target: LOG, line.level(), "{line}");
    }
}
