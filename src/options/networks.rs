//! A list of networks: the value of `--trusted-peers`.

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads networks and addresses with commas between them.
///
/// # Errors
/// One line that names every wrong entry.
pub fn parse(list: &str) -> Result<Vec<IpNet>, String> {
    let (networks, faults): (Vec<_>, Vec<_>) = list
        .split(',')
        .map(|entry| network(entry.trim()))
        .partition(Result::is_ok);
    if faults.is_empty() {
        return Ok(networks.into_iter().flatten().collect());
    }
    let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
    Err(faults.join("; "))
}

/// A network in CIDR notation, or one address. IPv4-mapped ones become IPv4, as peers do.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{text:?} is not a network such as 10.0.1.0/24 or an address"))?;
    if network != network.trunc() {
        let meant = network.trunc();
        let address = network.addr();
        return Err(format!(
            "{text:?} has host bits set: use {meant} for the network or {address} for the host"
        ));
    }
    Ok(
        match (network.addr().to_canonical(), network.prefix_len()) {
            (IpAddr::V4(address), length @ 96..) => {
                IpNet::new(address.into(), length - 96).expect("a prefix of 0 to 32 bits")
            }
            _ => network,
        },
    )
}
