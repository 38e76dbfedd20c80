//! The quickest way to compute one product.
//!
//! All tiles are candidates, a hundred for one frame and ten times as many for a thousand. Most are out before they are priced:
//! those that do not fit, and those that take longer than the best so far even if no operand is ever loaded twice. All tiles
//! with one cut of the inputs are out at once if it has so many passes that these take longer whatever the other cuts.

use super::SystolicError;
use super::cost::ProductCost;
use super::product::Product;
use super::tile::{Cut, Tile};

impl Product<'_> {
    /// The cost of the best tile.
    ///
    /// # Errors
    /// [`SystolicError::Buffer`] if no tile fits.
    pub(super) fn quickest(&self) -> Result<ProductCost, SystolicError> {
        let mut best = self.start()?;
        for inputs in self.input_cuts() {
            if best.excludes_passes(inputs.tiles * inputs.blocks) {
                continue;
            }
            for frames in self.frames.cuts() {
                self.search(frames, inputs, &mut best);
            }
        }
        Ok(best.cost)
    }

    /// The best tile of the fewest outputs and least padding, of passes first and of inputs then: the better the first, the
    /// more of the others are out at a glance.
    fn start(&self) -> Result<Best, SystolicError> {
        let (frame, outputs) = (self.frames.cut(0), self.outputs.cut(0));
        let fits = |inputs: &Cut| self.fits(&self.tile(frame, *inputs, outputs));
        let padded = |inputs: &Cut| (inputs.tiles * inputs.blocks, inputs.tiles * inputs.size);
        let Some(inputs) = self.input_cuts().filter(fits).min_by_key(padded) else {
            return Err(self.misfit());
        };
        let first = self.tile(frame, inputs, outputs);
        let mut best = Best::new(self, self.cost(&first, &first.moved(self.room)));
        for frames in self.frames.cuts().skip(1) {
            let tile = self.tile(frames, inputs, outputs);
            if !self.fits(&tile) {
                break;
            }
            self.consider(&tile, &mut best);
        }
        Ok(best)
    }

    /// Replaces `best` by what is better among the tiles with these two cuts.
    fn search(&self, frames: Cut, inputs: Cut, best: &mut Best) {
        for outputs in self.outputs.cuts() {
            let tile = self.tile(frames, inputs, outputs);
            if !self.fits(&tile) {
                return; // Nor does any with more outputs.
            }
            self.consider(&tile, best);
        }
    }

    /// Replaces `best` by `tile`, which fits, if that is better.
    fn consider(&self, tile: &Tile, best: &mut Best) {
        if best.excludes(tile) {
            return;
        }
        let moved = tile.moved(self.room);
        if moved.total_bits() <= best.bits {
            best.consider(self.cost(tile, &moved));
        }
    }

    /// Gives `see` every tile that fits, and its cost.
    #[cfg(test)]
    pub(super) fn every_cost(&self, mut see: impl FnMut(&Tile, &ProductCost)) {
        for frames in self.frames.cuts() {
            for inputs in self.input_cuts() {
                for outputs in self.outputs.cuts() {
                    let tile = self.tile(frames, inputs, outputs);
                    if self.fits(&tile) {
                        see(&tile, &self.cost(&tile, &tile.moved(self.room)));
                    }
                }
            }
        }
    }
}

/// The best so far.
struct Best {
    cost: ProductCost,
    bits_per_cycle: u64,
    /// What DRAM can carry in the total cycles of `cost`. Times are compared in such bits, which need no division.
    bits: u64,
    /// What every pass of inputs takes at least: computing for all frames and outputs, in bits that DRAM can carry meanwhile.
    pass_bits: u64,
    /// What every pass of inputs loads at least, the weights of all outputs.
    pass_weights: u64,
}

impl Best {
    fn new(product: &Product<'_>, cost: ProductCost) -> Self {
        let bits_per_cycle = product.hardware.dram.bits_per_cycle;
        let (pass_cycles, pass_weights) = product.pass();
        let bits = cost.total_cycles * bits_per_cycle;
        Self { cost, bits_per_cycle, bits, pass_bits: pass_cycles * bits_per_cycle, pass_weights }
    }

    /// Whether everything of so many passes takes longer.
    const fn excludes_passes(&self, passes: u64) -> bool {
        passes * self.pass_bits > self.bits || passes * self.pass_weights > self.bits
    }

    /// Whether `tile` takes longer in any order of loops.
    fn excludes(&self, tile: &Tile) -> bool {
        let ends = tile.bits.sum() + tile.bits.outputs;
        tile.compute_cycles() * self.bits_per_cycle + ends > self.bits || tile.least_bits() > self.bits
    }

    fn consider(&mut self, cost: ProductCost) {
        if cost.is_better_than(&self.cost) {
            self.cost = cost;
            self.bits = cost.total_cycles * self.bits_per_cycle;
        }
    }
}
