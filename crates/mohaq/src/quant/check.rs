//! Whether a calibration is one of a network: a file could have lied about everything in it.

use super::calibrate::{Calibration, SiteRange};
use super::formats::{format, product_fractions};
use super::grid::FRACTIONS;
use crate::nn::Network;
use crate::{Error, Result};

/// Refuses a calibration that is not of `network`; returns the fraction bits of each part of every product.
///
/// # Errors
/// [`Error::Calibration`].
pub(super) fn check_all(network: &Network, calibration: &Calibration) -> Result<Vec<Vec<u32>>> {
    let sites = network.workload().sites;
    let names = sites.iter().map(|site| &site.name);
    if !names.eq(calibration.sites.iter().map(|range| &range.site)) {
        return Err(Error::Calibration { reason: "the calibration is of a network with other sites".into() });
    }
    for (range, weight) in calibration.sites.iter().zip(network.site_weights()) {
        check(range, weight.cols())?;
    }
    format(calibration.input_fraction)?;
    product_fractions(network, &calibration.layers)
}

/// Refuses ranges that a file could have lied about.
fn check(range: &SiteRange, outputs: usize) -> Result<()> {
    let bad = |what: &str| Err(Error::Calibration { reason: format!("site `{}`: {what}", range.site) });
    let clips = |operand: &super::OperandRange| [operand.clip2.clone(), operand.clip4.clone(), operand.clip8.clone()];
    if clips(&range.input).iter().any(|clips| clips.len() != 1) {
        return bad("expected one clip for the input at each width");
    }
    if clips(&range.weight).iter().any(|clips| clips.len() != 1 && clips.len() != outputs) {
        return bad("expected one clip for the weights at each width, or one an output");
    }
    let all = clips(&range.input).into_iter().chain(clips(&range.weight)).flatten();
    if all.into_iter().any(|clip| !(clip >= 0.0 && clip.is_finite())) {
        return bad("a clip is negative or not finite");
    }
    let fractions = [range.weight.fraction16, range.input.fraction16];
    if fractions.iter().any(|fraction| !FRACTIONS.contains(fraction)) {
        return bad("a 16 bit format is none of Q1.14, Q5.10 and Q8.7");
    }
    Ok(())
}
