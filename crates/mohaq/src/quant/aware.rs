//! Quantization-aware arithmetic: a network that computes in floating point what its quantized form would, and gradients
//! that find back to the float parameters.
//!
//! Float master weights are rounded to their grids before every step, and the rounded network is run: operands of
//! products on the grids of a [`QuantSpec`], results, vectors and biases on their 16 bit formats, and everything
//! elementwise in floating point. Backwards a grid is the identity inside its range and a wall outside (the
//! straight-through estimator with a mask, as in PyTorch's `fake_quantize_per_tensor_affine`): a value that rounds to a
//! code beyond the ends gets no gradient.
//!
//! Clips are those of the calibration, or learned with the weights (Esser et al. 2020, equation 3): as the logarithm of
//! the clip, so that a step changes it by a share of itself and needs no scale for its gradient.
//!
//! Source: BinaryConnect (Courbariaux et al. 2015) for the master weights; the quantizers are those of `mohaq_rt`.

use super::calibrate::{Calibration, OperandRange};
use super::check::check_all;
use super::formats::{SiteParts, vector_formats};
use super::grid::Grid;
use super::spec::QuantSpec;
use crate::Result;
use crate::nn::{Gradients, Network, Saturated, SiteId, SiteOps, Workspace};
use crate::tensor::{Matrix, vectorized};
use crate::train::{Arithmetic, Learned};
use mohaq_rt::Bits;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Mutex;

/// Rows that a task takes.
const TASK_ROWS: usize = 32;

/// Where the clips of a retraining come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clips {
    /// From the calibration, and they stay.
    #[default]
    Static,
    /// From the calibration, and they are learned with the weights.
    Learned,
}

/// The arithmetic of a network quantized at one [`QuantSpec`].
#[derive(Debug)]
pub struct QuantAware {
    spec: QuantSpec,
    calibration: Calibration,
    clips: Clips,
    sites: Vec<SiteGrids>,
    /// The network with every parameter rounded, as of the last preparation.
    rounded: Network,
    /// Places of the sites' weights among the parameters.
    places: Vec<usize>,
    /// Slopes of the loss along the logarithms of the inputs' clips, by site, since the last preparation.
    input_slopes: Mutex<Vec<f64>>,
}

/// The grids that meet at one site.
#[derive(Clone, Debug)]
struct SiteGrids {
    /// One, or one a column.
    weight: Vec<Grid>,
    input: Grid,
    /// Of the parts of the result, `width` columns each, and again from the first.
    outputs: Vec<Grid>,
    width: usize,
}

impl QuantAware {
    /// The arithmetic of `network` (and of every network of its shape) at `spec`.
    ///
    /// # Errors
    /// [`Error::Calibration`](crate::Error::Calibration) when the calibration is of another network.
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn new(network: &Network, calibration: Calibration, spec: QuantSpec, clips: Clips) -> Result<Self> {
        let fractions = check_all(network, &calibration)?;
        assert_eq!(spec.0.len(), fractions.len(), "one precision a site");
        let parts = SiteParts::of(network);
        let sites = spec.0.iter().zip(&calibration.sites).zip(fractions.iter().zip(&parts));
        let sites = sites.map(|((precision, range), (fractions, parts))| SiteGrids {
            weight: range.weight.grids(precision.weight),
            // An input has one clip: `check_all` saw to it.
            input: range.input.grids(precision.activation)[0],
            outputs: fractions.iter().map(|&fraction| Grid::fixed(fraction)).collect(),
            width: parts.width,
        });
        let sites: Vec<SiteGrids> = sites.collect();
        let input_slopes = Mutex::new(vec![0.0; sites.len()]);
        let places = network.site_parameters();
        let mut aware = Self { spec, calibration, clips, sites, rounded: network.clone(), places, input_slopes };
        let learned = aware.learned();
        aware.prepare(network, &learned)?;
        Ok(aware)
    }

    /// The calibration with what `learned` says of clips: a network retrained with them is to be quantized by it.
    ///
    /// # Panics
    /// Where `learned` is not what this arithmetic learns.
    pub fn calibration(&self, learned: &[Learned]) -> Calibration {
        let mut calibration = self.calibration.clone();
        let mut learned = learned.iter();
        for (site, operand) in self.learned_operands() {
            let clips = clips_of(learned.next().expect("an entry an operand"));
            let range = &mut calibration.sites[site];
            match operand {
                Operand::Weight => *clips_mut(&mut range.weight, self.spec.0[site].weight) = clips,
                Operand::Input => *clips_mut(&mut range.input, self.spec.0[site].activation) = clips,
            }
        }
        calibration
    }

    /// The operands whose clips are learned, by site. Fixed point has no clip; a tensor of zeros has nothing to learn.
    fn learned_operands(&self) -> Vec<(usize, Operand)> {
        if self.clips == Clips::Static {
            return Vec::new();
        }
        let learns = |clips: Option<&[f32]>| clips.is_some_and(|clips| clips.iter().all(|&clip| clip > 0.0));
        let of_site = |site: usize| {
            let (range, precision) = (&self.calibration.sites[site], self.spec.0[site]);
            let weight = learns(range.weight.clips(precision.weight)).then_some((site, Operand::Weight));
            let input = learns(range.input.clips(precision.activation)).then_some((site, Operand::Input));
            weight.into_iter().chain(input)
        };
        (0..self.spec.0.len()).flat_map(of_site).collect()
    }

    fn learns(&self, site: usize, operand: Operand) -> bool {
        self.clips == Clips::Learned && self.learned_operands().contains(&(site, operand))
    }
}

/// An operand of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Weight,
    Input,
}

/// The clips whose logarithms were learned.
fn clips_of(learned: &Learned) -> Vec<f32> {
    learned.values.data().iter().map(|&x| libm::expf(x)).collect()
}

fn clips_mut(range: &mut OperandRange, bits: Bits) -> &mut Vec<f32> {
    match bits {
        Bits::Two => &mut range.clip2,
        Bits::Four => &mut range.clip4,
        Bits::Eight => &mut range.clip8,
        Bits::Sixteen => unreachable!("fixed point has no clip to learn"),
    }
}

impl Arithmetic for QuantAware {
    fn learned(&self) -> Vec<Learned> {
        let learned = |(site, operand): (usize, Operand)| {
            let (range, precision) = (&self.calibration.sites[site], self.spec.0[site]);
            let (name, clips) = match operand {
                Operand::Weight => ("weight_clip", range.weight.clips(precision.weight)),
                Operand::Input => ("input_clip", range.input.clips(precision.activation)),
            };
            let logarithms: Vec<f32> = clips.unwrap_or_default().iter().map(|&clip| libm::logf(clip)).collect();
            let values = Matrix::from_rows(1, logarithms.len(), logarithms);
            Learned { name: format!("{}.{name}", range.site), values }
        };
        self.learned_operands().into_iter().map(learned).collect()
    }

    fn prepare(&mut self, network: &Network, learned: &[Learned]) -> Result<()> {
        for ((site, operand), learned) in self.learned_operands().into_iter().zip(learned) {
            let (grids, precision) = (&mut self.sites[site], self.spec.0[site]);
            let on = |bits: Bits| clips_of(learned).into_iter().map(move |clip| Grid::integer(bits, clip));
            match operand {
                Operand::Weight => grids.weight = on(precision.weight).collect(),
                Operand::Input => grids.input = on(precision.activation).next().expect("an input has one clip"),
            }
        }
        for (grids, (from, to)) in
            self.sites.iter().zip(network.site_weights().into_iter().zip(self.rounded.site_weights_mut()))
        {
            round_rows(from, &grids.weight, to);
        }
        let formats = vector_formats(network, &self.calibration.layers)?;
        let vectors = network.vectors().into_iter().zip(self.rounded.vectors_mut());
        for ((from, to), format) in vectors.zip(formats) {
            to.data_mut().copy_from_slice(&format.round(from.data()));
        }
        self.input_slopes.get_mut().expect("nobody panics while it adds").fill(0.0);
        Ok(())
    }

    fn run<'a>(&'a self, _network: &'a Network) -> &'a Network {
        &self.rounded
    }

    fn back(&self, network: &Network, gradients: &mut Gradients) -> Vec<Matrix> {
        let weights = network.site_weights();
        let mut learned = Vec::new();
        for (site, grids) in self.sites.iter().enumerate() {
            let gradient = &mut gradients.matrices_mut()[self.places[site]];
            if self.learns(site, Operand::Weight) {
                let slopes = learn_rows(weights[site], &grids.weight, gradient);
                learned.push(Matrix::from_rows(1, slopes.len(), slopes.into_iter().map(|x| x as f32).collect()));
            } else {
                mask_rows(weights[site], &grids.weight, gradient);
            }
            if self.learns(site, Operand::Input) {
                let slope = self.input_slopes.lock().expect("nobody panics while it adds")[site];
                learned.push(Matrix::from_rows(1, 1, vec![slope as f32]));
            }
        }
        learned
    }

    fn origin(&self) -> Value {
        json!({ "bits": self.spec.to_string(), "clips": self.clips, "calibration": self.calibration })
    }
}

impl SiteOps<f32> for QuantAware {
    fn input<'a>(&self, site: SiteId, input: &'a Matrix, workspace: &mut Workspace) -> Cow<'a, Matrix> {
        let mut rounded = workspace.take(input.rows(), input.cols());
        round_rows(input, &[self.sites[site.0].input], &mut rounded);
        Cow::Owned(rounded)
    }

    fn output(&self, site: SiteId, output: &mut Matrix) -> Saturated {
        self.sites[site.0].round_output(output)
    }

    fn input_back_at(&self, site: SiteId) -> Option<bool> {
        Some(self.learns(site.0, Operand::Input))
    }

    fn input_back(&self, site: SiteId, input: &Matrix, gradient: &mut Matrix) {
        let grid = [self.sites[site.0].input];
        if self.learns(site.0, Operand::Input) {
            let slope = learn_rows(input, &grid, gradient)[0];
            self.input_slopes.lock().expect("nobody panics while it adds")[site.0] += slope;
        } else {
            mask_rows(input, &grid, gradient);
        }
    }
}

impl SiteGrids {
    /// Puts a result on its grids and returns the places that came to lie on an end of one.
    fn round_output(&self, output: &mut Matrix) -> Saturated {
        let columns = output.cols();
        let tasks = output.data_mut().par_chunks_mut((TASK_ROWS * columns).max(1)).enumerate();
        let of_task = |(task, rows): (usize, &mut [f32])| {
            let first = task * TASK_ROWS * columns;
            let mut saturated = Vec::new();
            for (i, part) in rows.chunks_mut(self.width).enumerate() {
                let grid = self.outputs[i % self.outputs.len()];
                if grid.apply(part) {
                    let places = part.iter().enumerate().filter(|(_, value)| grid.is_end(**value));
                    saturated.extend(places.map(|(j, _)| (first + i * self.width + j) as u32));
                }
            }
            saturated
        };
        let saturated: Vec<Saturated> = tasks.map(of_task).collect();
        saturated.concat()
    }
}

/// Runs `work` on rows of `to` beside those of `from`, some at a time, and returns what it returns in order.
fn on_rows<R: Send>(from: &Matrix, to: &mut Matrix, work: impl Fn(&[f32], &mut [f32]) -> R + Sync) -> Vec<R> {
    let chunk = (TASK_ROWS * from.cols()).max(1);
    let rows = from.data().par_chunks(chunk).zip(to.data_mut().par_chunks_mut(chunk));
    let run = |(from, to): (&[f32], &mut [f32])| {
        vectorized(
            #[inline(always)]
            || work(from, to),
        )
    };
    rows.map(run).collect()
}

/// Writes `from` to `to` on one grid, or on one a column.
fn round_rows(from: &Matrix, grids: &[Grid], to: &mut Matrix) {
    let columns = from.cols();
    on_rows(
        from,
        to,
        #[inline(always)]
        |from, to| match grids {
            &[grid] => to.iter_mut().zip(from).for_each(|(to, &x)| *to = grid.round(x)),
            grids => {
                for (from, to) in from.chunks(columns).zip(to.chunks_mut(columns)) {
                    to.iter_mut().zip(from).zip(grids).for_each(|((to, &x), grid)| *to = grid.round(x));
                }
            }
        },
    );
}

/// Lets through the gradient of what lies inside its grid.
fn mask_rows(values: &Matrix, grids: &[Grid], gradient: &mut Matrix) {
    let columns = values.cols();
    let pass = |grid: Grid, x: f32, d: f32| if grid.holds(x) { d } else { 0.0 };
    on_rows(
        values,
        gradient,
        #[inline(always)]
        |values, gradient| match grids {
            &[grid] => gradient.iter_mut().zip(values).for_each(|(d, &x)| *d = pass(grid, x, *d)),
            grids => {
                for (values, gradient) in values.chunks(columns).zip(gradient.chunks_mut(columns)) {
                    gradient.iter_mut().zip(values).zip(grids).for_each(|((d, &x), &grid)| *d = pass(grid, x, *d));
                }
            }
        },
    );
}

/// The same, and returns the slopes of the loss along the logarithms of the clips: one, or one a column.
fn learn_rows(values: &Matrix, grids: &[Grid], gradient: &mut Matrix) -> Vec<f64> {
    let columns = values.cols();
    let parts = on_rows(values, gradient, |values, gradient| {
        let mut slopes = vec![0.0; grids.len()];
        for (values, gradient) in values.chunks(columns).zip(gradient.chunks_mut(columns)) {
            for (column, (d, &x)) in gradient.iter_mut().zip(values).enumerate() {
                let place = column % grids.len();
                slopes[place] += f64::from(*d * grids[place].slope(x));
                *d = if grids[place].holds(x) { *d } else { 0.0 };
            }
        }
        slopes
    });
    let mut total = vec![0.0; grids.len()];
    for slopes in parts {
        total.iter_mut().zip(slopes).for_each(|(total, slope)| *total += slope);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::tests::{network, sequences};
    use super::super::{Precision, QuantizeSettings, calibrate};
    use super::*;
    use crate::nn::{Batch, Float, frame_loss};

    fn aware(spec: &QuantSpec, per_channel: bool, clips: Clips) -> (Network, QuantAware) {
        let network = network();
        let settings = QuantizeSettings { per_channel, ..QuantizeSettings::default() };
        let calibration = calibrate(&network, &sequences(6), &settings).unwrap();
        let aware = QuantAware::new(&network, calibration, spec.clone(), clips).unwrap();
        (network, aware)
    }

    fn uniform(bits: Bits) -> QuantSpec {
        QuantSpec::uniform(Precision::new(bits, bits), 4)
    }

    fn outputs(network: &Network, ops: &impl SiteOps<f32>) -> Vec<f32> {
        network.forward(&Batch::of(&sequences(6), 5).unwrap(), ops).into_data()
    }

    fn loss(network: &Network, ops: &impl SiteOps<f32>) -> f64 {
        let sequences = sequences(6);
        let labels: Vec<u32> = sequences.iter().flat_map(|sequence| sequence.labels.clone()).collect();
        frame_loss(&mut network.forward(&Batch::of(&sequences, 5).unwrap(), ops), &labels).mean()
    }

    /// Gradients of the network and of what is learned beside it.
    fn gradients(network: &Network, aware: &QuantAware) -> (Gradients, Vec<Matrix>) {
        let (sequences, mut workspace) = (sequences(6), Workspace::new());
        let labels: Vec<u32> = sequences.iter().flat_map(|sequence| sequence.labels.clone()).collect();
        let batch = Batch::of(&sequences, 5).unwrap();
        let mut gradients = Gradients::zeros(network);
        let (trace, mut logits) = aware.run(network).forward_train(&batch, aware, None, &mut workspace);
        frame_loss(&mut logits, &labels);
        aware.run(network).backward(trace, aware, logits, &mut gradients, &mut workspace);
        let learned = aware.back(network, &mut gradients);
        (gradients, learned)
    }

    #[test]
    fn sixteen_bits_change_little_and_fewer_bits_more() {
        let float = outputs(&network(), &Float);
        let away = |bits| {
            let (network, aware) = aware(&uniform(bits), false, Clips::Static);
            let quantized = outputs(aware.run(&network), &aware);
            float.iter().zip(quantized).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let [two, four, eight, sixteen] = Bits::ALL.map(away);
        assert!(sixteen < 0.02, "{sixteen}");
        assert!(sixteen < eight && eight < four && four < two, "{sixteen} {eight} {four} {two}");
    }

    #[test]
    fn every_weight_is_on_the_grid_of_its_width() {
        let (network, aware) = aware(&uniform(Bits::Two), true, Clips::Static);
        for (site, rounded) in aware.run(&network).site_weights().iter().enumerate() {
            for column in 0..rounded.cols() {
                let mut levels: Vec<f32> = (0..rounded.rows()).map(|row| rounded.row(row)[column]).collect();
                levels.sort_by(f32::total_cmp);
                levels.dedup();
                assert!(levels.len() <= 4, "site {site}, output {column}: {levels:?}");
            }
        }
    }

    #[test]
    fn what_lies_beyond_its_clip_gets_no_gradient() {
        for per_channel in [false, true] {
            let (network, aware) = aware(&uniform(Bits::Two), per_channel, Clips::Static);
            let (gradients, learned) = gradients(&network, &aware);
            assert!(learned.is_empty());
            let (mut inside, mut outside) = (0, 0);
            for (site, weight) in network.site_weights().iter().enumerate() {
                let gradient = &gradients.matrices()[aware.places[site]];
                let clips = aware.calibration.sites[site].weight.clips(Bits::Two).unwrap();
                for (i, (&w, &d)) in weight.data().iter().zip(gradient.data()).enumerate() {
                    // Codes −2 … 1 in steps of the clip; 1.5 rounds up, to an even code.
                    let code = w / clips[i % weight.cols() % clips.len()];
                    if (-2.5..1.5).contains(&code) {
                        inside += usize::from(d != 0.0);
                    } else {
                        outside += 1;
                        assert_eq!(d, 0.0, "site {site}, weight {i}: code {code}");
                    }
                }
            }
            assert!(inside > 100 && outside > 0, "{inside} {outside}");
        }
    }

    /// Gradients in floating point are tested against finite differences; on grids as fine as these they must be found again.
    #[test]
    fn at_sixteen_bits_gradients_are_nearly_those_of_the_float_network() {
        let (network, aware) = aware(&uniform(Bits::Sixteen), false, Clips::Static);
        let (quantized, _) = gradients(&network, &aware);
        let (sequences, mut workspace) = (sequences(6), Workspace::new());
        let labels: Vec<u32> = sequences.iter().flat_map(|sequence| sequence.labels.clone()).collect();
        let batch = Batch::of(&sequences, 5).unwrap();
        let mut float = Gradients::zeros(&network);
        let (trace, mut logits) = network.forward_train(&batch, &Float, None, &mut workspace);
        frame_loss(&mut logits, &labels);
        network.backward(trace, &Float, logits, &mut float, &mut workspace);
        for ((a, b), parameter) in quantized.matrices().iter().zip(float.matrices()).zip(network.parameters()) {
            let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x * x)).sum::<f64>().sqrt();
            let off = norm(&mut a.data().iter().zip(b.data()).map(|(a, b)| a - b));
            let whole = norm(&mut b.data().iter().copied());
            // Steps of 2⁻¹⁰ and finer among activations of about 1, through three layers.
            assert!(off < 0.01 * whole, "{}: off by {off} of {whole}", parameter.name);
        }
    }

    /// Where every value keeps its code, the loss is a smooth function of a clip: the codes' values move with it.
    #[test]
    fn slopes_of_clips_are_those_of_the_loss() {
        let spec = QuantSpec::parse("16x16 4x16 16x16 8x16", 4).unwrap();
        let (network, mut aware) = aware(&spec, false, Clips::Learned);
        let start = aware.learned();
        assert_eq!(
            start.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(),
            ["l1.projection.weight_clip", "fc.weight_clip"]
        );
        let (_, slopes) = gradients(&network, &aware);
        for (i, slope) in slopes.iter().enumerate() {
            // With the weights scaled as the clip is, every weight keeps its code: what is left is the first term of the
            // slope, and the second is the same share of the weights' own gradients.
            let site = [1, 3][i];
            let at = |factor: f32| {
                let (mut learned, mut scaled) = (start.clone(), network.clone());
                learned[i].values.data_mut()[0] += libm::logf(factor);
                scaled.site_weights_mut()[site].data_mut().iter_mut().for_each(|w| *w *= factor);
                let mut moved =
                    QuantAware::new(&network, aware.calibration.clone(), spec.clone(), Clips::Learned).unwrap();
                moved.prepare(&scaled, &learned).unwrap();
                loss(moved.run(&scaled), &moved)
            };
            let numeric = (at(1.02) - at(1.0 / 1.02)) / (2.0 * libm::log(1.02));
            aware.prepare(&network, &start).unwrap();
            let (gradients, _) = gradients(&network, &aware);
            let weights = network.site_weights()[site].data();
            let pulled: f64 = gradients.matrices()[aware.places[site]]
                .data()
                .iter()
                .zip(weights)
                .map(|(d, w)| f64::from(d * w))
                .sum();
            let analytic = f64::from(slope.data()[0]) + pulled;
            assert!((analytic - numeric).abs() < 2e-3 + 0.05 * numeric.abs(), "{analytic} instead of {numeric}");
        }
    }

    #[test]
    fn learned_clips_are_lent_by_the_calibration() {
        let (_, aware) = aware(&uniform(Bits::Four), false, Clips::Learned);
        let mut learned = aware.learned();
        assert_eq!(learned.len(), 8);
        let before = aware.calibration(&learned);
        for (site, range) in before.sites.iter().enumerate() {
            let expected = &aware.calibration.sites[site];
            assert!((range.weight.clip4[0] / expected.weight.clip4[0] - 1.0).abs() < 1e-6);
        }
        learned[1].values.data_mut()[0] += libm::logf(2.0);
        let after = aware.calibration(&learned);
        assert!((after.sites[0].input.clip4[0] / before.sites[0].input.clip4[0] - 2.0).abs() < 1e-5);
        assert_eq!(after.sites[0].input.clip8, before.sites[0].input.clip8);
        assert_eq!(after.sites[1], before.sites[1]);
    }
}
