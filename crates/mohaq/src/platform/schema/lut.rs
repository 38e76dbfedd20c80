//! `[lut]`: what was measured, product by product.

use super::Loader;
use super::number::Domain;
use crate::platform::description::{Lut, MeasuredProduct, Provenance};
use crate::platform::document::{Item, Place};
use crate::quant::Precision;
use std::collections::BTreeSet;

impl<'t> Loader<'_, 't> {
    pub(super) fn lut(&mut self, item: Item<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Lut> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let [elementwise_ns, elementwise_pj, frame_ns] = ["elementwise_ns", "elementwise_pj", "frame_ns"]
            .map(|key| self.optional(&mut table, key, &provenance, Domain::ZeroOrMore));
        let place = table.inner("product");
        let items = table.required("product", self.faults).and_then(|item| item.array(self.faults));
        table.close(self.faults);
        let faults_before = self.faults.count();
        let mut products: Vec<MeasuredProduct> = Vec::new();
        for item in items? {
            let place = item.place.clone();
            let Some(product) = self.product(item, &provenance, precisions) else { continue };
            if let Some(twin) = products.iter().find(|other| overlap(other, &product)) {
                self.twice(&place, twin);
            }
            products.push(product);
        }
        if self.faults.count() == faults_before {
            self.every_precision(&place, &products, precisions?);
        }
        Some(Lut { elementwise_ns, elementwise_pj, frame_ns, products })
    }

    fn product(
        &mut self,
        item: Item<'t>,
        provenance: &Provenance,
        precisions: Option<&BTreeSet<Precision>>,
    ) -> Option<MeasuredProduct> {
        let mut table = item.table(self.faults)?;
        let own = self.provenance(&mut table);
        let provenance = Provenance {
            source: own.source.or_else(|| provenance.source.clone()),
            estimate: own.estimate || provenance.estimate,
            ..own
        };
        let [inputs, outputs] = ["inputs", "outputs"]
            .map(|key| self.required(&mut table, key, &provenance, Domain::Count).map(|count| count.value as usize));
        let recurrent = table.optional("recurrent", self.faults).map(|item| item.boolean(self.faults));
        let ns = table.required("ns", self.faults);
        let pj = table.optional("pj", self.faults);
        table.close(self.faults);
        let ns = self.some_pairs(ns?, &provenance, precisions?, Domain::AboveZero)?;
        let measured = ns.keys().copied().collect();
        let pj = pj.map(|item| self.per_pair(item, &provenance, &measured, Domain::AboveZero));
        // What is there but cannot be read has left a fault.
        Some(MeasuredProduct {
            inputs: inputs?,
            outputs: outputs?,
            recurrent: recurrent.flatten(),
            ns,
            pj: pj.flatten(),
        })
    }

    fn twice(&mut self, place: &Place, twin: &MeasuredProduct) {
        let got = format!("a second {} to {}", twin.inputs, twin.outputs);
        self.faults.value(place, "every product once", got);
    }

    /// A precision that was never measured is none that the platform has.
    fn every_precision(&mut self, place: &Place, products: &[MeasuredProduct], precisions: &BTreeSet<Precision>) {
        let measured = |precision: &Precision| products.iter().any(|product| product.ns.contains_key(precision));
        if let Some(missing) = precisions.iter().find(|precision| !measured(precision)) {
            let expected = format!("a product that was measured at {missing}, a precision of [operands]");
            self.faults.value(place, &expected, "none".to_owned());
        }
    }
}

/// Whether both speak of the same product at some precision.
fn overlap(a: &MeasuredProduct, b: &MeasuredProduct) -> bool {
    let kinds = a.recurrent.is_none() || b.recurrent.is_none() || a.recurrent == b.recurrent;
    let precisions = || a.ns.keys().any(|precision| b.ns.contains_key(precision));
    (a.inputs, a.outputs) == (b.inputs, b.outputs) && kinds && precisions()
}
