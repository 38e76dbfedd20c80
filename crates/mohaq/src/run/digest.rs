//! Fingerprints of values, to tell whether records belong to the run that wants to go on with them.

use crate::nn::Network;
use mohaq_speech::digest::Digest;

/// The fingerprint of `bytes`.
pub(super) fn of(bytes: &[u8]) -> String {
    format!("{:032x}", Digest::new().raw(bytes).finish())
}

/// The fingerprint of a network's parameters, by name and to the bit.
pub(super) fn of_network(network: &Network) -> String {
    let mut digest = Digest::new();
    for parameter in network.parameters() {
        digest = digest.field(parameter.name.as_bytes());
        digest = parameter.values.data().iter().fold(digest, |digest, value| digest.number(u64::from(value.to_bits())));
    }
    format!("{:032x}", digest.finish())
}
