//! Layer by layer, from the features to the outputs.

use super::graph::Graph;
use super::product::Product;
use super::recurrent::Recurrent;
use super::sru::Sru;
use super::tensor;
use crate::quant::{LayerFormat, SiteScales};
use mohaq_rt::cell::Pointwise;
use mohaq_rt::norm::NORMAL;
use mohaq_rt::parameters::{LayerParameters, NormParameters, RecurrentParameters, SiteParameters, SruParameters};
use mohaq_rt::table::UNIT;

/// A network on its way into a graph.
pub(super) struct Layers<'a> {
    pub(super) graph: Graph,
    /// Scales of the sites that are to come.
    pub(super) scales: std::slice::Iter<'a, SiteScales>,
    /// How many sequences there are, a vector of one.
    pub(super) batch: String,
    /// Bits behind the point of what arrives at the next layer, and how many numbers a frame of it has.
    pub(super) arriving: u32,
    pub(super) width: usize,
}

impl Layers<'_> {
    /// What `layer`, called `name`, makes of `value`, `[frames, batch, width]`.
    pub(super) fn write(
        &mut self,
        name: &str,
        layer: &LayerParameters<Vec<i16>>,
        format: &LayerFormat,
        value: &str,
    ) -> String {
        match (layer, format) {
            (LayerParameters::Sru(layer), format) => self.sru(name, layer, format, value),
            (LayerParameters::Recurrent(layer), &LayerFormat::Recurrent { hidden, .. }) => {
                self.recurrent(name, layer, hidden, value)
            }
            (LayerParameters::Linear(site), &LayerFormat::Linear { output }) => {
                let product = self.product(site, output);
                self.graph.product(name, value, &product)
            }
            (LayerParameters::Conv1d(conv), &LayerFormat::Conv1d { output }) => {
                let product = self.product(&conv.site, output);
                self.graph.convolution(name, value, [conv.kernel, conv.stride], conv.padding, &product)
            }
            (LayerParameters::Embedding(site), &LayerFormat::Embedding { output }) => {
                let product = self.product(site, output);
                self.graph.table(name, value, &product)
            }
            (LayerParameters::Norm(norm), &LayerFormat::LayerNorm { output }) => {
                let value = self.normalised(name, norm, output, value);
                self.arriving = output;
                value
            }
            (LayerParameters::Pointwise(function), LayerFormat::Pointwise) => self.pointwise(name, *function, value),
            _ => unreachable!("formats of this network's layers"),
        }
    }

    fn next(&mut self, site: &SiteParameters<Vec<i16>>) -> Product {
        Product::new(site, self.scales.next().expect("scales of every site"))
    }

    /// The product of a layer that is nothing else.
    fn product(&mut self, site: &SiteParameters<Vec<i16>>, output: u32) -> Product {
        (self.arriving, self.width) = (output, site.columns);
        self.next(site)
    }

    fn recurrent(&mut self, name: &str, layer: &RecurrentParameters<Vec<i16>>, fraction: u32, value: &str) -> String {
        let input = layer.input.iter().map(|site| self.next(site)).collect();
        let hidden = layer.recurrent.iter().map(|site| self.next(site)).collect();
        let projection = layer.projection.as_ref().map(|site| self.next(site));
        (self.arriving, self.width) = (fraction, layer.outputs());
        let layer = Recurrent { layer, input, hidden, projection, fraction };
        layer.write(&mut self.graph, name, value, &self.batch)
    }

    fn sru(&mut self, name: &str, layer: &SruParameters<Vec<i16>>, format: &LayerFormat, value: &str) -> String {
        let &LayerFormat::Sru { normed, state, hidden, .. } = format else {
            unreachable!("formats of this network's layers")
        };
        let mut read = value.to_owned();
        if let (Some(norm), Some(output)) = (&layer.norm, normed) {
            read = self.normalised(&format!("{name}/norm"), norm, output, &read);
        }
        if let Some(site) = &layer.projection {
            let product = self.next(site);
            read = self.graph.product(&format!("{name}/projection"), &read, &product);
        }
        let products = layer.sites.iter().map(|site| self.next(site)).collect();
        let units = Sru { layer, products, arriving: self.arriving, state, hidden };
        (self.arriving, self.width) = (hidden, layer.outputs());
        units.write(&mut self.graph, name, &read, value, &self.batch)
    }

    /// A frame of mean 0 and variance 1, times gain, plus bias.
    fn normalised(&mut self, name: &str, norm: &NormParameters, output: u32, value: &str) -> String {
        let graph = &mut self.graph;
        // ε in 1/256 of the square of a code.
        let epsilon = f64::from(norm.norm.epsilon()) / 256.0 / 4_f64.powi(self.arriving.cast_signed());
        let ones = graph.shared(&format!("{name}/ones"), |own| {
            tensor::floats(own, &[norm.gain.len()], &vec![1.0; norm.gain.len()])
        });
        let attributes = vec![tensor::int("axis", -1), tensor::float("epsilon", epsilon as f32)];
        let exact = graph.node(&format!("{name}/standardized"), "LayerNormalization", &[value, &ones], attributes);
        let normal = graph.fixed(&format!("{name}/normal"), &exact, NORMAL.fraction());
        let gain = norm.norm.shift() + output - NORMAL.fraction();
        let gain = graph.vector(&format!("{name}/gain"), &norm.gain, gain);
        let bias = graph.vector(&format!("{name}/bias"), &norm.bias, output);
        let scaled = graph.node(&format!("{name}/scaled"), "Mul", &[&normal, &gain], vec![]);
        graph.plus(name, &scaled, &bias, output)
    }

    fn pointwise(&mut self, name: &str, function: Pointwise, value: &str) -> String {
        if function.argument().is_some() {
            self.arriving = UNIT.fraction();
        }
        match function {
            Pointwise::Relu => self.graph.relu(name, value, self.arriving),
            Pointwise::Tanh => self.graph.tanh(name, value),
            Pointwise::Sigmoid => self.graph.sigmoid(name, value),
        }
    }
}
