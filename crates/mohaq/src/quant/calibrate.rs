//! Calibration: one static set of ranges, from the weights and from a stated number of training sequences.
//!
//! Every clip and every fixed-point format that search, test and export use comes from here, so that what is measured is
//! what ships. Weights are looked at once. Activations are seen twice: a first float pass over the sequences finds the
//! range of every site's input and product, a second one counts the inputs in a histogram over that range.

use super::formats::{LayerFormat, Seen, SiteParts, fixed_point, layer_formats};
use super::grid::Grid;
use super::histogram::{ClipMethod, Histogram, extremes, max_abs, weight_clip};
use crate::nn::{Batch, Network, Saturated, SiteId, SiteOps, Workspace};
use crate::tensor::Matrix;
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_speech::dataset::Sequence;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Mutex;

/// How a network is quantized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuantizeSettings {
    /// How weight clips are chosen.
    pub weight_clip: ClipMethod,
    /// How activation clips are chosen. MMSE equals the published median of maxima at 8 bit, is better at 4 and decisive
    /// at 2 (30 against 80 points of phone error rate, measured on three corpora).
    pub activation_clip: ClipMethod,
    /// One clip for every output of a product instead of one for its whole weight matrix.
    pub per_channel: bool,
    /// Training sequences that activations are calibrated on, evenly spaced. The published number.
    pub calibration_sequences: usize,
}

impl Default for QuantizeSettings {
    fn default() -> Self {
        Self {
            weight_clip: ClipMethod::Mmse,
            activation_clip: ClipMethod::Mmse,
            per_channel: false,
            calibration_sequences: 70,
        }
    }
}

/// Clips of one operand at each integer width, and its 16 bit format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperandRange {
    /// Clip at 2 bit: one, or one an output channel.
    pub clip2: Vec<f32>,
    /// Clip at 4 bit.
    pub clip4: Vec<f32>,
    /// Clip at 8 bit.
    pub clip8: Vec<f32>,
    /// Fraction bits at 16 bit.
    pub fraction16: u32,
}

impl OperandRange {
    /// The grids at `bits`: one, or one an output channel.
    pub fn grids(&self, bits: Bits) -> Vec<Grid> {
        match self.clips(bits) {
            Some(clips) => clips.iter().map(|&clip| Grid::integer(bits, clip)).collect(),
            None => vec![Grid::fixed(self.fraction16)],
        }
    }

    /// The clips at `bits`; `None` at 16, which have a format instead.
    pub fn clips(&self, bits: Bits) -> Option<&[f32]> {
        match bits {
            Bits::Two => Some(&self.clip2),
            Bits::Four => Some(&self.clip4),
            Bits::Eight => Some(&self.clip8),
            Bits::Sixteen => None,
        }
    }

    fn new(max: f32, clip: impl Fn(Bits) -> Vec<f32>) -> Self {
        let [clip2, clip4, clip8] = [Bits::Two, Bits::Four, Bits::Eight].map(clip);
        Self { clip2, clip4, clip8, fraction16: Grid::fraction_for(max) }
    }
}

/// Ranges of everything that meets at one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteRange {
    /// The site's name, to check a file against a network.
    pub site: String,
    /// Of the weights.
    pub weight: OperandRange,
    /// Of the inputs.
    pub input: OperandRange,
}

/// The static ranges of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How they were chosen.
    pub settings: QuantizeSettings,
    /// Sequences that were seen.
    pub sequences: usize,
    /// In the order of [`Workload::sites`](crate::nn::Workload::sites).
    pub sites: Vec<SiteRange>,
    /// Fraction bits of the network's input.
    pub input_fraction: u32,
    /// In the order of [`Network::layers`].
    pub layers: Vec<LayerFormat>,
}

/// Calibrates `network` on evenly spaced sequences of `train`.
///
/// # Errors
/// [`Error::Calibration`] when there is no sequence, an activation is not finite or too large for any 16 bit format, or a
/// layer comes where integers cannot be had.
pub fn calibrate(network: &Network, train: &[Sequence], settings: &QuantizeSettings) -> Result<Calibration> {
    let chosen = evenly_spaced(train, settings.calibration_sequences);
    if chosen.is_empty() {
        return Err(Error::Calibration { reason: "there is no sequence to calibrate on".into() });
    }
    let batch = |sequence: &&Sequence| {
        network.check_tokens(sequence)?;
        Batch::of([*sequence], network.inputs())
    };
    let batches: Vec<Batch<f32>> = chosen.iter().map(batch).collect::<Result<_>>()?;
    let parts = SiteParts::of(network);
    let ranges = || parts.iter().map(|&parts| Range::new(parts)).collect();
    let fresh = || Probe::Ranges(ranges(), vec![0.0; network.layers().len()]);
    let (per_sequence, largest): (Vec<Vec<Range>>, Vec<Vec<f32>>) =
        observe(network, &batches, &fresh)?.into_iter().map(Probe::into_ranges).unzip();
    let unbounded: Vec<f32> = (0..network.layers().len())
        .map(|layer| largest.iter().map(|of_sequence| of_sequence[layer]).fold(0.0, f32::max))
        .collect();
    let whole = merge(&per_sequence);
    let histograms = observe(network, &batches, &|| Probe::Histograms(whole.iter().map(Range::histogram).collect()))?;
    let histograms = sum(histograms.into_iter().map(Probe::into_histograms).collect());
    let features = batches.iter().map(|batch| max_abs(batch.features().data())).fold(0.0, f32::max);
    // The number of a row is its own code.
    let tokens = network.description().reads_tokens();
    let input_fraction = if tokens { 0 } else { fixed_point("the network's input", features)? };
    let inputs: Vec<f32> = whole.iter().map(Range::max_abs).collect();
    let outputs: Vec<&[f32]> = whole.iter().map(|range| range.outputs.as_slice()).collect();
    let seen = Seen { inputs: &inputs, outputs: &outputs, unbounded: &unbounded };
    let layers = layer_formats(network, seen)?;
    let sites = network.workload().sites;
    let weights = network.site_weights();
    let ranges = sites.iter().enumerate().map(|(i, site)| SiteRange {
        site: site.name.clone(),
        weight: weight_range(weights[i], settings),
        input: input_range(&histograms[i], per_sequence.iter().map(|ranges| ranges[i].max_abs()), settings),
    });
    let sites = ranges.collect();
    Ok(Calibration { settings: settings.clone(), sequences: chosen.len(), sites, input_fraction, layers })
}

/// `count` of `items`, evenly spaced from the first; all of them where there are not more, or `count` is 0.
pub fn evenly_spaced<T>(items: &[T], count: usize) -> Vec<&T> {
    if count == 0 || count >= items.len() {
        return items.iter().collect();
    }
    (0..count).map(|i| &items[i * items.len() / count]).collect()
}

/// What one sequence showed at one site.
#[derive(Clone, Debug)]
struct Range {
    low: f32,
    high: f32,
    parts: SiteParts,
    /// Largest magnitude of each part of the product.
    outputs: Vec<f32>,
}

impl Range {
    fn new(parts: SiteParts) -> Self {
        Self { low: f32::INFINITY, high: f32::NEG_INFINITY, parts, outputs: vec![0.0; parts.count] }
    }

    /// 0 where there was no input, as at a table.
    fn max_abs(&self) -> f32 {
        if self.low > self.high { 0.0 } else { self.low.abs().max(self.high.abs()) }
    }

    fn histogram(&self) -> Histogram {
        if self.low > self.high { Histogram::new(0.0, 0.0) } else { Histogram::new(self.low, self.high) }
    }

    fn add_output(&mut self, values: &[f32]) {
        for (i, values) in values.chunks(self.parts.width).enumerate() {
            let largest = &mut self.outputs[i % self.parts.count];
            *largest = largest.max(max_abs(values));
        }
    }

    fn with(mut self, other: &Self) -> Self {
        (self.low, self.high) = (self.low.min(other.low), self.high.max(other.high));
        self.outputs.iter_mut().zip(&other.outputs).for_each(|(mine, other)| *mine = mine.max(*other));
        self
    }
}

/// The whole range of every site over all sequences.
fn merge(per_sequence: &[Vec<Range>]) -> Vec<Range> {
    let Some((first, rest)) = per_sequence.split_first() else { return Vec::new() };
    let whole = |(site, range): (usize, &Range)| rest.iter().fold(range.clone(), |range, more| range.with(&more[site]));
    first.iter().enumerate().map(whole).collect()
}

/// Adds up the histograms of each site.
fn sum(mut per_sequence: Vec<Vec<Histogram>>) -> Vec<Histogram> {
    let mut total = per_sequence.pop().unwrap_or_default();
    for histograms in &per_sequence {
        for (total, histogram) in total.iter_mut().zip(histograms) {
            total.merge(histogram);
        }
    }
    total
}

/// What is recorded during a float pass over one sequence: ranges first, then histograms over them.
enum Probe {
    /// Of every site, and the largest magnitude of what nothing else bounds in every layer.
    Ranges(Vec<Range>, Vec<f32>),
    Histograms(Vec<Histogram>),
}

impl Probe {
    fn input(&mut self, site: SiteId, values: &[f32]) {
        match self {
            Self::Ranges(ranges, _) => {
                let (low, high) = extremes(values);
                let range = &mut ranges[site.0];
                (range.low, range.high) = (range.low.min(low), range.high.max(high));
            }
            Self::Histograms(histograms) => histograms[site.0].add(values),
        }
    }

    fn output(&mut self, site: SiteId, values: &[f32]) {
        if let Self::Ranges(ranges, _) = self {
            ranges[site.0].add_output(values);
        }
    }

    fn unbounded(&mut self, layer: usize, values: &[f32]) {
        if let Self::Ranges(_, largest) = self {
            largest[layer] = largest[layer].max(max_abs(values));
        }
    }

    fn into_ranges(self) -> (Vec<Range>, Vec<f32>) {
        match self {
            Self::Ranges(ranges, largest) => (ranges, largest),
            Self::Histograms(_) => (Vec::new(), Vec::new()),
        }
    }

    fn into_histograms(self) -> Vec<Histogram> {
        match self {
            Self::Histograms(histograms) => histograms,
            Self::Ranges(..) => Vec::new(),
        }
    }
}

/// A [`Probe`] listening at every site.
struct Listening(Mutex<Probe>);

impl SiteOps<f32> for Listening {
    fn input<'a>(&self, site: SiteId, input: &'a Matrix, _workspace: &mut Workspace) -> Cow<'a, Matrix> {
        self.0.lock().expect("no thread panics while it records").input(site, input.data());
        Cow::Borrowed(input)
    }

    fn output(&self, site: SiteId, output: &mut Matrix) -> Saturated {
        self.0.lock().expect("no thread panics while it records").output(site, output.data());
        Saturated::new()
    }

    fn unbounded(&self, layer: usize, values: &Matrix) {
        self.0.lock().expect("no thread panics while it records").unbounded(layer, values.data());
    }
}

/// Runs the float network over each of `batches` with a fresh probe, and returns the probes in order.
fn observe(network: &Network, batches: &[Batch<f32>], probe: &(dyn Fn() -> Probe + Sync)) -> Result<Vec<Probe>> {
    let run = |batch: &Batch<f32>| {
        let listening = Listening(Mutex::new(probe()));
        let logits = network.forward(batch, &listening);
        if logits.data().iter().any(|value| !value.is_finite()) {
            return Err(Error::Calibration {
                reason: "the float network's output is not finite on a training sequence".into(),
            });
        }
        Ok(listening.0.into_inner().expect("no thread panics while it records"))
    };
    batches.par_iter().map(run).collect()
}

fn weight_range(weight: &Matrix, settings: &QuantizeSettings) -> OperandRange {
    let method = settings.weight_clip;
    let whole = weight.data();
    OperandRange::new(max_abs(whole), |bits| {
        if settings.per_channel {
            (0..weight.cols()).map(|column| weight_clip(&column_of(weight, column), bits, method)).collect()
        } else {
            vec![weight_clip(whole, bits, method)]
        }
    })
}

/// The weights of one output: a column, since a weight matrix is `[inputs, outputs]`.
fn column_of(weight: &Matrix, column: usize) -> Vec<f32> {
    weight.data().iter().skip(column).step_by(weight.cols()).copied().collect()
}

fn input_range(histogram: &Histogram, maxima: impl Iterator<Item = f32>, settings: &QuantizeSettings) -> OperandRange {
    let mut maxima: Vec<f32> = maxima.collect();
    maxima.sort_by(f32::total_cmp);
    let median = maxima[maxima.len() / 2];
    OperandRange::new(histogram.max_abs(), |bits| {
        vec![match settings.activation_clip {
            ClipMethod::Mmse => histogram.mmse_clip(bits),
            ClipMethod::Max => histogram.max_abs(),
            ClipMethod::Percentile(percent) => histogram.percentile_clip(percent),
            ClipMethod::MedianOfMaxima => median,
        }]
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::IntegerBank;
    use super::*;
    use crate::nn::NetworkDescription;
    use mohaq_speech::dataset::Features;

    /// A small bidirectional network of two layers and a linear one, and its four sites.
    pub(crate) fn network() -> Network {
        let text = r#"
            input = 5
            layers = [
                { kind = "sru", hidden = 6, bidirectional = true },
                { kind = "sru", hidden = 6, bidirectional = true, projection = 4 },
                { kind = "linear", outputs = 3 },
            ]
        "#;
        Network::new(&NetworkDescription::from_toml(text).unwrap(), 7).unwrap()
    }

    /// Sequences of different lengths with smooth values up to about ±3.
    pub(crate) fn sequences(count: usize) -> Vec<Sequence> {
        let sequence = |i: usize| {
            let frames = 3 + 4 * i;
            let value = |k: usize| 3.0 * libm::sinf(0.37 * k as f32 + i as f32) * libm::cosf(0.011 * (k * k) as f32);
            let features = Features { dim: 5, values: (0..5 * frames).map(value).collect() };
            let labels = (0..frames).map(|t| (t % 3) as u32).collect();
            Sequence {
                id: format!("s{i}"),
                speaker: String::new(),
                features,
                labels,
                reference: Vec::new(),
                targets: Vec::new(),
            }
        };
        (0..count).map(sequence).collect()
    }

    #[test]
    fn the_median_of_maxima_lies_between_the_sequences() {
        let (network, train) = (network(), sequences(5));
        let clip = |method| {
            let settings = QuantizeSettings { activation_clip: method, ..QuantizeSettings::default() };
            calibrate(&network, &train, &settings).unwrap().sites[0].input.clip8[0]
        };
        let mut maxima: Vec<f32> = train.iter().map(|sequence| max_abs(&sequence.features.values)).collect();
        maxima.sort_by(f32::total_cmp);
        assert_eq!(clip(ClipMethod::MedianOfMaxima), maxima[2]);
        assert_eq!(clip(ClipMethod::Max), maxima[4]);
    }

    #[test]
    fn calibration_uses_the_stated_number_of_sequences() {
        let train = sequences(9);
        assert_eq!(evenly_spaced(&train, 3).iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["s0", "s3", "s6"]);
        assert_eq!(evenly_spaced(&train, 0).len(), 9);
        let settings = QuantizeSettings { calibration_sequences: 4, ..QuantizeSettings::default() };
        assert_eq!(calibrate(&network(), &train, &settings).unwrap().sequences, 4);
    }

    #[test]
    fn nothing_to_calibrate_on_is_an_error() {
        assert!(matches!(calibrate(&network(), &[], &QuantizeSettings::default()), Err(Error::Calibration { .. })));
    }

    #[test]
    fn a_calibration_of_another_network_or_with_absurd_ranges_is_refused() {
        let network = network();
        let good = calibrate(&network, &sequences(3), &QuantizeSettings::default()).unwrap();
        let spoilt = |spoil: &dyn Fn(&mut Calibration)| {
            let mut calibration = good.clone();
            spoil(&mut calibration);
            IntegerBank::new(&network, calibration)
        };
        assert!(spoilt(&|_| ()).is_ok());
        assert!(spoilt(&|c| c.sites[1].site = "other".into()).is_err());
        assert!(spoilt(&|c| drop(c.sites.pop())).is_err());
        assert!(spoilt(&|c| c.sites[0].input.clip4 = vec![]).is_err());
        assert!(spoilt(&|c| c.sites[0].weight.clip8 = vec![1.0, 2.0]).is_err());
        assert!(spoilt(&|c| c.sites[2].weight.clip2[0] = f32::NAN).is_err());
        assert!(spoilt(&|c| c.input_fraction = 16).is_err());
        assert!(spoilt(&|c| c.layers.truncate(2)).is_err());
        assert!(spoilt(&|c| c.layers[2] = LayerFormat::Linear { output: 40 }).is_err());
        assert!(
            spoilt(&|c| c.layers[0] = LayerFormat::Sru { normed: None, projected: None, state: 3, hidden: 9 }).is_err()
        );
        assert!(
            spoilt(&|c| c.layers[0] = LayerFormat::Sru { normed: None, projected: Some(9), state: 9, hidden: 9 })
                .is_err()
        );
        assert!(
            spoilt(&|c| c.layers[0] = LayerFormat::Sru { normed: Some(9), projected: None, state: 9, hidden: 9 })
                .is_err()
        );
    }
}
