//! A platform from a file: prices looked up by precision, and sums over sites.

use super::Platform;
use super::arrayed::Arrayed;
use super::cost::{Cost, Limit};
use super::description::{self, Description, Memory};
use super::error::PlatformError;
use super::explanation::Explanation;
use super::ideal::Ideal;
use super::lut::Measured;
use super::report::{PlatformReport, ReportedNumber, numbers};
use super::roofline::Roofline;
use super::summed::Summed;
use crate::nn::{LayerDescription, NetworkDescription, Site, Workload};
use crate::quant::{Precision, QuantSpec};

/// A platform that a file describes.
#[derive(Clone, Debug)]
pub struct TablePlatform {
    description: Description,
    origin: String,
    precisions: Vec<Precision>,
    limits: Vec<Limit>,
    model: Model,
}

/// How costs follow from the numbers.
#[derive(Clone, Debug)]
enum Model {
    Ideal(Ideal),
    Roofline(Roofline),
    Systolic(Box<Arrayed>),
    Lut(Box<Measured>),
}

impl Model {
    fn new(description: &Description) -> Self {
        match &description.model {
            description::Model::Ideal { speedup, clock } => {
                Self::Ideal(Ideal::new(description, speedup.as_ref(), clock.as_deref()))
            }
            description::Model::Roofline(compute) => Self::Roofline(Roofline::new(description, compute)),
            description::Model::Systolic(array) => Self::Systolic(Box::new(Arrayed::new(description, array))),
            description::Model::Lut(lut) => Self::Lut(Box::new(Measured::new(description, lut))),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Ideal(_) => "ideal",
            Self::Roofline(_) => "roofline",
            Self::Systolic(_) => "systolic",
            Self::Lut(_) => "lut",
        }
    }

    fn objectives(&self) -> Vec<&'static str> {
        match self {
            Self::Ideal(ideal) => ideal.objectives(),
            Self::Roofline(roofline) => roofline.objectives(),
            Self::Systolic(arrayed) => arrayed.objectives(),
            Self::Lut(measured) => measured.objectives(),
        }
    }

    fn cost(&self, workload: &Workload, spec: &QuantSpec) -> Cost {
        match self {
            Self::Ideal(ideal) => ideal.cost(workload, spec),
            Self::Roofline(roofline) => roofline.cost(workload, spec),
            Self::Systolic(arrayed) => arrayed.cost(workload, spec),
            Self::Lut(measured) => measured.cost(workload, spec),
        }
    }

    fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Explanation {
        match self {
            Self::Ideal(ideal) => ideal.explain(workload, spec),
            Self::Roofline(roofline) => roofline.explain(workload, spec),
            Self::Systolic(arrayed) => arrayed.explain(workload, spec),
            Self::Lut(measured) => measured.explain(workload, spec),
        }
    }
}

impl TablePlatform {
    /// The platform that `text`, a platform file, describes. `origin` names the file in errors and reports.
    ///
    /// # Errors
    /// [`PlatformError::Faults`] with everything that the schema does not allow.
    pub fn parse(text: &str, origin: &str) -> Result<Self, PlatformError> {
        match Description::parse(text) {
            Ok(description) => Ok(Self::compile(description, origin)),
            Err(faults) => Err(PlatformError::Faults { origin: origin.to_owned(), faults }),
        }
    }

    /// One line that says what it is.
    pub fn title(&self) -> &str {
        &self.description.title
    }

    fn compile(description: Description, origin: &str) -> Self {
        let limit = |memory: &Memory| {
            let bytes = memory.bytes.as_ref()?.value as u64;
            let Memory { name, weights, vectors, activations, .. } = memory;
            Some(Limit { memory: name.clone(), bytes, weights: *weights, vectors: *vectors, activations: *activations })
        };
        Self {
            origin: origin.to_owned(),
            precisions: description.precisions.iter().copied().collect(),
            limits: description.memories.iter().filter_map(limit).collect(),
            model: Model::new(&description),
            description,
        }
    }

    /// Whether every site has a precision that there is, and the network something to do.
    fn allow(&self, workload: &Workload, spec: &QuantSpec) -> Result<(), PlatformError> {
        if spec.0.len() != workload.sites.len() {
            return Err(PlatformError::Sites { expected: workload.sites.len(), got: spec.0.len() });
        }
        if workload.macs() == 0 {
            return Err(PlatformError::NoWork);
        }
        let lacking = |(_, precision): &(&Site, &Precision)| !self.description.precisions.contains(precision);
        let refused = workload.sites.iter().zip(&spec.0).find(lacking);
        if let Some((site, precision)) = refused {
            return Err(self.refuse(site, *precision));
        }
        match &self.model {
            Model::Systolic(arrayed) => arrayed.allow(workload, spec),
            Model::Lut(measured) => {
                let mut sites = workload.sites.iter().zip(&spec.0);
                let unknown = sites.find(|(site, precision)| !measured.knows(site, **precision));
                unknown.map_or(Ok(()), |(site, precision)| Err(self.unmeasured(site, *precision)))
            }
            Model::Ideal(_) | Model::Roofline(_) => Ok(()),
        }
    }

    fn unmeasured(&self, site: &Site, precision: Precision) -> PlatformError {
        PlatformError::Unmeasured {
            platform: self.description.name.clone(),
            site: site.name.clone(),
            shape: [site.inputs, site.outputs],
            precision,
        }
    }

    fn refuse(&self, site: &Site, precision: Precision) -> PlatformError {
        PlatformError::Precision {
            platform: self.description.name.clone(),
            site: site.name.clone(),
            precision,
            allowed: self.precisions.clone(),
        }
    }
}

impl Platform for TablePlatform {
    fn name(&self) -> &str {
        &self.description.name
    }

    fn precisions(&self) -> &[Precision] {
        &self.precisions
    }

    fn precisions_at(&self, site: &Site) -> Vec<Precision> {
        let knows = |precision: &Precision| match &self.model {
            Model::Lut(measured) => measured.knows(site, *precision),
            Model::Ideal(_) | Model::Roofline(_) | Model::Systolic(_) => true,
        };
        self.precisions.iter().copied().filter(knows).collect()
    }

    fn admit(&self, network: &NetworkDescription) -> Result<(), PlatformError> {
        let Some(layers) = &self.description.layers else { return Ok(()) };
        let lacking = |layer: &LayerDescription| !layers.iter().any(|kind| kind == layer.kind());
        match network.layers.iter().position(lacking) {
            None => Ok(()),
            Some(place) => Err(PlatformError::Layer {
                platform: self.description.name.clone(),
                layer: network.names().swap_remove(place),
                kind: network.layers[place].kind(),
                allowed: layers.clone(),
            }),
        }
    }

    fn limits(&self) -> &[Limit] {
        &self.limits
    }

    fn cost(&self, workload: &Workload, spec: &QuantSpec) -> Result<Cost, PlatformError> {
        self.allow(workload, spec)?;
        Ok(self.model.cost(workload, spec))
    }

    fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Result<Explanation, PlatformError> {
        self.allow(workload, spec)?;
        Ok(self.model.explain(workload, spec))
    }

    fn describe(&self) -> PlatformReport {
        let Description { name, title, notes, sources, layers, .. } = self.description.clone();
        let reported = numbers(&self.description).into_iter().map(|number| ReportedNumber {
            key: number.key,
            value: number.value,
            unit: number.unit,
            source: number.provenance.source.clone(),
            estimate: number.provenance.estimate,
        });
        PlatformReport {
            name,
            title,
            origin: self.origin.clone(),
            precisions: self.precisions.iter().map(ToString::to_string).collect(),
            layers,
            model: self.model.name(),
            tied: self.tied(),
            objectives: self.model.objectives(),
            numbers: reported.collect(),
            sources: sources.into_iter().map(|(name, (text, _))| (name, text)).collect(),
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::load;
    use mohaq_rt::Bits;
    use proptest::prelude::*;
    use std::cmp::{max, min};
    use std::time::Instant;

    fn workload(macs: &[u64]) -> Workload {
        let site = |(i, macs): (usize, &u64)| Site {
            name: format!("l{i}"),
            inputs: 1,
            outputs: 1,
            macs: *macs,
            weights: macs / 2 + 1,
            recurrent: false,
        };
        let sites = macs.iter().enumerate().map(site).collect();
        Workload {
            sites,
            input_frames: 1,
            vectors: 1000,
            vectors_published: 600,
            elementwise: 5000,
            state: 300,
            frame_ns: None,
        }
    }

    fn spec(platform: &dyn Platform, choices: &[usize]) -> QuantSpec {
        let precisions = platform.precisions();
        QuantSpec(choices.iter().map(|choice| precisions[choice % precisions.len()]).collect())
    }

    #[test]
    fn a_precision_that_the_hardware_lacks_is_refused_by_site() {
        let silago = load("silago").expect("built in");
        assert!(silago.tied());
        let mut spec = QuantSpec::uniform(Precision::new(Bits::Eight, Bits::Eight), 2);
        spec.0[1] = Precision::new(Bits::Four, Bits::Eight);
        let error = silago.cost(&workload(&[10, 10]), &spec).expect_err("operands are tied");
        let expected = "site `l1`: platform `silago` has no 4x8, expected one of 4x4, 8x8, 16x16";
        assert_eq!(error.to_string(), expected);
        spec.0[1] = Precision::new(Bits::Two, Bits::Two);
        let error = silago.cost(&workload(&[10, 10]), &spec).expect_err("no 2 bit operands");
        assert!(matches!(error, PlatformError::Precision { site, .. } if site == "l1"));
    }

    #[test]
    fn a_specification_of_another_network_is_refused() {
        let platform = load("none").expect("built in");
        let spec = spec(&platform, &[0, 1, 2]);
        let error = platform.cost(&workload(&[1, 1]), &spec).expect_err("one too many");
        assert_eq!(error.to_string(), "specification has 3 sites, expected 2");
        let error = platform.cost(&workload(&[]), &QuantSpec(Vec::new())).expect_err("nothing to do");
        assert!(matches!(error, PlatformError::NoWork));
    }

    #[test]
    fn a_clock_gives_time_a_frame() {
        let text = r#"
            schema = 1
            name = "clocked"
            title = "Clocked"
            operands = { bits = [8, 16] }
            speedup = { law = "bit-product" }
            clock = { hz = 1e6, macs_per_cycle = 2 }
        "#;
        let platform = TablePlatform::parse(text, "test").expect("a good file");
        // 1000 MACs at 4 times 2 a microsecond, and 1000 at 2 a microsecond.
        let spec =
            QuantSpec(vec![Precision::new(Bits::Eight, Bits::Eight), Precision::new(Bits::Sixteen, Bits::Sixteen)]);
        let cost = platform.cost(&workload(&[1000, 1000]), &spec).expect("allowed");
        assert_eq!(cost.frame_time_s, Some(125e-6 + 500e-6));
        assert_eq!(platform.describe().objectives, ["memory", "speedup", "time"]);
    }

    #[test]
    fn energy_needs_a_price_for_every_memory_that_is_read() {
        let text = r#"
            schema = 1
            name = "two"
            title = "Two memories"
            operands = { bits = [8] }
            energy = { mac_pj = { 8x8 = 0.5 } }
            [[memory]]
            name = "flash"
            holds = ["weights"]
            load_pj_per_bit = 2
            [[memory]]
            name = "sram"
            holds = ["vectors"]
            load_pj_per_bit = 0.25
        "#;
        let frame = workload(&[1000]);
        let spec = QuantSpec::uniform(Precision::new(Bits::Eight, Bits::Eight), 1);
        let cost = |text: &str| TablePlatform::parse(text, "test").expect("a good file").cost(&frame, &spec);
        // 501 weights of 8 bit from flash, 1000 (or 600) vector elements of 16 bit from SRAM, 1000 MACs.
        let priced = cost(text).expect("allowed");
        assert_eq!(priced.energy_pj, Some(4008.0 * 2.0 + 16_000.0 * 0.25 + 500.0));
        assert_eq!(priced.energy_pj_paper, Some(4008.0 * 2.0 + 9600.0 * 0.25 + 500.0));
        let unpriced = cost(&text.replace("load_pj_per_bit = 0.25", "")).expect("allowed");
        assert_eq!(unpriced.energy_pj, None);
    }

    #[test]
    fn a_cost_takes_less_than_two_microseconds() {
        const REPEATS: u32 = 1000;
        let frame = workload(&[75_900; 8]);
        for platform in crate::platform::list() {
            let spec = spec(&platform, &[0, 1, 2, 0, 1, 2, 0, 1]);
            // The quickest of many batches: what the machine can do, whatever else it does.
            let batch = || {
                let start = Instant::now();
                let sum: u64 = (0..REPEATS).map(|_| platform.cost(&frame, &spec).expect("allowed").memory_bits).sum();
                assert!(sum > 0);
                start.elapsed()
            };
            let quickest = (0..50).map(|_| batch()).min().expect("fifty batches");
            let name = platform.name();
            assert!(quickest.as_nanos() < u128::from(2000 * REPEATS), "{name}: {quickest:?} for {REPEATS} costs");
        }
    }

    proptest! {
        #[test]
        fn fewer_bits_never_cost_more(
            macs in proptest::collection::vec(1_u64..10_000_000, 1..12),
            choices in proptest::collection::vec(0_usize..16, 12),
            at in 0_usize..12,
            other in 0_usize..16,
        ) {
            // Where operands are unpacked, fewer bits may well cost more time.
            let unpacks = |platform: &TablePlatform| {
                platform.describe().numbers.iter().any(|number| number.key == "compute.unpack_cycles")
            };
            // Where weights are streamed, the padding of narrow operands is streamed too, and can cost more than they save.
            for platform in crate::platform::list().into_iter().filter(|one| one.name() != "bitfusion-streamed") {
                let frame = workload(&macs);
                let at = at % macs.len();
                let mut narrow = spec(&platform, &choices[..macs.len()]);
                let mut wide = narrow.clone();
                let (a, b) = (narrow.0[at], platform.precisions()[other % platform.precisions().len()]);
                let lower = Precision::new(min(a.weight, b.weight), min(a.activation, b.activation));
                let upper = Precision::new(max(a.weight, b.weight), max(a.activation, b.activation));
                (narrow.0[at], wide.0[at]) = (lower, upper);
                let narrow = platform.cost(&frame, &narrow).expect("allowed");
                let wide = platform.cost(&frame, &wide).expect("allowed");
                prop_assert!(narrow.memory_bits <= wide.memory_bits);
                prop_assert!(narrow.ram_bits <= wide.ram_bits);
                if !unpacks(&platform) {
                    prop_assert!(narrow.speedup >= wide.speedup);
                    prop_assert!(narrow.speedup_paper >= wide.speedup_paper);
                    prop_assert!(narrow.energy_pj <= wide.energy_pj);
                    prop_assert!(narrow.frame_time_s <= wide.frame_time_s);
                }
                for limit in platform.limits() {
                    let amount = |cost| limit.violation(cost).map_or(0.0, |violation| violation.amount);
                    prop_assert!(0.0 <= amount(&narrow) && amount(&narrow) <= amount(&wide));
                }
            }
        }

        #[test]
        fn the_shares_add_up_to_the_cost(
            macs in proptest::collection::vec(1_u64..10_000_000, 1..12),
            choices in proptest::collection::vec(0_usize..16, 12),
        ) {
            for platform in crate::platform::list() {
                let (frame, spec) = (workload(&macs), spec(&platform, &choices[..macs.len()]));
                let explanation = platform.explain(&frame, &spec).expect("allowed");
                prop_assert_eq!(explanation.cost, platform.cost(&frame, &spec).expect("allowed"));
                let bits: u64 = explanation.sites.iter().map(|site| site.weight_bits).sum();
                prop_assert_eq!(bits, explanation.cost.weight_bits);
                // A few dozen positive numbers, summed in another order: each sum is within 100 · 2^-53 of the true one.
                let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                    (Some(a), Some(b)) => (a - b).abs() <= 2e-14 * b,
                    (a, b) => a == b,
                };
                prop_assert!(close(explanation.time_s(), explanation.cost.frame_time_s));
                prop_assert!(close(explanation.energy_pj(), explanation.cost.energy_pj));
            }
        }

        #[test]
        fn time_never_flatters(
            macs in proptest::collection::vec(1_u64..10_000_000, 1..12),
            choices in proptest::collection::vec(0_usize..16, 12),
        ) {
            // A harmonic mean is at most the arithmetic one of the same speedups.
            let bitfusion = load("bitfusion").expect("built in");
            let mut frame = workload(&macs);
            frame.elementwise = 0;
            let cost = bitfusion.cost(&frame, &spec(&bitfusion, &choices[..macs.len()])).expect("allowed");
            let (by_time, paper) = (cost.speedup.expect("priced"), cost.speedup_paper.expect("priced"));
            prop_assert!(by_time <= paper * (1.0 + 1e-12));
            prop_assert!((1.0 - 1e-12..=64.0 + 1e-12).contains(&by_time));
        }

        #[test]
        fn the_order_of_sites_does_not_matter_to_memory(
            macs in proptest::collection::vec(1_u64..10_000_000, 2..12),
            choices in proptest::collection::vec(0_usize..16, 12),
        ) {
            let none = load("none").expect("built in");
            let there = spec(&none, &choices[..macs.len()]);
            let (mut back, mut reversed) = (there.clone(), macs.clone());
            back.0.reverse();
            reversed.reverse();
            let bits = |macs: &[u64], spec: &QuantSpec| none.cost(&workload(macs), spec).map(|cost| cost.memory_bits).ok();
            prop_assert_eq!(bits(&macs, &there), bits(&reversed, &back));
        }
    }
}
