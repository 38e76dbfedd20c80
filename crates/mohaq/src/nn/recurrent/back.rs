//! The way back through a layer of recurrent cells.

use super::super::product::{Back, SiteBack, stop};
use super::steps::{FrameBack, gated_back, step_back};
use super::{Lockstep, Packs, StepTape, Tape, windows};
use crate::nn::elementwise::sum_of_rows;
use crate::nn::{Recurrent, RecurrentShape, SiteOps, Workspace};
use crate::tensor::{Matrix, Real, Store, product, vectorized};

/// Gradients that grow while a direction goes back through time.
struct Growing<T: Real> {
    /// Of what each recurrent product gave, `[frames, gates of the product · hidden]`.
    products: Vec<Matrix<T>>,
    /// What each of them read, `[frames, width]`.
    operands: Vec<Matrix<T>>,
    /// The same of the projection.
    projection: Option<[Matrix<T>; 2]>,
    /// `[peepholes, hidden]`.
    peepholes: Vec<T>,
}

/// The gradients of one step, `[sequences, …]`.
struct StepBack<T: Real> {
    /// Of h, by this frame's output and by later frames.
    hidden: Matrix<T>,
    /// Of c.
    state: Matrix<T>,
}

impl<T: Real> Recurrent<T> {
    /// The gradient of the input, where it is wanted; those of the parameters go to `gradients`.
    pub(in crate::nn) fn backward<O: SiteOps<T>>(
        &self,
        mut tape: Tape<T>,
        gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, O>,
    ) -> Option<Matrix<T>> {
        let (input_weights, rest) = gradients.split_at_mut(self.input.len());
        let (recurrent_weights, rest) = rest.split_at_mut(self.recurrent.len());
        let (projection, rest) = rest.split_at_mut(usize::from(self.projection.is_some()));
        let (biases, vectors) = rest.split_at_mut(self.input.len());
        let (recurrent_bias, peepholes) = vectors.split_at_mut(usize::from(self.recurrent_bias.rows() > 0));
        let lockstep = Lockstep::new(back.starts);
        let mut steps = std::mem::take(&mut tape.steps);
        for direction in (0..self.shape.directions).rev() {
            let of_direction = steps.split_off(direction * lockstep.steps());
            let mut growing = Growing::new(self, gradient.rows(), back.workspace);
            self.run_back(direction, &lockstep, of_direction, &gradient, &mut tape, &mut growing, back);
            self.finish(direction, growing, recurrent_weights, projection, recurrent_bias, peepholes, back.workspace);
        }
        back.workspace.give(gradient);
        let Tape { input, gates, states, inner, outputs, .. } = tape;
        let inputs = self.input_back(input, gates, input_weights, biases, back);
        [states, inner, outputs].into_iter().for_each(|matrix| back.workspace.give(matrix));
        inputs
    }

    /// One direction back through time; `tape.gates` become the gradients of u.
    #[expect(clippy::too_many_arguments, reason = "what is read, what is changed and what grows are borrowed apart")]
    fn run_back<O: SiteOps<T>>(
        &self,
        direction: usize,
        lockstep: &Lockstep,
        mut steps: Vec<StepTape<T>>,
        gradient: &Matrix<T>,
        tape: &mut Tape<T>,
        growing: &mut Growing<T>,
        back: &mut Back<'_, T, O>,
    ) {
        let (hidden, width) = (self.shape.hidden, self.shape.width());
        let mut state = Matrix::zeros(lockstep.len(), hidden);
        let mut later = Matrix::zeros(lockstep.len(), width);
        let packs = self.packs(direction, true);
        for step in (0..lockstep.steps()).rev() {
            let frames = lockstep.frames(step, direction);
            let StepTape { products, projection } = steps.pop().expect("every step left a tape");
            let mut of_hidden = back.workspace.take(frames.len(), width);
            for (row, &frame) in frames.iter().enumerate() {
                let seen = &gradient.row(frame)[direction * width..][..width];
                let sums = of_hidden.row_mut(row).iter_mut().zip(seen.iter().zip(later.row(row)));
                sums.for_each(|(sum, (&seen, &later))| *sum = seen + later);
            }
            let mut at = StepBack { hidden: of_hidden, state };
            if let Some(projection) = projection {
                at.hidden = self.project_back(&packs, &frames, projection, at.hidden, growing, back);
            }
            let before = self.before(direction, step, &frames, lockstep, tape, back.workspace);
            let through =
                self.cells_back(direction, step, &frames, lockstep, &before, &mut at, tape, growing, back.workspace);
            let through =
                self.products_back(direction, &packs, &frames, products, before, through, tape, growing, back);
            for row in 0..frames.len() {
                later.row_mut(row).copy_from_slice(through.row(row));
            }
            state = at.state;
            [through, at.hidden].into_iter().for_each(|matrix| back.workspace.give(matrix));
        }
    }

    /// h of the frames before, `[sequences, width]`.
    fn before(
        &self,
        direction: usize,
        step: usize,
        frames: &[usize],
        lockstep: &Lockstep,
        tape: &Tape<T>,
        workspace: &mut Workspace<T>,
    ) -> Matrix<T> {
        let width = self.shape.width();
        let mut before = workspace.take(frames.len(), width);
        match step.checked_sub(1) {
            None => before.data_mut().fill(T::ZERO),
            Some(step) => {
                for (row, frame) in lockstep.frames(step, direction).into_iter().take(frames.len()).enumerate() {
                    before.row_mut(row).copy_from_slice(&tape.outputs.row(frame)[direction * width..][..width]);
                }
            }
        }
        before
    }

    /// The gradient of h before it was projected.
    fn project_back<O: SiteOps<T>>(
        &self,
        packs: &Packs<T>,
        frames: &[usize],
        (shown, hooked): super::Operand<T>,
        mut gradient: Matrix<T>,
        growing: &mut Growing<T>,
        back: &mut Back<'_, T, O>,
    ) -> Matrix<T> {
        let (site, _) = self.projection.as_ref().expect("a tape of this layer");
        let flipped = packs.projection.as_ref().expect("weights of this layer");
        let [results, operands] = growing.projection.as_mut().expect("made for this layer");
        stop(&mut gradient, &hooked.saturated);
        put_rows(frames, &gradient, results);
        put_rows(frames, hooked.input.as_ref().unwrap_or(&shown), operands);
        let mut of_shown = back.workspace.take(frames.len(), self.shape.hidden);
        back.through(*site, &shown, flipped, &gradient, Some((Store::Overwrite, &mut of_shown)));
        hooked.give(back.workspace);
        [shown, gradient].into_iter().for_each(|matrix| back.workspace.give(matrix));
        of_shown
    }

    /// The elementwise part of one step back. Returns the gradient of h of the frame before, as far as it comes through no
    /// product.
    #[expect(clippy::too_many_arguments, reason = "what is read, what is changed and what grows are borrowed apart")]
    fn cells_back(
        &self,
        direction: usize,
        step: usize,
        frames: &[usize],
        lockstep: &Lockstep,
        before: &Matrix<T>,
        at: &mut StepBack<T>,
        tape: &mut Tape<T>,
        growing: &mut Growing<T>,
        workspace: &mut Workspace<T>,
    ) -> Matrix<T> {
        let RecurrentShape { cell, hidden, .. } = self.shape;
        let width = cell.gates().len() * hidden;
        let peepholes = self.peepholes(direction);
        let earlier = step.checked_sub(1).map(|step| lockstep.frames(step, direction));
        let zeros = vec![T::ZERO; hidden];
        let mut through = workspace.take(frames.len(), self.shape.width());
        let mut products = vec![T::ZERO; width];
        let mut nowhere = vec![T::ZERO; hidden];
        vectorized(
            #[inline(always)]
            || {
                for (row, &frame) in frames.iter().enumerate() {
                    let part = direction * hidden..(direction + 1) * hidden;
                    let state = |frame: usize| tape.states.row(frame).get(part.clone()).unwrap_or(&zeros);
                    let states = [earlier.as_ref().map_or(&zeros[..], |earlier| state(earlier[row])), state(frame)];
                    let inner = tape.inner.row(frame).get(part.clone()).unwrap_or(&zeros);
                    // A projected cell never hands h on but through products.
                    let through = if self.projection.is_some() { &mut nowhere[..] } else { through.row_mut(row) };
                    step_back(
                        cell,
                        FrameBack {
                            gates: &mut tape.gates.row_mut(frame)[direction * width..][..width],
                            inner,
                            peepholes: &peepholes,
                            peephole_sums: &mut growing.peepholes,
                            before: before.row(row),
                            states,
                            shown: at.hidden.row(row),
                            state_gradient: at.state.row_mut(row),
                            products: &mut products,
                            through,
                        },
                    );
                    for (product, gradient) in self.recurrent.iter().zip(&mut growing.products) {
                        let part = &products[product.gates.start * hidden..][..gradient.cols()];
                        gradient.row_mut(frame).copy_from_slice(part);
                    }
                }
            },
        );
        if self.projection.is_some() || self.recurrent.is_empty() {
            through.data_mut().fill(T::ZERO);
        }
        through
    }

    /// The recurrent products of one step back. Returns the whole gradient of h of the frame before.
    #[expect(clippy::too_many_arguments, reason = "what is read, what is changed and what grows are borrowed apart")]
    fn products_back<O: SiteOps<T>>(
        &self,
        direction: usize,
        packs: &Packs<T>,
        frames: &[usize],
        products: Vec<super::Operand<T>>,
        before: Matrix<T>,
        mut through: Matrix<T>,
        tape: &mut Tape<T>,
        growing: &mut Growing<T>,
        back: &mut Back<'_, T, O>,
    ) -> Matrix<T> {
        let RecurrentShape { cell, hidden, per_gate, .. } = self.shape;
        let plan = cell.recurrent(per_gate);
        for (index, (operand, hooked)) in products.into_iter().enumerate().rev() {
            let of_product = &self.recurrent[index];
            let mut gradient = back.workspace.take(frames.len(), of_product.weight.cols() / self.shape.directions);
            for (row, &frame) in frames.iter().enumerate() {
                gradient.row_mut(row).copy_from_slice(growing.products[index].row(frame));
            }
            if !hooked.saturated.is_empty() {
                stop(&mut gradient, &hooked.saturated);
                put_rows(frames, &gradient, &mut growing.products[index]);
            }
            put_rows(frames, hooked.input.as_ref().unwrap_or(&operand), &mut growing.operands[index]);
            let flipped = &packs.products[index];
            if plan[index].gated_by.is_some() {
                let mut of_operand = back.workspace.take(operand.rows(), operand.cols());
                let into = Some((Store::Overwrite, &mut of_operand));
                back.through(of_product.site, &operand, flipped, &gradient, into);
                // The first gate has its place at the beginning of the first product.
                let first = direction * cell.gates().len() * hidden;
                for (row, &frame) in frames.iter().enumerate() {
                    let gate = &mut tape.gates.row_mut(frame)[first..][..hidden];
                    let product = &mut growing.products[0].row_mut(frame)[..hidden];
                    gated_back(of_operand.row(row), before.row(row), gate, product, through.row_mut(row));
                }
                back.workspace.give(of_operand);
            } else {
                let into = Some((Store::Accumulate, &mut through));
                back.through(of_product.site, &operand, flipped, &gradient, into);
            }
            hooked.give(back.workspace);
            [gradient, operand].into_iter().for_each(|matrix| back.workspace.give(matrix));
        }
        back.workspace.give(before);
        through
    }

    /// Turns what has grown into gradients of the parameters of a direction.
    #[expect(clippy::too_many_arguments, reason = "the gradients are borrowed apart")]
    fn finish(
        &self,
        direction: usize,
        growing: Growing<T>,
        weights: &mut [Matrix<T>],
        projection: &mut [Matrix<T>],
        bias: &mut [Matrix<T>],
        peepholes: &mut [Matrix<T>],
        workspace: &mut Workspace<T>,
    ) {
        let hidden = self.shape.hidden;
        let parts = self.recurrent.iter().zip(weights).zip(growing.products.iter().zip(&growing.operands));
        for ((of_product, weights), (gradient, operand)) in parts {
            put_product(operand, gradient, direction, weights, workspace);
            if let ([bias], Some(gate)) = (&mut *bias, self.cell().biased_recurrence())
                && of_product.gates.contains(&gate)
            {
                let mut sums = vec![T::ZERO; gradient.cols()];
                sum_of_rows(sums.len(), gradient.data(), &mut sums);
                let of_gate = &sums[(gate - of_product.gates.start) * hidden..][..hidden];
                bias.data_mut()[direction * hidden..][..hidden].copy_from_slice(of_gate);
            }
        }
        if let ([weights], Some([results, operands])) = (projection, &growing.projection) {
            put_product(operands, results, direction, weights, workspace);
        }
        if let [gradient] = peepholes {
            for (row, sums) in growing.peepholes.chunks_exact(hidden).enumerate() {
                gradient.row_mut(row)[direction * hidden..][..hidden].copy_from_slice(sums);
            }
        }
        let matrices = growing.products.into_iter().chain(growing.operands);
        matrices.chain(growing.projection.into_iter().flatten()).for_each(|matrix| workspace.give(matrix));
    }

    /// The input's products on the way back; `gates` are the gradients of u.
    fn input_back<O: SiteOps<T>>(
        &self,
        mut hooked: Vec<super::Hooked<T>>,
        gates: Matrix<T>,
        weights: &mut [Matrix<T>],
        biases: &mut [Matrix<T>],
        back: &mut Back<'_, T, O>,
    ) -> Option<Matrix<T>> {
        let columns = self.columns();
        let input = back.input;
        let mut inputs = back.wanted.then(|| back.workspace.take(input.rows(), input.cols()));
        if self.shape.window == 1 {
            let into = inputs.as_mut().map(|inputs| (Store::Overwrite, inputs));
            back.multiply(columns, &self.input, input, hooked, gates, weights, biases, into);
            return inputs;
        }
        if let Some(inputs) = &mut inputs {
            inputs.data_mut().fill(T::ZERO);
        }
        let mut hooked = hooked.drain(..);
        for ((product, weights), bias) in self.input.iter().zip(weights).zip(biases) {
            let mut all = back.workspace.take(gates.rows(), product.weight.cols());
            columns.gather(product, &gates, &mut all);
            for direction in 0..self.shape.directions {
                let part = self.part(product, direction);
                let did = hooked.next().expect("one of every direction");
                let mut gradient = back.workspace.take(gates.rows(), part.len());
                for frame in 0..gates.rows() {
                    gradient.row_mut(frame).copy_from_slice(&all.row(frame)[part.clone()]);
                }
                stop(&mut gradient, &did.saturated);
                sum_of_rows(part.len(), gradient.data(), &mut bias.data_mut()[part.clone()]);
                let windows = windows(input, back.starts, direction, back.workspace);
                let mut of_windows = back.workspace.take(windows.rows(), windows.cols());
                let mut of_weights = back.workspace.take(windows.cols(), part.len());
                let site = SiteBack {
                    site: product.site,
                    input: &windows,
                    hooked: did,
                    weight: product.weight.columns(part.clone()),
                };
                back.product(site, &gradient, &mut of_weights, Some((Store::Overwrite, &mut of_windows)));
                for row in 0..of_weights.rows() {
                    weights.row_mut(row)[part.clone()].copy_from_slice(of_weights.row(row));
                }
                if let Some(inputs) = &mut inputs {
                    windows_back(&of_windows, back.starts, direction, inputs);
                }
                [gradient, windows, of_windows, of_weights].into_iter().for_each(|matrix| back.workspace.give(matrix));
            }
            back.workspace.give(all);
        }
        back.workspace.give(gates);
        inputs
    }
}

impl<T: Real> Growing<T> {
    fn new(layer: &Recurrent<T>, frames: usize, workspace: &mut Workspace<T>) -> Self {
        let RecurrentShape { hidden, directions, .. } = layer.shape;
        let width = layer.shape.width();
        let products = layer.recurrent.iter().map(|product| workspace.take(frames, product.weight.cols() / directions));
        Self {
            products: products.collect(),
            operands: layer.recurrent.iter().map(|_| workspace.take(frames, width)).collect(),
            projection: layer.projection.as_ref().map(|_| [width, hidden].map(|width| workspace.take(frames, width))),
            peepholes: vec![T::ZERO; layer.peepholes.rows() * hidden],
        }
    }
}

/// Copies the rows of a step to their frames.
fn put_rows<T: Real>(frames: &[usize], rows: &Matrix<T>, to: &mut Matrix<T>) {
    for (row, &frame) in frames.iter().enumerate() {
        to.row_mut(frame).copy_from_slice(rows.row(row));
    }
}

/// Operands times gradients, to the columns of a direction.
fn put_product<T: Real>(
    operands: &Matrix<T>,
    gradients: &Matrix<T>,
    direction: usize,
    weights: &mut Matrix<T>,
    workspace: &mut Workspace<T>,
) {
    let width = gradients.cols();
    let mut part = workspace.take(operands.cols(), width);
    product(operands.transposed(), gradients.view(), Store::Overwrite, &mut part);
    for row in 0..part.rows() {
        weights.row_mut(row)[direction * width..][..width].copy_from_slice(part.row(row));
    }
    workspace.give(part);
}

/// Adds the gradients of windows to those of the frames in them.
fn windows_back<T: Real>(windows: &Matrix<T>, starts: &[usize], direction: usize, inputs: &mut Matrix<T>) {
    let width = inputs.cols();
    let mut add = |frame: usize, part: &[T]| inputs.row_mut(frame).iter_mut().zip(part).for_each(|(x, &d)| *x += d);
    for ends in starts.windows(2) {
        for frame in ends[0]..ends[1] {
            let (before, this) = windows.row(frame).split_at(width);
            add(frame, this);
            let met = if direction == 0 { frame.checked_sub(1) } else { Some(frame + 1) };
            if let Some(met) = met.filter(|met| (ends[0]..ends[1]).contains(met)) {
                add(met, before);
            }
        }
    }
}
