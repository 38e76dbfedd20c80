//! An image as plain values.

use super::Image;
use super::view::{LayerView, NormView, RecurrentView, SiteView, SruView};
use crate::Bits;
use crate::numeric::{Q16, Requantizer};
use crate::pack::Layout;
use crate::parameters::{
    Conv1dParameters, LayerParameters, NormParameters, RecurrentParameters, SiteParameters, SruParameters,
};
use alloc::vec;
use alloc::vec::Vec;

/// All that is in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageParameters {
    /// Codes of a frame that goes in.
    pub inputs: usize,
    /// Format of the codes that go in.
    pub input: Q16,
    /// Format of the codes that come out.
    pub output: Q16,
    /// In the order data meets them; weights as codes, `[inputs, columns]`.
    pub layers: Vec<LayerParameters<Vec<i16>>>,
}

impl Image<'_> {
    /// The network as plain values, from which [`write`](super::write) makes the same image.
    pub fn parameters(&self) -> ImageParameters {
        ImageParameters {
            inputs: self.inputs(),
            input: self.input_format(),
            output: self.output_format(),
            layers: self.layers().map(|layer| layer.parameters()).collect(),
        }
    }
}

impl LayerView<'_> {
    /// The layer as plain values.
    pub fn parameters(&self) -> LayerParameters<Vec<i16>> {
        match self {
            Self::Sru(sru) => LayerParameters::Sru(sru.parameters()),
            Self::Recurrent(recurrent) => LayerParameters::Recurrent(recurrent.parameters()),
            Self::Linear(site) => LayerParameters::Linear(site.parameters()),
            Self::Conv1d(conv) => LayerParameters::Conv1d(Conv1dParameters {
                kernel: conv.kernel(),
                stride: conv.stride(),
                padding: conv.padding(),
                site: conv.site().parameters(),
            }),
            Self::Embedding(site) => LayerParameters::Embedding(site.parameters()),
            Self::Norm(norm) => LayerParameters::Norm(norm.parameters()),
            Self::Pointwise { function, .. } => LayerParameters::Pointwise(*function),
        }
    }
}

impl SruView<'_> {
    fn parameters(&self) -> SruParameters<Vec<i16>> {
        let vector = |gate: usize| (0..self.outputs()).map(move |output| self.vectors(output)[gate]);
        SruParameters {
            hidden: self.hidden(),
            directions: self.directions(),
            cell: self.cell(),
            highway: self.highway(),
            norm: self.norm().map(|norm| norm.parameters()),
            projection: self.projection().map(|site| site.parameters()),
            sites: (0..self.sites()).map(|index| self.site(index).parameters()).collect(),
            vectors: vector(0).chain(vector(1)).collect(),
        }
    }
}

impl NormView<'_> {
    fn parameters(&self) -> NormParameters {
        let vector = |index: usize| (0..self.width()).map(|number| self.affine(number)[index]).collect();
        NormParameters { norm: self.norm(), gain: vector(0), bias: vector(1) }
    }
}

impl RecurrentView<'_> {
    fn parameters(&self) -> RecurrentParameters<Vec<i16>> {
        let [input, recurrent] = self.products();
        let units = self.directions() * self.hidden();
        let peepholes = self.cell().peephole_shift().map_or(0, |_| self.cell().kind().peepholes());
        let of = |index: usize| (0..units).map(move |unit| self.peephole(index, unit));
        RecurrentParameters {
            hidden: self.hidden(),
            directions: self.directions(),
            cell: self.cell(),
            window: self.window(),
            input: (0..input).map(|index| self.input(index).parameters()).collect(),
            recurrent: (0..recurrent).map(|index| self.recurrent(index).parameters()).collect(),
            projection: self.projection().map(|site| site.parameters()),
            peepholes: (0..peepholes).flat_map(of).collect(),
        }
    }
}

impl SiteView<'_> {
    fn parameters(&self) -> SiteParameters<Vec<i16>> {
        let requantizer = |index| {
            let (multiplier, shift) = self.requantizer_parts(index);
            Requantizer::from_parts(multiplier, shift).expect("checked when the image was read")
        };
        let biases = if self.is_biased() { self.columns() } else { 0 };
        SiteParameters {
            inputs: self.inputs(),
            columns: self.columns(),
            weight: self.weight(),
            activation: self.activation(),
            input: self.input(),
            outputs: (0..self.requantizers()).map(requantizer).collect(),
            biases: (0..biases).map(|column| self.bias(column)).collect(),
            weights: self.codes(),
        }
    }

    /// The weights, `[inputs, columns]`.
    fn codes(&self) -> Vec<i16> {
        let layout = self.layout();
        let mut rows = vec![0; layout.codes()];
        layout.unpack(self.weights(), &mut rows).expect("checked when the image was read");
        transposed(&rows, self.inputs())
    }
}

/// `codes`, `[rows, columns]`, as `[columns, rows]`.
pub(super) fn transposed(codes: &[i16], columns: usize) -> Vec<i16> {
    (0..columns).flat_map(|column| codes.iter().skip(column).step_by(columns).copied()).collect()
}

/// Codes of 16 bits, low byte first.
pub(super) fn sixteen_bit(codes: &[i16]) -> Result<Vec<u8>, crate::Error> {
    let layout = Layout::new(Bits::Sixteen, 1, codes.len(), 1)?;
    let mut bytes = vec![0; layout.bytes()];
    layout.pack(codes, &mut bytes)?;
    Ok(bytes)
}
