//! Layers that run forwards, or both ways: every direction reads frames in the order in which it meets them.

use super::graph::Graph;
use super::product::Product;
use super::tensor;

impl Graph {
    /// All `directions` of a layer side by side, `[frames, batch, directions · width]`. `one` writes a direction under a name of its
    /// own and returns what it shows, in the order in which it meets frames.
    pub(super) fn directed(
        &mut self,
        name: &str,
        directions: usize,
        mut one: impl FnMut(&mut Self, &str, usize) -> String,
    ) -> String {
        let ways = (0..directions).map(|direction| {
            let name = format!("{name}/{}", if direction == 0 { "forward" } else { "backward" });
            let shown = one(self, &name, direction);
            self.met(&format!("{name}/shown"), &shown, direction)
        });
        let ways: Vec<String> = ways.collect();
        match &ways[..] {
            [one] => one.clone(),
            _ => {
                let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
                self.node(name, "Concat", &ways, vec![tensor::int("axis", 2)])
            }
        }
    }

    /// The frames of `value`, `[frames, batch, ..]`, in the order in which `direction` meets them, or brought back from it.
    pub(super) fn met(&mut self, name: &str, value: &str, direction: usize) -> String {
        if direction == 0 {
            return value.to_owned();
        }
        let [last, first, axis] = [-1, i64::MIN, 0].map(|length| self.length(length));
        self.node(name, "Slice", &[value, &last, &first, &axis, &last], vec![])
    }

    /// `value` one frame later, with zeros in front.
    pub(super) fn delayed(&mut self, name: &str, value: &str) -> String {
        let [first, last, axis] = [0, -1, 0].map(|length| self.length(length));
        let others = self.node(&format!("{name}/others"), "Slice", &[value, &first, &last, &axis], vec![]);
        let pads = self.shared("pads/frame", |own| tensor::integers(own, &[6], &[1, 0, 0, 0, 0, 0]));
        self.node(name, "Pad", &[&others, &pads], vec![])
    }

    /// What the `products` of a direction make of `value`, in parts of `units` columns.
    pub(super) fn parts(&mut self, name: &str, value: &str, products: &[Product], units: usize) -> Vec<String> {
        let mut parts = Vec::new();
        for (number, product) in products.iter().enumerate() {
            let sums = self.product(&format!("{name}/input{number}"), value, product);
            parts.extend(self.split(&format!("{name}/parts{number}"), &sums, product.columns / units));
        }
        parts
    }
}

/// The columns of one of `directions` of all products.
pub(super) fn of_direction(products: &[Product], direction: usize, directions: usize) -> Vec<Product> {
    products.iter().map(|product| product.of_direction(direction, directions)).collect()
}
