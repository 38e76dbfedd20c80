//! A layer of simple recurrent units: all products before the loop, elementwise work in it.

use super::directions::of_direction;
use super::graph::Graph;
use super::product::Product;
use super::recurrence::Loop;
use mohaq_rt::cell::Highway;
use mohaq_rt::parameters::SruParameters;
use mohaq_rt::table::GATE;

/// A layer with its products.
pub(super) struct Sru<'a> {
    pub(super) layer: &'a SruParameters<Vec<i16>>,
    pub(super) products: Vec<Product>,
    /// Bits behind the point of what arrives, of the state and of the hidden output.
    pub(super) arriving: u32,
    pub(super) state: u32,
    pub(super) hidden: u32,
}

impl Sru<'_> {
    /// The layer's output; `read` is what products read, `value` what arrives, both `[frames, batch, ..]`.
    pub(super) fn write(&self, graph: &mut Graph, name: &str, read: &str, value: &str, batch: &str) -> String {
        let (carried, directions) = (self.carried(graph, name, value), self.layer.directions);
        graph.directed(name, directions, |graph, name, direction| {
            let read = graph.met(&format!("{name}/reversed"), read, direction);
            let products = of_direction(&self.products, direction, directions);
            let mut parts = graph.parts(name, &read, &products, self.layer.hidden);
            let carried = carried.get(direction);
            parts.extend(carried.map(|carried| graph.met(&format!("{name}/highway"), carried, direction)));
            let mut scan = Loop::new(graph, name);
            let shown = self.frame(&mut scan, &parts, direction);
            scan.finish(graph, batch, &shown, self.layer.hidden)
        })
    }

    /// What is carried past the units where it is the input, by direction.
    fn carried(&self, graph: &mut Graph, name: &str, value: &str) -> Vec<String> {
        let Highway::Input(factor) = self.layer.highway else { return Vec::new() };
        let fraction = factor.shift() + self.hidden - self.arriving;
        let multiplier = graph.vector(&format!("{name}/highway/factor"), &[factor.multiplier()], fraction);
        let carried = graph.times(&format!("{name}/highway"), value, &multiplier, self.hidden);
        graph.split(&format!("{name}/highways"), &carried, self.layer.directions)
    }

    /// One frame of all units of a direction: u, u_f, u_r and, where there is one, x.
    fn frame(&self, scan: &mut Loop, parts: &[String], direction: usize) -> String {
        let units = self.layer.hidden;
        let names = ["u", "u_f", "u_r", "x"];
        let parts: Vec<String> = names.iter().zip(parts).map(|(name, part)| scan.frame(name, part, units)).collect();
        let before = scan.state("c_before", units);
        let graph = &mut scan.body;
        let [forget, reset] = [("f", 0), ("r", 1)].map(|(name, gate)| {
            let first = gate * self.layer.outputs() + direction * units;
            // Vector times state has `gate_shift` bits more than the argument.
            let fraction = self.layer.cell.gate_shift() + GATE.fraction() - self.state;
            let vector = graph.vector(&format!("v_{name}"), &self.layer.vectors[first..][..units], fraction);
            let seen = graph.node(&format!("{name}/seen"), "Mul", &[&vector, &before], vec![]);
            let sum = graph.plus(&format!("{name}/sum"), &seen, &parts[1 + gate], GATE.fraction());
            graph.sigmoid(name, &sum)
        });
        let state = graph.mix("c", &forget, &parts[0], &before, self.state);
        let shown = graph.fixed("c/shown", &state, self.hidden);
        let shown = match parts.get(3) {
            Some(carried) => graph.mix("h", &reset, carried, &shown, self.hidden),
            None => graph.times("h", &reset, &shown, self.hidden),
        };
        scan.becomes(&before, &state);
        shown
    }
}
