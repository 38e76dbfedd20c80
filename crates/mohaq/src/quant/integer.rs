//! The quantized network in integers: what is measured, and what ships.
//!
//! Weights depend on (site, bits) alone, so an [`IntegerBank`] quantizes and packs each matrix once for every width and
//! family of kernels that is asked for, and shares it among all candidates. A candidate is then an
//! [`Engine`] of shared weights and a few thousand constants.

use super::calibrate::{Calibration, OperandRange};
use super::check::check_all;
use super::formats::{
    LayerFormat, SiteParts, format, gain_format, integer_pointwise, recurrent_cell, sru_cell, vector_formats,
};
use super::scales::{SiteScales, scales};
use super::spec::{Precision, QuantSpec};
use crate::nn::{
    Conv1dDescription, EPSILON, Layer, LayerNorm, Network, Product, Recurrent, RecurrentShape, SiteId, Skip, Sru,
};
use crate::{Error, Result};
use mohaq_rt::cell::{Factor, Highway};
use mohaq_rt::engine::{Engine, arrangement, gate_arrangement, sru_arrangement};
use mohaq_rt::image::{self, ImageParameters};
use mohaq_rt::norm::Norm;
use mohaq_rt::numeric::{Q16, Quantizer, Requantizer};
use mohaq_rt::panel::{Family, Panels};
use mohaq_rt::parameters::{
    Conv1dParameters, LayerParameters, NormParameters, RecurrentParameters, SiteParameters, SruParameters,
};
use mohaq_rt::{Bits, Level};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// Packed weights of one site, by width and family.
type Packed = [[OnceLock<Arc<Panels>>; Family::ALL.len()]; Bits::ALL.len()];

/// A calibrated network in integers, at every width.
#[derive(Debug)]
pub struct IntegerBank<'a> {
    network: Cow<'a, Network>,
    calibration: Calibration,
    level: Level,
    input: Q16,
    output: Q16,
    /// Fraction bits of each part of every product.
    fractions: Vec<Vec<u32>>,
    parts: Vec<SiteParts>,
    /// 16 bit codes of vectors and biases, in the order of [`Network::vectors_mut`].
    vectors: Vec<Vec<i16>>,
    packed: Vec<Packed>,
    /// Whether a site is a table, of which a row is read.
    tables: Vec<bool>,
}

impl<'a> IntegerBank<'a> {
    /// A bank for `network` under `calibration`, for the best level of this machine.
    ///
    /// # Errors
    /// [`Error::Calibration`] when the calibration is of another network.
    pub fn new(network: &'a Network, calibration: Calibration) -> Result<Self> {
        Self::at_level(network, calibration, Level::detect())
    }

    /// A bank that owns its network.
    ///
    /// # Errors
    /// [`Error::Calibration`] when the calibration is of another network.
    pub fn owning(network: Network, calibration: Calibration) -> Result<IntegerBank<'static>> {
        IntegerBank::of(Cow::Owned(network), calibration, Level::detect())
    }

    /// A bank whose engines run at `level`.
    ///
    /// # Errors
    /// [`Error::Calibration`] when the calibration is of another network.
    pub fn at_level(network: &'a Network, calibration: Calibration, level: Level) -> Result<Self> {
        Self::of(Cow::Borrowed(network), calibration, level)
    }

    fn of(network: Cow<'a, Network>, calibration: Calibration, level: Level) -> Result<Self> {
        let fractions = check_all(&network, &calibration)?;
        let formats = vector_formats(&network, &calibration.layers)?;
        let vectors = network.vectors().into_iter().zip(formats);
        let vectors = vectors.map(|(matrix, format)| format.codes(matrix.data())).collect();
        let packed = fractions.iter().map(|_| Packed::default()).collect();
        let input = format(calibration.input_fraction)?;
        let output = output_format(&network, &calibration.layers, input)?;
        let parts = SiteParts::of(&network);
        let mut tables = vec![false; parts.len()];
        for layer in network.layers() {
            if let Layer::Embedding(table) = layer {
                tables[table.site.0] = true;
            }
        }
        Ok(Self { network, calibration, level, input, output, fractions, parts, vectors, packed, tables })
    }

    /// The network in floating point.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The ranges in use.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The level of the machine in use.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Format of the features that an engine takes.
    pub fn input(&self) -> Q16 {
        self.input
    }

    /// Format of the outputs that an engine returns.
    pub fn output(&self) -> Q16 {
        self.output
    }

    /// Bytes of all weights that are packed by now.
    pub fn packed_bytes(&self) -> usize {
        self.packed.iter().flatten().flatten().filter_map(OnceLock::get).map(|panels| panels.bytes()).sum()
    }

    /// The network at `spec`, ready to run.
    ///
    /// # Errors
    /// [`Error::Integer`] where scales do not go together: a tensor whose calibrated ranges differ beyond reason.
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn engine(&self, spec: &QuantSpec) -> Result<Engine> {
        let layers = self.parameters(spec, &|site, precision| self.panels(site, precision))?;
        Engine::new(self.level, self.network.inputs(), layers).map_err(integer("network"))
    }

    /// The network at `spec` as plain values, weights as codes `[inputs, outputs]`.
    ///
    /// # Errors
    /// See [`engine`](Self::engine).
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn layers(&self, spec: &QuantSpec) -> Result<Vec<LayerParameters<Vec<i16>>>> {
        self.parameters(spec, &|site, precision| self.codes(site, precision.weight))
    }

    /// What the codes of [`layers`](Self::layers) stand for, site by site.
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn scales(&self, spec: &QuantSpec) -> Vec<SiteScales> {
        assert_eq!(spec.0.len(), self.parts.len(), "one precision a site");
        let of_site = |(site, precision): (usize, &Precision)| {
            let (range, columns) = (&self.calibration.sites[site], self.network.site_weights()[site].cols());
            SiteScales {
                input: self.input_scale(site, precision.activation),
                weights: scales(&range.weight, precision.weight),
                fractions: (0..columns).map(|column| self.fraction(site, column)).collect(),
            }
        };
        spec.0.iter().enumerate().map(of_site).collect()
    }

    /// The value of code 1 of what site number `site` reads.
    fn input_scale(&self, site: usize, bits: Bits) -> f64 {
        // Nothing is multiplied with the rows of a table: they come as they are.
        if self.tables[site] { 1.0 } else { scales(&self.calibration.sites[site].input, bits)[0] }
    }

    /// Bits behind the point of a column's result.
    fn fraction(&self, site: usize, column: usize) -> u32 {
        let fractions = &self.fractions[site];
        fractions[column / self.parts[site].width % fractions.len()]
    }

    /// The network at `spec` as the bytes of an image.
    ///
    /// # Errors
    /// See [`engine`](Self::engine); [`Error::Integer`] also for a network that no image has room for.
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn image(&self, spec: &QuantSpec) -> Result<Vec<u8>> {
        let (input, output) = (self.input, self.output);
        let parameters = ImageParameters { inputs: self.network.inputs(), input, output, layers: self.layers(spec)? };
        image::write(&parameters).map_err(integer("image"))
    }

    fn parameters<W>(
        &self,
        spec: &QuantSpec,
        weights: &dyn Fn(SiteId, Precision) -> Result<W>,
    ) -> Result<Vec<LayerParameters<W>>> {
        assert_eq!(spec.0.len(), self.packed.len(), "one precision a site");
        let mut arriving = self.input;
        let mut vectors = self.vectors.iter();
        let mut layers = Vec::with_capacity(self.network.layers().len());
        for (layer, form) in self.network.layers().iter().zip(&self.calibration.layers) {
            let site = |site: SiteId, arriving: Q16, biases: Vec<i16>| {
                self.site(site, spec.0[site.0], arriving, biases, weights(site, spec.0[site.0])?)
            };
            let vector = &mut || vectors.next().expect("a tensor for every vector of the network").clone();
            layers.push(match layer {
                Layer::Sru(sru) => LayerParameters::Sru(self.sru(sru, form, arriving, vector, &site)?),
                Layer::Recurrent(recurrent) => {
                    LayerParameters::Recurrent(self.recurrent(recurrent, form, arriving, vector, &site)?)
                }
                Layer::Linear(linear) => LayerParameters::Linear(site(linear.site, arriving, vector())?),
                Layer::Conv1d(conv) => {
                    let Conv1dDescription { kernel, stride, padding, .. } = conv.shape;
                    let site = site(conv.site, arriving, vector())?;
                    LayerParameters::Conv1d(Conv1dParameters { kernel, stride, padding, site })
                }
                Layer::Embedding(table) => LayerParameters::Embedding(site(table.site, arriving, Vec::new())?),
                Layer::LayerNorm(norm) => {
                    LayerParameters::Norm(normalisation(norm, [arriving, leaving(layer, form, arriving)?], vector)?)
                }
                Layer::Pointwise(function) => LayerParameters::Pointwise(integer_pointwise(*function)),
            });
            arriving = leaving(layer, form, arriving)?;
        }
        Ok(layers)
    }

    fn sru<W>(
        &self,
        sru: &Sru,
        form: &LayerFormat,
        arriving: Q16,
        vector: &mut dyn FnMut() -> Vec<i16>,
        site: &dyn Fn(SiteId, Q16, Vec<i16>) -> Result<SiteParameters<W>>,
    ) -> Result<SruParameters<W>> {
        let &LayerFormat::Sru { normed, projected, state, hidden } = form else {
            unreachable!("checked against the network")
        };
        let (cell, _) = sru_cell(sru, state, hidden)?;
        let (vectors, gate_biases) = (vector(), vector());
        let highway = match sru.skip {
            Skip::None => Highway::None,
            Skip::Matrix => Highway::Product,
            Skip::Identity => {
                Highway::Input(Factor::new(sru.scale, arriving, format(hidden)?).map_err(integer(&sru.name))?)
            }
        };
        let read = normed.map(format).transpose()?.unwrap_or(arriving);
        let norm = sru.norm.as_ref().map(|norm| normalisation(norm, [arriving, read], vector)).transpose()?;
        let projection = sru.projection.as_ref().map(|(id, _)| site(*id, read, Vec::new())).transpose()?;
        let projected = projected.map(format).transpose()?.unwrap_or(read);
        let sites = sru
            .products
            .iter()
            .map(|product| site(product.site, projected, product_biases(sru, product.gates.clone(), &gate_biases)));
        let sites = sites.collect::<Result<_>>()?;
        let (hidden, directions) = (sru.hidden, sru.directions);
        Ok(SruParameters { hidden, directions, cell, highway, norm, projection, sites, vectors })
    }

    fn recurrent<W>(
        &self,
        recurrent: &Recurrent,
        form: &LayerFormat,
        arriving: Q16,
        vector: &mut dyn FnMut() -> Vec<i16>,
        site: &dyn Fn(SiteId, Q16, Vec<i16>) -> Result<SiteParameters<W>>,
    ) -> Result<RecurrentParameters<W>> {
        let &LayerFormat::Recurrent { state, hidden } = form else { unreachable!("checked against the network") };
        let cell = recurrent_cell(recurrent, state, hidden)?;
        let fed_back = format(hidden)?;
        let input = recurrent.input.iter().map(|product| site(product.site, arriving, vector()));
        let input = input.collect::<Result<_>>()?;
        // The bias of one gate's recurrent product stands among zeros, where that product has other gates too.
        let gate = recurrent.cell().biased_recurrence();
        let of_gate = gate.map(|_| vector());
        let shape = recurrent.shape;
        let biases = |product: &Product| match (gate, &of_gate) {
            (Some(gate), Some(bias)) if product.gates.contains(&gate) => {
                let mut all = vec![0; product.weight.cols()];
                let parts = all.chunks_mut(shape.hidden).skip(gate - product.gates.start);
                let parts = parts.step_by(product.gates.len());
                parts.zip(bias.chunks(shape.hidden)).for_each(|(part, bias)| part.copy_from_slice(bias));
                all
            }
            _ => Vec::new(),
        };
        let products = recurrent.recurrent.iter().map(|product| site(product.site, fed_back, biases(product)));
        let products = products.collect::<Result<_>>()?;
        let peepholes = if recurrent.peepholes.rows() > 0 { vector() } else { Vec::new() };
        let shown = mohaq_rt::table::UNIT;
        let projection = recurrent.projection.as_ref().map(|(id, _)| site(*id, shown, Vec::new())).transpose()?;
        let RecurrentShape { hidden, directions, window, .. } = shape;
        Ok(RecurrentParameters { hidden, directions, cell, window, input, recurrent: products, projection, peepholes })
    }

    /// A site between its formats: `arriving` codes, and results in those of its parts.
    fn site<W>(
        &self,
        site: SiteId,
        precision: Precision,
        arriving: Q16,
        biases: Vec<i16>,
        weights: W,
    ) -> Result<SiteParameters<W>> {
        let range = &self.calibration.sites[site.0];
        let [inputs, columns] = self.network.site_weights()[site.0].shape();
        let input = self.input_scale(site.0, precision.activation);
        let weight = scales(&range.weight, precision.weight);
        let fractions = &self.fractions[site.0];
        let requantizer = |ratio: f64| Requantizer::new(ratio.max(SMALLEST_RATIO)).map_err(integer(&range.site));
        let output = |weight: f64, fraction: u32| requantizer(weight * input * f64::from(1_u32 << fraction));
        let outputs: Result<Vec<Requantizer>> = match weight.as_slice() {
            [weight] => fractions.iter().map(|&fraction| output(*weight, fraction)).collect(),
            all => {
                all.iter().enumerate().map(|(column, &weight)| output(weight, self.fraction(site.0, column))).collect()
            }
        };
        Ok(SiteParameters {
            inputs,
            columns,
            weight: precision.weight,
            activation: precision.activation,
            input: requantizer(if input == 0.0 { 0.0 } else { f64::from(arriving.scale()) / input })?,
            outputs: outputs?,
            biases,
            weights,
        })
    }

    fn panels(&self, site: SiteId, precision: Precision) -> Result<Arc<Panels>> {
        let table = self.tables[site.0];
        let inputs = self.network.site_weights()[site.0].rows();
        let family =
            if table { Family::Pairs } else { self.level.family(precision.weight, precision.activation, inputs) };
        let place = &self.packed[site.0][precision.weight.index()][family as usize];
        if let Some(panels) = place.get() {
            return Ok(panels.clone());
        }
        let columns = self.network.site_weights()[site.0].cols();
        let codes = self.codes(site, precision.weight)?;
        let name = &self.calibration.sites[site.0].site;
        let panels = Panels::pack(&codes, columns, precision.weight, family, &self.lanes(site, columns));
        let panels = Arc::new(panels.map_err(integer(name))?);
        // Two threads may both have packed it: the same.
        Ok(place.get_or_init(|| panels).clone())
    }

    fn lanes(&self, site: SiteId, columns: usize) -> Vec<Option<usize>> {
        let has = |product: &Product| product.site == site;
        let of_layer = |layer: &Layer| match layer {
            Layer::Sru(sru) => {
                let product = sru.products.iter().find(|product| has(product))?;
                Some(sru_arrangement(sru.hidden, sru.directions, product.gates.len()))
            }
            Layer::Recurrent(Recurrent { shape, input, recurrent, projection, .. }) => {
                let product = input.iter().chain(recurrent).find(|product| has(product));
                let gates =
                    product.map(|product| gate_arrangement(shape.hidden, shape.directions, product.gates.len()));
                let projects = projection.as_ref().is_some_and(|(id, _)| *id == site);
                gates.or_else(|| projects.then(|| gate_arrangement(shape.width(), shape.directions, 1)))
            }
            _ => None,
        };
        self.network.layers().iter().find_map(of_layer).unwrap_or_else(|| arrangement(columns))
    }

    /// The weights of `site` as codes of `bits`, `[inputs, outputs]`.
    fn codes(&self, site: SiteId, bits: Bits) -> Result<Vec<i16>> {
        let weight = self.network.site_weights()[site.0];
        let range = &self.calibration.sites[site.0];
        let quantizers = quantizers(&range.weight, bits).map_err(integer(&range.site))?;
        let mut codes = vec![0; weight.data().len()];
        for (values, codes) in weight.data().chunks(weight.cols()).zip(codes.chunks_mut(weight.cols())) {
            for (column, (&value, code)) in values.iter().zip(codes).enumerate() {
                if let Some(quantizer) = quantizers[column % quantizers.len()] {
                    *code = quantizer.code(value).code;
                }
            }
        }
        Ok(codes)
    }
}

/// The smallest ratio of scales that a requantizer holds. A smaller one would bring every 32 bit sum to 0 as this one
/// does, so it stands for all of them.
const SMALLEST_RATIO: f64 = 1.0 / (1_u64 << 32) as f64;

/// A normalisation in integers, from the format that arrives to the one that leaves.
fn normalisation(
    norm: &LayerNorm,
    [from, to]: [Q16; 2],
    vector: &mut dyn FnMut() -> Vec<i16>,
) -> Result<NormParameters> {
    let (gain, bias) = (vector(), vector());
    let constants = Norm::new(EPSILON, from, gain_format(norm)?, to).map_err(integer(&norm.name))?;
    Ok(NormParameters { norm: constants, gain, bias })
}

/// An error of the integer network, with the place where it arose.
fn integer(place: &str) -> impl Fn(mohaq_rt::Error) -> Error {
    let place = place.to_owned();
    move |source| Error::Integer { place: place.clone(), source }
}

/// How values become codes: one way, or one an output; `None` for a tensor of zeros.
fn quantizers(range: &OperandRange, bits: Bits) -> std::result::Result<Vec<Option<Quantizer>>, mohaq_rt::Error> {
    let symmetric = |&clip: &f32| if clip == 0.0 { Ok(None) } else { Quantizer::symmetric(clip, bits).map(Some) };
    match range.clips(bits) {
        Some(clips) => clips.iter().map(symmetric).collect(),
        None => Ok(vec![Q16::new(range.fraction16).map(Quantizer::fixed)]),
    }
}

/// The format of a layer's output.
fn leaving(layer: &Layer, form: &LayerFormat, arriving: Q16) -> Result<Q16> {
    match (layer, form) {
        (_, &LayerFormat::Sru { hidden, .. }) => format(hidden),
        (_, &LayerFormat::Recurrent { hidden, .. }) => format(hidden),
        (
            _,
            &(LayerFormat::Linear { output }
            | LayerFormat::Conv1d { output }
            | LayerFormat::Embedding { output }
            | LayerFormat::LayerNorm { output }),
        ) => format(output),
        (Layer::Pointwise(function), LayerFormat::Pointwise) if integer_pointwise(*function).argument().is_some() => {
            Ok(mohaq_rt::table::UNIT)
        }
        (_, LayerFormat::Pointwise) => Ok(arriving),
    }
}

fn output_format(network: &Network, formats: &[LayerFormat], input: Q16) -> Result<Q16> {
    network.layers().iter().zip(formats).try_fold(input, |arriving, (layer, form)| leaving(layer, form, arriving))
}

/// The biases of a product of simple recurrent units, `[directions, parts, hidden]`, from those of the gates,
/// `[2, directions · hidden]`: nothing is added to candidate and highway.
fn product_biases(sru: &Sru, parts: std::ops::Range<usize>, gates: &[i16]) -> Vec<i16> {
    let mut biases = Vec::with_capacity(parts.len() * sru.outputs());
    for direction in 0..sru.directions {
        for part in parts.clone() {
            match part {
                1 | 2 => {
                    let first = (part - 1) * sru.outputs() + direction * sru.hidden;
                    biases.extend_from_slice(&gates[first..][..sru.hidden]);
                }
                _ => biases.resize(biases.len() + sru.hidden, 0),
            }
        }
    }
    biases
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::tests::{network, sequences};
    use super::super::{QuantizeSettings, calibrate};
    use super::*;
    use mohaq_rt::image::Image;
    use mohaq_rt::net::Net;

    fn spec(text: &str) -> QuantSpec {
        QuantSpec::parse(text, 4).unwrap()
    }

    /// Features of two sequences in the bank's input format.
    fn features(bank: &IntegerBank<'_>) -> (Vec<i16>, [usize; 3]) {
        let two = sequences(2);
        let values = two.iter().flat_map(|sequence| sequence.features.values.iter().copied());
        let codes = values.map(|x| bank.input().code(x).code).collect();
        let [a, b] = [two[0].features.frames(), two[1].features.frames()];
        (codes, [0, a, a + b])
    }

    #[test]
    fn what_is_measured_is_what_the_image_computes() {
        let network = network();
        for per_channel in [false, true] {
            let settings = QuantizeSettings { per_channel, ..QuantizeSettings::default() };
            let calibration = calibrate(&network, &sequences(6), &settings).unwrap();
            let bank = IntegerBank::new(&network, calibration).unwrap();
            let (codes, starts) = features(&bank);
            for bits in ["8x8", "2x4 4x8 16x16 8x2", "16x4 2x16 4x4 8x8"] {
                let (measured, _) = bank.engine(&spec(bits)).unwrap().run(&codes, &starts, &mut Default::default());
                let bytes = bank.image(&spec(bits)).unwrap();
                let net = Net::new(Image::parse(&bytes).unwrap());
                let mut arena = vec![0; net.run_arena_len(starts[2])];
                let mut shipped = vec![0; measured.len()];
                net.run(&codes, &starts, &mut arena, &mut shipped).unwrap();
                assert_eq!(shipped, measured, "{bits} {per_channel}");
            }
        }
    }

    #[test]
    fn weights_are_packed_once_a_site_width_and_family() {
        let network = network();
        let calibration = calibrate(&network, &sequences(6), &QuantizeSettings::default()).unwrap();
        // Where 8 bit inputs meet 8 bit weights as 16 bit inputs do.
        let bank = IntegerBank::at_level(&network, calibration, Level::Scalar).unwrap();
        bank.engine(&spec("8x8")).unwrap();
        let once = bank.packed_bytes();
        bank.engine(&spec("8x16")).unwrap();
        assert_eq!(bank.packed_bytes(), once, "the same kernels read them");
        bank.engine(&spec("8x4")).unwrap();
        assert!(bank.packed_bytes() > once);
    }
}
