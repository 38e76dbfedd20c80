//! A layer of recurrent cells: products of the input before the loop, everything else in it.

use super::cell::Frame;
use super::directions::of_direction;
use super::graph::Graph;
use super::product::{Constants, Product};
use super::recurrence::Loop;
use super::tensor;
use mohaq_rt::parameters::RecurrentParameters;

/// A layer with its products.
pub(super) struct Recurrent<'a> {
    pub(super) layer: &'a RecurrentParameters<Vec<i16>>,
    pub(super) input: Vec<Product>,
    pub(super) hidden: Vec<Product>,
    pub(super) projection: Option<Product>,
    /// Bits behind the point of the hidden output.
    pub(super) fraction: u32,
}

impl Recurrent<'_> {
    /// The layer's output for `value`, `[frames, batch, inputs]`; `batch` is its second length.
    pub(super) fn write(&self, graph: &mut Graph, name: &str, value: &str, batch: &str) -> String {
        graph.directed(name, self.layer.directions, |graph, name, direction| {
            let mut read = graph.met(&format!("{name}/reversed"), value, direction);
            if self.layer.window == 2 {
                let met = graph.delayed(&format!("{name}/met"), &read);
                read = graph.node(&format!("{name}/window"), "Concat", &[&met, &read], vec![tensor::int("axis", 2)]);
            }
            let products = of_direction(&self.input, direction, self.layer.directions);
            let u = graph.parts(name, &read, &products, self.layer.hidden);
            let fed_back = self.fed_back(graph, name, direction);
            let mut scan = Loop::new(graph, name);
            let shown = self.frame(&mut scan, &u, &fed_back, direction);
            scan.finish(graph, batch, &shown, self.layer.width())
        })
    }

    /// Products of the hidden output and, behind them, the projection's. Their numbers stand outside of the loop: they are
    /// made of codes once, not in every frame.
    fn fed_back(&self, graph: &mut Graph, name: &str, direction: usize) -> Vec<(Product, Constants)> {
        let products = self.hidden.iter().chain(&self.projection).enumerate();
        let products = products.map(|(number, product)| {
            let product = product.of_direction(direction, self.layer.directions);
            let constants = graph.constants(&format!("{name}/hidden{number}"), &product);
            (product, constants)
        });
        products.collect()
    }

    /// One frame of all units of a direction.
    fn frame(&self, scan: &mut Loop, u: &[String], fed_back: &[(Product, Constants)], direction: usize) -> String {
        let (kind, units, width) = (self.layer.cell.kind(), self.layer.hidden, self.layer.width());
        let u: Vec<String> = u.iter().enumerate().map(|(gate, u)| scan.frame(&format!("u{gate}"), u, units)).collect();
        let before = if kind.is_recurrent() { scan.state("h_before", width) } else { String::new() };
        let state = kind.has_state().then(|| scan.state("c_before", units));
        let of_direction = |codes: &[i16]| codes[direction * units..][..units].to_vec();
        let peepholes: Vec<Vec<i16>> =
            self.layer.peepholes.chunks(self.layer.directions * units).map(of_direction).collect();
        let mut frame = Frame {
            cell: self.layer.cell,
            hidden: self.fraction,
            u: &u,
            v: &[],
            peepholes: &peepholes,
            before: &before,
            state: state.as_deref(),
        };
        let (products, projection) = fed_back.split_at(self.hidden.len());
        let v = self.gates(&mut scan.body, &frame, products);
        frame.v = &v;
        let mut shown = frame.write(scan);
        for (product, constants) in projection {
            shown = scan.body.multiplied("projection", &shown, product, constants);
        }
        if kind.is_recurrent() {
            scan.becomes(&before, &shown);
        }
        shown
    }

    /// v of all gates.
    fn gates(&self, graph: &mut Graph, frame: &Frame<'_>, products: &[(Product, Constants)]) -> Vec<String> {
        let mut v: Vec<String> = Vec::new();
        for (number, (product, constants)) in products.iter().enumerate() {
            let gated = self.layer.cell.kind().is_gated() && number + 1 == products.len();
            let read = if gated { Frame { v: &v, ..*frame }.gated(graph) } else { frame.before.to_owned() };
            let sums = graph.multiplied(&format!("hidden{number}"), &read, product, constants);
            v.extend(graph.split(&format!("hidden{number}/gates"), &sums, product.columns / self.layer.hidden));
        }
        v
    }
}
