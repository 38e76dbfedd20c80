//! Values on grids: what a device holds in so many bits, as real numbers.
//!
//! A grid is a pair of `QuantizeLinear` and `DequantizeLinear`, or a `Quant`. Both divide by the scale, round half to even and
//! saturate, as the integers do. Constants are codes behind a `DequantizeLinear`, or real numbers in front of a `Quant`.

use super::graph::{Dialect, Graph};
use super::tensor;
use mohaq_rt::Bits;

/// The scale of a tensor of zeros: what is divided by it becomes 0.
const OF_ZEROS: f32 = 1e30;

/// The value of code 1 with `fraction` bits behind the point.
pub(super) fn step(fraction: u32) -> f32 {
    1.0 / (1_u32 << fraction) as f32
}

/// A constant of codes.
pub(super) struct Codes<'a> {
    pub(super) dims: &'a [usize],
    pub(super) bits: Bits,
    pub(super) codes: &'a [i16],
    /// One, or one for every place along `axis`.
    pub(super) scales: &'a [f32],
    pub(super) axis: usize,
}

impl Graph {
    /// `value` on the grid of 16 bits with `fraction` of them behind the point.
    pub(super) fn fixed(&mut self, name: &str, value: &str, fraction: u32) -> String {
        self.on_grid(name, value, Bits::Sixteen, &[step(fraction)])
    }

    /// `value` on the grids of `bits`: one scale, or one for every place of the last axis.
    pub(super) fn on_grid(&mut self, name: &str, value: &str, bits: Bits, scales: &[f32]) -> String {
        let scales = one_where_equal(scales);
        let scales: Vec<f32> = scales.iter().map(|&scale| if scale == 0.0 { OF_ZEROS } else { scale }).collect();
        if self.dialect == Dialect::Qonnx {
            return self.quant(name, value, bits, &scales, &dims_of(&scales));
        }
        let mut value = value.to_owned();
        // onnxruntime has no limits in front of integers of 4 bits.
        let stored = if self.stored(bits) == bits { bits } else { Bits::Eight };
        if stored != bits {
            let end = |code: i32| scales.iter().map(|scale| code as f32 * scale).collect::<Vec<f32>>();
            let [low, high] = [end(bits.min()), end(bits.max())].map(|end| self.number("end", &end));
            value = self.node(&format!("{name}/clip"), "Clip", &[&value, &low, &high], vec![]);
        }
        let scale = self.number(&format!("{name}/scale"), &scales);
        let zero = self.zero(stored, scales.len());
        let axis = || if scales.len() > 1 { vec![tensor::int("axis", -1)] } else { vec![] };
        let codes = self.node(&format!("{name}/codes"), "QuantizeLinear", &[&value, &scale, &zero], axis());
        self.node(name, "DequantizeLinear", &[&codes, &scale, &zero], axis())
    }

    /// The real numbers of a constant.
    pub(super) fn codes(&mut self, name: &str, constant: &Codes<'_>) -> String {
        let Codes { dims, bits, codes, axis, .. } = *constant;
        let scales: Vec<f32> = one_where_equal(constant.scales).to_vec();
        if self.dialect == Dialect::Qonnx {
            return self.quantized(name, constant, &scales);
        }
        let stored = self.stored(bits);
        let tensor = tensor::codes(&self.name(&format!("{name}/codes")), dims, stored, codes);
        let codes = self.constant(tensor);
        let scale = self.number(&format!("{name}/scale"), &scales);
        let zero = self.zero(stored, scales.len());
        let attributes = if scales.len() > 1 { vec![tensor::int("axis", axis as i64)] } else { vec![] };
        self.node(name, "DequantizeLinear", &[&codes, &scale, &zero], attributes)
    }

    /// The same as numbers in front of a `Quant`.
    fn quantized(&mut self, name: &str, constant: &Codes<'_>, scales: &[f32]) -> String {
        let Codes { dims, bits, codes, axis, .. } = *constant;
        let behind: usize = dims[axis + 1..].iter().product();
        let value =
            |(place, &code): (usize, &i16)| f32::from(code) * scales[place / behind % dims[axis] % scales.len()];
        let values: Vec<f32> = codes.iter().enumerate().map(value).collect();
        let tensor = tensor::floats(&self.name(&format!("{name}/values")), dims, &values);
        let values = self.constant(tensor);
        let along = |place: usize| if place == axis { scales.len() } else { 1 };
        let shape = if scales.len() == 1 { vec![] } else { (0..dims.len()).map(along).collect() };
        self.quant(name, &values, bits, scales, &shape)
    }

    fn quant(&mut self, name: &str, value: &str, bits: Bits, scales: &[f32], dims: &[usize]) -> String {
        let scale = self.shared(&format!("{name}/scale"), |own| tensor::floats(own, dims, scales));
        let [zero, width] =
            [("zero", 0.0), ("width", bits.count() as f32)].map(|(own, value)| self.number(own, &[value]));
        let attributes =
            vec![tensor::int("signed", 1), tensor::int("narrow", 0), tensor::word("rounding_mode", "ROUND")];
        self.node(name, "Quant", &[value, &scale, &zero, &width], attributes)
    }

    /// A float, or a vector of them.
    pub(super) fn number(&mut self, name: &str, values: &[f32]) -> String {
        let own = match values {
            [one] => format!("{one:e}"),
            _ => name.to_owned(),
        };
        self.shared(&own, |own| tensor::floats(own, &dims_of(values), values))
    }

    /// Zero points: none are shifted.
    fn zero(&mut self, bits: Bits, count: usize) -> String {
        let (zeros, dims) = (vec![0; count], if count == 1 { vec![] } else { vec![count] });
        self.shared(&format!("zero/{}x{count}", bits.count()), |own| tensor::codes(own, &dims, bits, &zeros))
    }

    /// The width of the integers that hold codes of `bits`.
    fn stored(&self, bits: Bits) -> Bits {
        if bits == Bits::Two && self.dialect == Dialect::Qdq { Bits::Four } else { bits }
    }
}

fn dims_of(values: &[f32]) -> Vec<usize> {
    if values.len() == 1 { vec![] } else { vec![values.len()] }
}

/// The first of them, where all are equal to it.
fn one_where_equal(scales: &[f32]) -> &[f32] {
    if scales.iter().all(|scale| *scale == scales[0]) { &scales[..1] } else { scales }
}
