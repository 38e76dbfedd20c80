//! A layer of simple recurrent units: all products before the loop, elementwise work in it.

use super::graph::Graph;
use super::product::Product;
use super::recurrence::Loop;
use super::recurrent::way;
use super::tensor;
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
        let carried = self.carried(graph, name, value);
        let mut ways = Vec::new();
        for direction in 0..self.layer.directions {
            let carried = carried.get(direction).map(String::as_str);
            ways.push(self.direction(graph, name, [Some(read), carried], batch, direction));
        }
        match &ways[..] {
            [one] => one.clone(),
            [forward, backward] => graph.node(name, "Concat", &[forward, backward], vec![tensor::int("axis", 2)]),
            _ => unreachable!("one direction or two"),
        }
    }

    /// One direction's output: of what products read, and of what is carried past the units where that is no product.
    fn direction(
        &self,
        graph: &mut Graph,
        name: &str,
        inputs: [Option<&str>; 2],
        batch: &str,
        direction: usize,
    ) -> String {
        let (name, backwards) = (format!("{name}/{}", way(direction)), direction == 1);
        let [read, carried] = ["reversed", "highway"].map(|part| format!("{name}/{part}"));
        let [read, carried] = [(read, inputs[0]), (carried, inputs[1])].map(|(name, value)| {
            value.map(|value| if backwards { graph.reversed(&name, value) } else { value.to_owned() })
        });
        let read = read.unwrap_or_default();
        let mut parts = Vec::new();
        for (number, product) in self.products.iter().enumerate() {
            let product = product.of_direction(direction, self.layer.directions);
            let sums = graph.product(&format!("{name}/input{number}"), &read, &product);
            parts.extend(graph.split(&format!("{name}/parts{number}"), &sums, product.columns / self.layer.hidden));
        }
        parts.extend(carried);
        let mut scan = Loop::new(graph, &name);
        let shown = self.frame(&mut scan, &parts, direction);
        let shown = scan.finish(graph, batch, &shown, self.layer.hidden);
        if backwards { graph.reversed(&format!("{name}/shown"), &shown) } else { shown }
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
