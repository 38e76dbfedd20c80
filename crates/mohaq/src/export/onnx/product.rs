//! A site: operands on their grid, a product, a bias, results on theirs.

use super::graph::{Dialect, Graph};
use super::grid::{Codes, step};
use super::tensor;
use crate::quant::SiteScales;
use mohaq_rt::Bits;
use mohaq_rt::parameters::SiteParameters;

/// A matrix with what its codes stand for.
pub(super) struct Product {
    pub(super) inputs: usize,
    pub(super) columns: usize,
    weight: Bits,
    activation: Bits,
    /// `[inputs, columns]`.
    codes: Vec<i16>,
    /// One a column, or none.
    biases: Vec<i16>,
    input_scale: f32,
    /// One a column.
    scales: Vec<f32>,
    /// One a column.
    fractions: Vec<u32>,
}

/// The real numbers of a product.
pub(super) struct Constants {
    weights: String,
    bias: Option<String>,
}

impl Product {
    pub(super) fn new(site: &SiteParameters<Vec<i16>>, scales: &SiteScales) -> Self {
        let weights = scales.weights.iter().cycle().take(site.columns);
        Self {
            inputs: site.inputs,
            columns: site.columns,
            weight: site.weight,
            activation: site.activation,
            codes: site.weights.clone(),
            biases: site.biases.clone(),
            input_scale: scales.input as f32,
            // A column of zeros may have any scale but 0.
            scales: weights.map(|&scale| if scale == 0.0 { 1.0 } else { scale as f32 }).collect(),
            fractions: scales.fractions.clone(),
        }
    }

    /// The columns of one of `directions`, which stand one behind the other.
    pub(super) fn of_direction(&self, direction: usize, directions: usize) -> Self {
        let columns = self.columns / directions;
        let own = direction * columns..(direction + 1) * columns;
        Self {
            codes: self.codes.chunks(self.columns).flat_map(|row| &row[own.clone()]).copied().collect(),
            biases: self.biases.get(own.clone()).unwrap_or_default().to_vec(),
            scales: self.scales[own.clone()].to_vec(),
            fractions: self.fractions[own].to_vec(),
            columns,
            ..*self
        }
    }

    /// Values of code 1 of every column's result.
    fn steps(&self) -> Vec<f32> {
        self.fractions.iter().map(|&fraction| step(fraction)).collect()
    }
}

impl Graph {
    /// `value`, `[.., inputs]`, times the matrix, `[.., columns]`.
    pub(super) fn product(&mut self, name: &str, value: &str, product: &Product) -> String {
        let constants = self.constants(name, product);
        self.multiplied(name, value, product, &constants)
    }

    /// The numbers of a product, for a node of this graph or of a loop in it.
    pub(super) fn constants(&mut self, name: &str, product: &Product) -> Constants {
        Constants { weights: self.weights(name, product), bias: self.bias(name, product) }
    }

    /// The same as [`product`](Self::product) with numbers that are there already.
    pub(super) fn multiplied(&mut self, name: &str, value: &str, product: &Product, constants: &Constants) -> String {
        let operand = self.operand(name, value, product);
        let sum = self.node(&format!("{name}/product"), "MatMul", &[&operand, &constants.weights], vec![]);
        let sum = match &constants.bias {
            Some(bias) => self.node(&format!("{name}/biased"), "Add", &[&sum, bias], vec![]),
            None => sum,
        };
        self.on_grid(name, &sum, Bits::Sixteen, &product.steps())
    }

    fn operand(&mut self, name: &str, value: &str, product: &Product) -> String {
        self.on_grid(&format!("{name}/operand"), value, product.activation, &[product.input_scale])
    }

    /// The matrix. onnxruntime rounds the other operand to 8 bits where narrow weights come straight from their codes: where
    /// that operand has 16, the scale is a factor of its own.
    fn weights(&mut self, name: &str, product: &Product) -> String {
        let (dims, bits, codes) = ([product.inputs, product.columns], product.weight, &product.codes);
        let name = format!("{name}/weights");
        let apart = self.dialect != Dialect::Qonnx && product.activation == Bits::Sixteen && bits != Bits::Sixteen;
        let scales = if apart { &[1.0][..] } else { &product.scales };
        let constant = Codes { dims: &dims, bits, codes, scales, axis: 1 };
        if !apart {
            return self.codes(&name, &constant);
        }
        let codes = self.codes(&format!("{name}/unscaled"), &constant);
        let scale = self.number(&format!("{name}/scale"), &product.scales);
        self.node(&name, "Mul", &[&codes, &scale], vec![])
    }

    fn bias(&mut self, name: &str, product: &Product) -> Option<String> {
        let (dims, codes, scales) = ([product.columns], &product.biases, &product.steps());
        let constant = Codes { dims: &dims, bits: Bits::Sixteen, codes, scales, axis: 0 };
        (!codes.is_empty()).then(|| self.codes(&format!("{name}/bias"), &constant))
    }

    /// The convolution of `value`, `[frames, batch, inputs]`, with windows of `kernel` frames.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        value: &str,
        [kernel, stride]: [usize; 2],
        padding: [usize; 2],
        product: &Product,
    ) -> String {
        let value = self.turned(&format!("{name}/frames_last"), value, &[1, 2, 0]);
        let operand = self.operand(name, &value, product);
        let inputs = product.inputs / kernel;
        let at = |column: usize, input: usize, frame: usize| (frame * inputs + input) * product.columns + column;
        let all = (0..product.columns).flat_map(|column| (0..inputs).map(move |input| (column, input)));
        let all = all.flat_map(|(column, input)| (0..kernel).map(move |frame| product.codes[at(column, input, frame)]));
        let dims = [product.columns, inputs, kernel];
        let codes: Vec<i16> = all.collect();
        let constant = Codes { dims: &dims, bits: product.weight, codes: &codes, scales: &product.scales, axis: 0 };
        let weights = self.codes(&format!("{name}/weights"), &constant);
        let mut arguments = vec![operand, weights];
        arguments.extend(self.bias(name, product));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let attributes = vec![
            tensor::ints("kernel_shape", &[kernel as i64]),
            tensor::ints("strides", &[stride as i64]),
            tensor::ints("pads", &padding.map(|frames| frames as i64)),
        ];
        let sum = self.node(&format!("{name}/convolution"), "Conv", &arguments, attributes);
        let sum = self.turned(&format!("{name}/frames_first"), &sum, &[2, 0, 1]);
        self.on_grid(name, &sum, Bits::Sixteen, &product.steps())
    }

    /// `value` with its axes in the order `axes`.
    pub(super) fn turned(&mut self, name: &str, value: &str, axes: &[i64]) -> String {
        self.node(name, "Transpose", &[value], vec![tensor::ints("perm", axes)])
    }

    /// Rows of the table that `rows`, `[frames, batch]`, name.
    pub(super) fn table(&mut self, name: &str, rows: &str, product: &Product) -> String {
        let (dims, bits) = ([product.inputs, product.columns], product.weight);
        let constant = Codes { dims: &dims, bits, codes: &product.codes, scales: &product.scales, axis: 1 };
        let weights = self.codes(&format!("{name}/weights"), &constant);
        let looked = self.node(&format!("{name}/row"), "Gather", &[&weights, rows], vec![]);
        self.on_grid(name, &looked, Bits::Sixteen, &product.steps())
    }
}
