//! The quantized network in floating point: every operand rounded to its grid, products and elementwise work in f32.
//!
//! Weights depend on (site, bits) alone, so a [`QuantizedBank`] rounds each matrix once a width and lends it to every
//! candidate. A candidate is then a [`FakeQuantized`]: a list of weights and grids that the forward pass asks at each site.

use super::calibrate::{Calibration, SiteRange};
use super::formats::{SiteParts, product_fractions, vector_formats};
use super::grid::{FRACTIONS, Grid};
use super::spec::QuantSpec;
use crate::nn::{Network, SiteId, SiteOps};
use crate::tensor::Matrix;
use crate::{Error, Result};
use mohaq_rt::Bits;
use std::borrow::Cow;
use std::sync::OnceLock;

/// The weights of a network at every width, rounded at first use.
#[derive(Debug)]
pub struct QuantizedBank {
    /// Recurrent vectors and biases rounded to 16 bit fixed point; the weights of sites still float.
    network: Network,
    calibration: Calibration,
    outputs: Vec<ProductGrids>,
    weights: Vec<[OnceLock<Matrix>; Bits::ALL.len()]>,
}

impl QuantizedBank {
    /// A bank for `network` under `calibration`.
    ///
    /// # Errors
    /// [`Error::Calibration`] when the calibration is of a network with other sites.
    pub fn new(network: &Network, calibration: Calibration) -> Result<Self> {
        let outputs = check_all(network, &calibration)?;
        let mut network = network.clone();
        let formats = vector_formats(&network, &calibration.layers)?;
        for (vector, format) in network.vectors_mut().into_iter().zip(formats) {
            Grid::fixed(format.fraction()).apply(vector.values.data_mut());
        }
        let weights = outputs.iter().map(|_| std::array::from_fn(|_| OnceLock::new())).collect();
        Ok(Self { network, calibration, outputs, weights })
    }

    /// The network whose vectors are rounded: run it with a [`FakeQuantized`] of this bank.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The ranges in use.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The network at `spec`.
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn at(&self, spec: &QuantSpec) -> FakeQuantized<'_> {
        assert_eq!(spec.0.len(), self.weights.len(), "one precision a site");
        let sites = spec.0.iter().zip(&self.calibration.sites).enumerate();
        let sites = sites.map(|(i, (precision, range))| QuantizedSite {
            weight: self.weight(SiteId(i), precision.weight),
            // An input has one clip: `check` saw to it.
            input: range.input.grids(precision.activation)[0],
            output: &self.outputs[i],
        });
        FakeQuantized { sites: sites.collect() }
    }

    fn weight(&self, site: SiteId, bits: Bits) -> &Matrix {
        self.weights[site.0][bits.index()].get_or_init(|| {
            let mut weight = self.network.site_weights()[site.0].clone();
            round_weight(&mut weight, &self.calibration.sites[site.0].weight.grids(bits));
            weight
        })
    }
}

/// The grids of a product's parts.
#[derive(Debug)]
pub(super) struct ProductGrids {
    grids: Vec<Grid>,
    width: usize,
}

impl ProductGrids {
    fn apply(&self, products: &mut [f32]) {
        for (i, part) in products.chunks_mut(self.width).enumerate() {
            self.grids[i % self.grids.len()].apply(part);
        }
    }
}

/// Refuses a calibration that is not of `network`; returns the grids of the products.
pub(super) fn check_all(network: &Network, calibration: &Calibration) -> Result<Vec<ProductGrids>> {
    let sites = network.workload().sites;
    let names = sites.iter().map(|site| &site.name);
    if !names.eq(calibration.sites.iter().map(|range| &range.site)) {
        return Err(Error::Calibration { reason: "the calibration is of a network with other sites".into() });
    }
    for (range, weight) in calibration.sites.iter().zip(network.site_weights()) {
        check(range, weight.cols())?;
    }
    super::formats::format(calibration.input_fraction)?;
    let fractions = product_fractions(network, &calibration.layers)?;
    let grids = |(fractions, parts): (&Vec<u32>, &SiteParts)| ProductGrids {
        grids: fractions.iter().map(|&fraction| Grid::fixed(fraction)).collect(),
        width: parts.width,
    };
    Ok(fractions.iter().zip(&SiteParts::of(network)).map(grids).collect())
}

/// Puts a weight matrix `[inputs, outputs]` on one grid, or every column on its own.
fn round_weight(weight: &mut Matrix, grids: &[Grid]) {
    if let [grid] = grids {
        return grid.apply(weight.data_mut());
    }
    let columns = weight.cols();
    for row in weight.data_mut().chunks_mut(columns) {
        for (value, grid) in row.iter_mut().zip(grids) {
            grid.apply(std::slice::from_mut(value));
        }
    }
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

/// What one site does to its operands and its product.
#[derive(Debug)]
struct QuantizedSite<'a> {
    weight: &'a Matrix,
    input: Grid,
    output: &'a ProductGrids,
}

/// A network at one [`QuantSpec`], as the operations of its sites.
#[derive(Debug)]
pub struct FakeQuantized<'a> {
    sites: Vec<QuantizedSite<'a>>,
}

impl SiteOps<f32> for FakeQuantized<'_> {
    fn weight<'a>(&'a self, site: SiteId, _weight: &'a Matrix) -> &'a Matrix {
        self.sites[site.0].weight
    }

    fn input<'a>(&self, site: SiteId, input: &'a Matrix) -> Cow<'a, Matrix> {
        let mut rounded = input.clone();
        self.sites[site.0].input.apply(rounded.data_mut());
        Cow::Owned(rounded)
    }

    fn output(&self, site: SiteId, output: &mut Matrix) {
        self.sites[site.0].output.apply(output.data_mut());
    }
}
