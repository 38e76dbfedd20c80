//! Layers of recurrent cells: the input's products for all frames at once, then frame by frame, all sequences of a batch
//! in lockstep.
//!
//! ```text
//! gates = input · W + b                                      every product with its hooks
//! for each direction
//!     for each step: of the sequences that have so many frames, longest first
//!         v = h · R                                          likewise; with r ⊙ h in place of h where the cell says so
//!         gates, state, h = cell(gates, v, state, h)         `steps`
//!         h = h · P                                          where there is a projection
//! ```
//!
//! A sequence comes out the same by itself and in any batch, because a row of a product depends on its own row alone.

mod back;
mod steps;

use super::product::{Columns, Hooked, traced};
use super::{Product, Recurrent, RecurrentShape, SiteOps, Workspace};
use crate::tensor::{Matrix, Packed, Real, View, vectorized};
use steps::{Frame, gated, step};

/// What a forward pass leaves for the backward pass.
#[derive(Debug)]
pub(super) struct Tape<T: Real> {
    /// What the hooks of the input's products did; with a window of 2 product by product, and in it direction by direction.
    input: Vec<Hooked<T>>,
    /// The gates after their functions, `[frames, directions · gates · hidden]`.
    gates: Matrix<T>,
    /// c, `[frames, directions · hidden]`, of cells that have one.
    states: Matrix<T>,
    /// v of the last gate where its gradient depends on it, `[frames, directions · hidden]`.
    inner: Matrix<T>,
    /// h.
    outputs: Matrix<T>,
    /// Direction by direction.
    steps: Vec<StepTape<T>>,
}

/// The input of a product, and what its hooks did.
type Operand<T> = (Matrix<T>, Hooked<T>);

/// What one step leaves.
#[derive(Debug)]
struct StepTape<T: Real> {
    /// Of each recurrent product.
    products: Vec<Operand<T>>,
    projection: Option<Operand<T>>,
}

/// Sequences side by side: at step t those that have more than t frames, the longest first.
struct Lockstep {
    /// First frame and end of each.
    sequences: Vec<[usize; 2]>,
}

impl Lockstep {
    fn new(starts: &[usize]) -> Self {
        let mut sequences: Vec<[usize; 2]> = starts.windows(2).map(|ends| [ends[0], ends[1]]).collect();
        sequences.sort_by_key(|[start, end]| std::cmp::Reverse(end - start));
        Self { sequences }
    }

    fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Steps of the longest.
    fn steps(&self) -> usize {
        self.sequences.first().map_or(0, |[start, end]| end - start)
    }

    /// The frames that are met at `step`.
    fn frames(&self, step: usize, direction: usize) -> Vec<usize> {
        let active = self.sequences.iter().take_while(|[start, end]| step < end - start);
        active.map(|[start, end]| if direction == 0 { start + step } else { end - 1 - step }).collect()
    }
}

/// What a layer's forward pass is given.
pub(super) struct Pass<'a, T: Real, O> {
    pub(super) starts: &'a [usize],
    pub(super) ops: &'a O,
    pub(super) workspace: &'a mut Workspace<T>,
}

/// The weights of a direction that every step multiplies with, packed for all of them.
struct Packs<T: Real> {
    products: Vec<Packed<T>>,
    projection: Option<Packed<T>>,
}

impl<T: Real> Recurrent<T> {
    /// The weights of a direction: `[inputs, outputs]`, or `flipped` for the way back.
    fn packs(&self, direction: usize, flipped: bool) -> Packs<T> {
        let pack = |view: View<'_, T>| Packed::new(if flipped { view.flip() } else { view });
        let of_product = |product: &Product<T>| pack(product.weight.columns(self.part(product, direction)));
        let width = self.shape.width();
        let projected = direction * width..(direction + 1) * width;
        Packs {
            products: self.recurrent.iter().map(of_product).collect(),
            projection: self.projection.as_ref().map(|(_, weight)| pack(weight.columns(projected))),
        }
    }

    fn columns(&self) -> Columns {
        let RecurrentShape { directions, hidden, .. } = self.shape;
        Columns { directions, gates: self.cell().gates().len(), hidden }
    }

    /// h, `[frames, directions · width]`, and what the backward pass needs.
    pub(super) fn forward<O: SiteOps<T>>(&self, input: &Matrix<T>, pass: &mut Pass<'_, T, O>) -> (Matrix<T>, Tape<T>) {
        let frames = input.rows();
        let RecurrentShape { directions, hidden, .. } = self.shape;
        let (gates, did) = self.input_products(input, pass);
        let width = |wanted: bool| if wanted { directions * hidden } else { 0 };
        let mut tape = Tape {
            input: did,
            gates,
            states: pass.workspace.take(frames, width(self.cell().has_state())),
            inner: pass.workspace.take(frames, width(self.cell().biased_recurrence().is_some())),
            outputs: pass.workspace.take(frames, self.outputs()),
            steps: Vec::new(),
        };
        let lockstep = Lockstep::new(pass.starts);
        for direction in 0..directions {
            self.run(direction, &lockstep, &mut tape, pass);
        }
        let mut outputs = pass.workspace.take(frames, self.outputs());
        outputs.data_mut().copy_from_slice(tape.outputs.data());
        (outputs, tape)
    }

    /// u of all gates, biases in them.
    fn input_products<O: SiteOps<T>>(
        &self,
        input: &Matrix<T>,
        pass: &mut Pass<'_, T, O>,
    ) -> (Matrix<T>, Vec<Hooked<T>>) {
        let columns = self.columns();
        if self.shape.window == 1 {
            return columns.multiply(&self.input, &self.bias, input, pass.ops, pass.workspace);
        }
        let mut all = pass.workspace.take(input.rows(), columns.count());
        let mut did = Vec::new();
        for (product, bias) in self.input.iter().zip(&self.bias) {
            let mut result = pass.workspace.take(input.rows(), product.weight.cols());
            for direction in 0..self.shape.directions {
                let windows = windows(input, pass.starts, direction, pass.workspace);
                let part = self.part(product, direction);
                let (of_direction, hooked) = traced(
                    product.site,
                    &windows,
                    product.weight.columns(part.clone()),
                    &bias.data()[part.clone()],
                    pass.ops,
                    pass.workspace,
                );
                for frame in 0..input.rows() {
                    result.row_mut(frame)[part.clone()].copy_from_slice(of_direction.row(frame));
                }
                [windows, of_direction].into_iter().for_each(|matrix| pass.workspace.give(matrix));
                did.push(hooked);
            }
            columns.scatter(product, &result, &mut all);
            pass.workspace.give(result);
        }
        (all, did)
    }

    /// The columns of a product that belong to a direction.
    fn part(&self, product: &Product<T>, direction: usize) -> std::ops::Range<usize> {
        let width = product.gates.len() * self.shape.hidden;
        direction * width..(direction + 1) * width
    }

    /// The vectors of a direction's peepholes.
    fn peepholes(&self, direction: usize) -> Vec<&[T]> {
        let hidden = self.shape.hidden;
        (0..self.peepholes.rows()).map(|row| &self.peepholes.row(row)[direction * hidden..][..hidden]).collect()
    }

    /// One direction through time.
    fn run<O: SiteOps<T>>(&self, direction: usize, lockstep: &Lockstep, tape: &mut Tape<T>, pass: &mut Pass<'_, T, O>) {
        let RecurrentShape { hidden, .. } = self.shape;
        let mut state = Matrix::zeros(lockstep.len(), hidden);
        let mut before = Matrix::zeros(lockstep.len(), self.shape.width());
        let packs = self.packs(direction, false);
        for step in 0..lockstep.steps() {
            let frames = lockstep.frames(step, direction);
            before = first_rows(before, frames.len());
            let (products, did) = self.recurrent_products(direction, &packs, &frames, &before, tape, pass);
            let mut shown = pass.workspace.take(frames.len(), hidden);
            self.cells(direction, &frames, [&products, &before], [&mut state, &mut shown], tape);
            pass.workspace.give(products);
            let (after, projection) = self.project(&packs, shown, pass);
            let width = self.shape.width();
            for (row, &frame) in frames.iter().enumerate() {
                tape.outputs.row_mut(frame)[direction * width..][..width].copy_from_slice(after.row(row));
            }
            before = after;
            tape.steps.push(StepTape { products: did, projection });
        }
    }

    /// v of all gates, `[sequences, gates · hidden]`.
    fn recurrent_products<O: SiteOps<T>>(
        &self,
        direction: usize,
        packs: &Packs<T>,
        frames: &[usize],
        before: &Matrix<T>,
        tape: &Tape<T>,
        pass: &mut Pass<'_, T, O>,
    ) -> (Matrix<T>, Vec<Operand<T>>) {
        let RecurrentShape { cell, hidden, .. } = self.shape;
        let gates = cell.gates().len();
        let mut all = pass.workspace.take(frames.len(), gates * hidden);
        if self.recurrent.is_empty() {
            return (all, Vec::new());
        }
        let plan = cell.recurrent(self.shape.per_gate);
        let mut did = Vec::with_capacity(plan.len());
        for ((product, weight), part) in self.recurrent.iter().zip(&packs.products).zip(plan) {
            let mut operand = before.clone();
            if part.gated_by.is_some() {
                for (row, &frame) in frames.iter().enumerate() {
                    let argument = &tape.gates.row(frame)[direction * gates * hidden..];
                    gated(argument, all.row(row), before.row(row), operand.row_mut(row));
                }
            }
            let bias = self.recurrent_bias_of(product, direction);
            let (result, hooked) = traced(product.site, &operand, weight, &bias, pass.ops, pass.workspace);
            for row in 0..frames.len() {
                all.row_mut(row)[product.gates.start * hidden..][..result.cols()].copy_from_slice(result.row(row));
            }
            pass.workspace.give(result);
            did.push((operand, hooked));
        }
        (all, did)
    }

    /// The bias of a recurrent product; empty where it has none.
    fn recurrent_bias_of(&self, product: &Product<T>, direction: usize) -> Vec<T> {
        let hidden = self.shape.hidden;
        match self.cell().biased_recurrence() {
            Some(gate) if product.gates.contains(&gate) => {
                let mut bias = vec![T::ZERO; product.gates.len() * hidden];
                bias[(gate - product.gates.start) * hidden..][..hidden]
                    .copy_from_slice(&self.recurrent_bias.data()[direction * hidden..][..hidden]);
                bias
            }
            _ => Vec::new(),
        }
    }

    /// The elementwise part of one step; `state` and `shown` are `[sequences, hidden]`.
    fn cells(
        &self,
        direction: usize,
        frames: &[usize],
        [products, before]: [&Matrix<T>; 2],
        [state, shown]: [&mut Matrix<T>; 2],
        tape: &mut Tape<T>,
    ) {
        let RecurrentShape { cell, hidden, .. } = self.shape;
        let width = cell.gates().len() * hidden;
        let peepholes = self.peepholes(direction);
        vectorized(
            #[inline(always)]
            || {
                for (row, &frame) in frames.iter().enumerate() {
                    let products = products.row(row);
                    if tape.inner.cols() > 0 {
                        tape.inner.row_mut(frame)[direction * hidden..][..hidden]
                            .copy_from_slice(&products[width - hidden..]);
                    }
                    step(
                        cell,
                        Frame {
                            gates: &mut tape.gates.row_mut(frame)[direction * width..][..width],
                            products,
                            peepholes: &peepholes,
                            before: before.row(row),
                            state: state.row_mut(row),
                            shown: shown.row_mut(row),
                        },
                    );
                    if tape.states.cols() > 0 {
                        tape.states.row_mut(frame)[direction * hidden..][..hidden].copy_from_slice(state.row(row));
                    }
                }
            },
        );
    }

    /// h in its width, and what was done for it.
    fn project<O: SiteOps<T>>(
        &self,
        packs: &Packs<T>,
        shown: Matrix<T>,
        pass: &mut Pass<'_, T, O>,
    ) -> (Matrix<T>, Option<Operand<T>>) {
        let Some(((site, _), weight)) = self.projection.as_ref().zip(packs.projection.as_ref()) else {
            return (shown, None);
        };
        let (after, hooked) = traced(*site, &shown, weight, &[], pass.ops, pass.workspace);
        (after, Some((shown, hooked)))
    }

    /// The tensor whose range nothing bounds but what is seen: c, or h of a cell of ReLUs.
    pub(super) fn unbounded<'a>(&self, tape: &'a Tape<T>) -> Option<&'a Matrix<T>> {
        use super::{Cell, RnnActivation};
        match self.cell() {
            Cell::Lstm { .. } => Some(&tape.states),
            Cell::Rnn(RnnActivation::Relu) | Cell::LiGru => Some(&tape.outputs),
            Cell::Rnn(RnnActivation::Tanh) | Cell::Gru(_) | Cell::Mgu | Cell::Qrnn(_) => None,
        }
    }
}

impl<T: Real> Tape<T> {
    /// Gives all room back.
    pub(super) fn give(self, workspace: &mut Workspace<T>) {
        let Self { input, gates, states, inner, outputs, steps } = self;
        input.into_iter().for_each(|hooked| hooked.give(workspace));
        [gates, states, inner, outputs].into_iter().for_each(|matrix| workspace.give(matrix));
        for (matrix, hooked) in steps.into_iter().flat_map(|step| step.products.into_iter().chain(step.projection)) {
            workspace.give(matrix);
            hooked.give(workspace);
        }
    }
}

/// The first `rows` rows.
fn first_rows<T: Real>(matrix: Matrix<T>, rows: usize) -> Matrix<T> {
    if matrix.rows() == rows {
        return matrix;
    }
    let cols = matrix.cols();
    let mut data = matrix.into_data();
    data.truncate(rows * cols);
    Matrix::from_rows(rows, cols, data)
}

/// Every frame behind the one that its direction has met before, zeros at the beginning: `[frames, 2 · width]`.
fn windows<T: Real>(input: &Matrix<T>, starts: &[usize], direction: usize, workspace: &mut Workspace<T>) -> Matrix<T> {
    let width = input.cols();
    let mut windows = workspace.take(input.rows(), 2 * width);
    for ends in starts.windows(2) {
        for frame in ends[0]..ends[1] {
            let (before, this) = windows.row_mut(frame).split_at_mut(width);
            this.copy_from_slice(input.row(frame));
            let met = if direction == 0 { frame.checked_sub(1) } else { Some(frame + 1) };
            match met.filter(|met| (ends[0]..ends[1]).contains(met)) {
                Some(met) => before.copy_from_slice(input.row(met)),
                None => before.fill(T::ZERO),
            }
        }
    }
    windows
}
