//! Cutting a product into tiles, and what moves when they are visited in an order.

/// One dimension of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    length: u64,
    /// What the smallest tile has of it.
    step: u64,
    /// Steps in `length`, the last one possibly not full.
    blocks: u64,
}

impl Axis {
    pub(super) fn new(length: u64, step: u64) -> Self {
        Self { length, step, blocks: length.div_ceil(step) }
    }

    /// Every way to cut it: into 1, 2, 4, … steps a tile, the last of which is the whole length.
    pub(super) fn cuts(self) -> impl Iterator<Item = Cut> {
        let last = self.blocks.next_power_of_two().trailing_zeros();
        (0..=last).map(move |exponent| self.cut(exponent))
    }

    /// All in one tile.
    pub(super) fn whole(self) -> Cut {
        Cut { tiles: 1, size: self.length, blocks: self.blocks }
    }

    /// Tiles of 2^`exponent` steps, or of the whole length if that is less.
    pub(super) fn cut(self, exponent: u32) -> Cut {
        let blocks = 1 << exponent;
        if blocks >= self.blocks {
            return self.whole();
        }
        Cut { tiles: (self.blocks + blocks - 1) >> exponent, size: self.step << exponent, blocks }
    }
}

/// A dimension in tiles of one size. The last may hang over the edge: it takes as long as any other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Number of tiles.
    pub(super) tiles: u64,
    /// Length of a tile.
    pub(super) size: u64,
    /// What the array computes one after the other of a tile: frames, passes of inputs, columns full of outputs.
    pub(super) blocks: u64,
}

/// A loop over the tiles of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loop {
    Frames,
    Inputs,
    Outputs,
}

/// Orders of loops, innermost first. In pairs with the same loop outermost.
pub(super) const ORDERS: [[Loop; 3]; 6] = [
    [Loop::Inputs, Loop::Outputs, Loop::Frames],
    [Loop::Outputs, Loop::Inputs, Loop::Frames],
    [Loop::Outputs, Loop::Frames, Loop::Inputs],
    [Loop::Frames, Loop::Outputs, Loop::Inputs],
    [Loop::Frames, Loop::Inputs, Loop::Outputs],
    [Loop::Inputs, Loop::Frames, Loop::Outputs],
];

/// A tile, by its three cuts, and what it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) frames: Cut,
    pub(super) inputs: Cut,
    pub(super) outputs: Cut,
    /// Bits in the buffers; weights are 0 if they are resident.
    pub(super) bits: Operands<u64>,
}

/// Something of each operand; outputs stand for their partial sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands<T> {
    pub(super) weights: T,
    pub(super) inputs: T,
    pub(super) outputs: T,
}

impl Operands<u64> {
    pub(super) const fn sum(self) -> u64 {
        self.weights + self.inputs + self.outputs
    }
}

/// What crosses between DRAM and a buffer, one way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    /// Bits in all.
    pub(super) bits: u64,
    /// The most that the buffer holds at a time.
    pub(super) held: u64,
}

impl Operands<Moved> {
    /// Everything that DRAM reads and writes.
    pub(super) const fn total_bits(&self) -> u64 {
        self.weights.bits + self.inputs.bits + 2 * self.outputs.bits
    }
}

impl Tile {
    /// Number of tiles.
    pub(super) const fn count(&self) -> u64 {
        self.frames.tiles * self.inputs.tiles * self.outputs.tiles
    }

    /// Cycles in which the array computes, over all tiles.
    pub(super) const fn compute_cycles(&self) -> u64 {
        self.count() * self.frames.blocks * self.inputs.blocks * self.outputs.blocks
    }

    /// Orders that can differ, one at least: it does not matter where a loop over a single tile is.
    pub(super) fn orders(&self) -> &'static [[Loop; 3]] {
        match (self.frames.tiles > 1, self.inputs.tiles > 1, self.outputs.tiles > 1) {
            (true, true, true) => &ORDERS,
            (false, true, true) => &ORDERS[..2],
            (true, false, true) => &ORDERS[2..4],
            (true, true, false) => &ORDERS[4..],
            _ => &ORDERS[..1],
        }
    }

    /// What moves, both ways, if buffers never lose what is used again: no order moves less.
    pub(super) const fn least_bits(&self) -> u64 {
        self.bits.weights * self.inputs.tiles * self.outputs.tiles
            + self.bits.inputs * self.frames.tiles * self.inputs.tiles
            + 2 * self.bits.outputs * self.frames.tiles * self.outputs.tiles
    }

    /// What moves between DRAM and buffers of `room` bits in the order of loops that moves the fewest bits.
    pub(super) fn moved(&self, room: Operands<u64>) -> Operands<Moved> {
        let (least, orders) = (self.least_bits(), self.orders());
        let mut best = self.moved_in(orders[0], room);
        for &order in &orders[1..] {
            if best.total_bits() == least {
                break;
            }
            let moved = self.moved_in(order, room);
            if moved.total_bits() < best.total_bits() {
                best = moved;
            }
        }
        best
    }

    /// The same in one order. Outputs move both ways, and as much each way.
    pub(super) fn moved_in(&self, order: [Loop; 3], room: Operands<u64>) -> Operands<Moved> {
        Operands {
            weights: self.walk(order, Loop::Frames, self.bits.weights, room.weights),
            inputs: self.walk(order, Loop::Outputs, self.bits.inputs, room.inputs),
            outputs: self.walk(order, Loop::Inputs, self.bits.outputs, room.outputs),
        }
    }

    /// Of an operand of `bits` a tile, which does not depend on the loop `free`. What the loops inside `free` use is moved
    /// once if the buffer keeps all of it, and again in every turn of `free` if not.
    fn walk(&self, order: [Loop; 3], free: Loop, bits: u64, room: u64) -> Moved {
        let [inner, middle, outer] = order.map(|over| self.tiles(over));
        let (inside, first, second) = if order[0] == free {
            (1, middle, outer)
        } else if order[1] == free {
            (inner, inner, outer)
        } else {
            (inner * middle, inner, middle)
        };
        let turns = if bits * inside <= room { 1 } else { self.tiles(free) };
        let (some, all) = (bits * first, bits * first * second);
        let held = if all <= room {
            all
        } else if some <= room {
            some
        } else {
            bits
        };
        Moved { bits: all * turns, held }
    }

    const fn tiles(&self, over: Loop) -> u64 {
        match over {
            Loop::Frames => self.frames.tiles,
            Loop::Inputs => self.inputs.tiles,
            Loop::Outputs => self.outputs.tiles,
        }
    }
}
