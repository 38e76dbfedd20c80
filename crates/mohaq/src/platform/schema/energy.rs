//! `[energy]`: what computing takes, beside moving data.

use super::number::Domain;
use super::speedup::capped;
use super::{Kind, Loader, Schema};
use crate::platform::description::{Energy, Provenance, Quantity};
use crate::platform::document::{Item, Table};
use crate::quant::Precision;
use std::collections::{BTreeMap, BTreeSet};

impl<'t> Loader<'_, 't> {
    /// `mac_pj` or `mac_law`; with a roofline also `elementwise_pj` and `static_w`, or `static_w` alone.
    pub(super) fn energy(&mut self, item: Item<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Energy> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let stated = table.optional("mac_pj", self.faults);
        let law = match self.schema {
            Schema::One => None,
            Schema::Two => table.optional("mac_law", self.faults),
        };
        let multiplies = stated.is_some() || law.is_some();
        if stated.is_some() && law.is_some() {
            self.faults.value(&table.place, "either `mac_pj` or `mac_law`", "both".to_owned());
        }
        let accumulator_bits = match &law {
            Some(_) => self.required(&mut table, "accumulator_bits", &provenance, Domain::Count),
            None => None,
        };
        let (elementwise_pj, static_w) = self.beside_multiplying(&mut table, &provenance, multiplies);
        table.close(self.faults);
        let precisions = precisions?;
        let mac_pj = match (stated, law) {
            (Some(pairs), _) => Some(self.per_pair(pairs, &provenance, precisions, Domain::ZeroOrMore)?),
            (None, Some(law)) => Some(self.mac_law(law, accumulator_bits.as_ref()?, &provenance, precisions)?),
            (None, None) => None,
        };
        Some(Energy { mac_pj, accumulator_bits, elementwise_pj, static_w })
    }

    /// Energy of elementwise operations, which is needed where multiplying is priced, and static power, which is where not.
    fn beside_multiplying(
        &mut self,
        table: &mut Table<'t>,
        provenance: &Provenance,
        multiplies: bool,
    ) -> (Option<Quantity>, Option<Quantity>) {
        if self.kind == Kind::Ideal {
            self.foreign(table, &["elementwise_pj", "static_w"]);
            if !multiplies {
                table.required("mac_pj", self.faults);
            }
            return (None, None);
        }
        if multiplies {
            let elementwise_pj = self.required(table, "elementwise_pj", provenance, Domain::ZeroOrMore);
            (elementwise_pj, self.optional(table, "static_w", provenance, Domain::ZeroOrMore))
        } else {
            (None, self.required(table, "static_w", provenance, Domain::AboveZero))
        }
    }

    /// The one law there is: a fit to multipliers and adders at 45 nm.
    fn mac_law(
        &mut self,
        law: Item<'t>,
        accumulator: &Quantity,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
    ) -> Option<BTreeMap<Precision, Quantity>> {
        let place = law.place.clone();
        let name = law.string(self.faults)?;
        if name != "qkeras" {
            self.faults.value(&place, "\"qkeras\"", format!("{name:?}"));
            return None;
        }
        let provenance = Provenance { place, ..provenance.clone() };
        Some(capped(precisions, None, &provenance, |precision| qkeras(precision, accumulator.value)))
    }
}

/// pJ of a multiply-accumulate at 45 nm into an accumulator of that many bits.
///
/// A multiplier of b×b bits takes 0.002995·b² + 0.00104·b, with b² = w·a for unequal operands; an adder of b bits
/// 0.003125·b. Source: QKeras, qtools/qenergy and quantized_operators/multiplier_impl.py, fitted to Horowitz, ISSCC 2014.
fn qkeras(precision: Precision, accumulator_bits: f64) -> f64 {
    let product = f64::from(precision.weight.count() * precision.activation.count());
    0.002995 * product + 0.00104 * product.sqrt() + 0.003125 * accumulator_bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_rt::Bits;

    #[test]
    fn the_fit_goes_near_the_published_figures() {
        // Horowitz, 45 nm: an 8 bit multiplication 0.2 pJ, additions of 8, 16 and 32 bit 0.03, 0.05 and 0.1 pJ.
        let eight = Precision::new(Bits::Eight, Bits::Eight);
        assert!((qkeras(eight, 32.0) - 0.3).abs() < 1e-3);
        // The fit adds 8 bit numbers with 0.025 pJ: the published figure has one digit.
        assert!((qkeras(eight, 8.0) - 0.23).abs() < 6e-3);
    }
}
