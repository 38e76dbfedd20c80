//! One frame of the units of one direction, forwards and backwards: all that is not a matrix product.
//!
//! The equations are those of [`Cell`], read row by row.

use super::super::{Cell, Pointwise, Pooling, Reset, RnnActivation};
use crate::tensor::Real;

/// One frame of one sequence on the way forward.
pub(super) struct Frame<'a, T> {
    /// u, `[gates, hidden]`; becomes what the gates are after their functions.
    pub(super) gates: &'a mut [T],
    /// v, `[gates, hidden]`.
    pub(super) products: &'a [T],
    /// p, one for each peephole.
    pub(super) peepholes: &'a [&'a [T]],
    /// h of the frame before.
    pub(super) before: &'a [T],
    /// c, which goes from the frame before to this one.
    pub(super) state: &'a mut [T],
    /// Becomes h, before it is projected.
    pub(super) shown: &'a mut [T],
}

/// One frame of one sequence on the way back.
pub(super) struct FrameBack<'a, T> {
    /// What the gates were; becomes the gradients of their arguments. Where the first gate acts on the hidden output,
    /// that gate stays.
    pub(super) gates: &'a mut [T],
    /// v of the last gate, where its gradient depends on it.
    pub(super) inner: &'a [T],
    /// p, one for each peephole.
    pub(super) peepholes: &'a [&'a [T]],
    /// Sums of the gradients of p, `[peepholes, hidden]`.
    pub(super) peephole_sums: &'a mut [T],
    /// h of the frame before.
    pub(super) before: &'a [T],
    /// c of the frame before, and of this one.
    pub(super) states: [&'a [T]; 2],
    /// Gradient of h before it is projected.
    pub(super) shown: &'a [T],
    /// Gradient of c by later frames; becomes that of c of the frame before.
    pub(super) state_gradient: &'a mut [T],
    /// Becomes the gradient of v, `[gates, hidden]`; that of a first gate which acts on the hidden output is that of the
    /// gate itself, as far as it acts elsewhere.
    pub(super) products: &'a mut [T],
    /// Becomes the gradient of h of the frame before, but for what comes through products.
    pub(super) through: &'a mut [T],
}

/// Puts `values` through `function`.
#[inline(always)]
fn apply<T: Real>(function: Pointwise, values: &mut [T]) {
    match function {
        Pointwise::Relu => values.iter_mut().for_each(|x| *x = x.max(T::ZERO)),
        Pointwise::Tanh => values.iter_mut().for_each(|x| *x = x.tanh()),
        Pointwise::Sigmoid => values.iter_mut().for_each(|x| *x = x.sigmoid()),
    }
}

/// The slope of a function at the argument where it is `y`.
#[inline(always)]
fn slope<T: Real>(function: Pointwise, y: T) -> T {
    match function {
        Pointwise::Relu => {
            if y > T::ZERO {
                T::ONE
            } else {
                T::ZERO
            }
        }
        Pointwise::Tanh => T::ONE - y * y,
        Pointwise::Sigmoid => y * (T::ONE - y),
    }
}

#[inline(always)]
fn add<T: Real>(to: &mut [T], addend: &[T]) {
    to.iter_mut().zip(addend).for_each(|(x, &y)| *x += y);
}

/// Adds vector times state.
#[inline(always)]
fn look<T: Real>(gate: &mut [T], vector: &[T], state: &[T]) {
    gate.iter_mut().zip(vector.iter().zip(state)).for_each(|(x, (&p, &c))| *x = p.mul_add(c, *x));
}

/// The gates of a row, one after the other.
#[inline(always)]
fn parts<T, const N: usize>(row: &mut [T], hidden: usize) -> [&mut [T]; N] {
    let mut rest = row;
    std::array::from_fn(|_| {
        let (part, behind) = std::mem::take(&mut rest).split_at_mut(hidden);
        rest = behind;
        part
    })
}

/// What the hidden output is multiplied with before the product of a gate: the first gate times `before`, to `gated`.
#[inline(always)]
pub(super) fn gated<T: Real>(argument: &[T], product: &[T], before: &[T], gated: &mut [T]) {
    let n = gated.len();
    let (argument, product, before) = (&argument[..n], &product[..n], &before[..n]);
    for j in 0..n {
        gated[j] = (argument[j] + product[j]).sigmoid() * before[j];
    }
}

/// The way back through [`gated`]: `operand` is its gradient, `gate` the gate, which becomes its argument's gradient;
/// `product` holds the gradient of the gate as far as it acts elsewhere and becomes that of its product.
#[inline(always)]
pub(super) fn gated_back<T: Real>(operand: &[T], before: &[T], gate: &mut [T], product: &mut [T], through: &mut [T]) {
    let n = operand.len();
    let (before, gate, product, through) = (&before[..n], &mut gate[..n], &mut product[..n], &mut through[..n]);
    for j in 0..n {
        through[j] = operand[j].mul_add(gate[j], through[j]);
        let d = operand[j].mul_add(before[j], product[j]) * gate[j] * (T::ONE - gate[j]);
        gate[j] = d;
        product[j] = d;
    }
}

/// (1 − weight)·a + weight·b.
#[inline(always)]
fn mix<T: Real>(weight: T, a: T, b: T) -> T {
    weight.mul_add(b - a, a)
}

/// One frame forwards.
#[inline(always)]
pub(super) fn step<T: Real>(cell: Cell, frame: Frame<'_, T>) {
    let n = frame.shown.len();
    match cell {
        Cell::Rnn(_) => {
            add(frame.gates, frame.products);
            apply(cell.gates()[0].function, frame.gates);
            frame.shown.copy_from_slice(frame.gates);
        }
        Cell::Lstm { coupled, .. } => lstm(coupled, frame),
        Cell::Gru(reset) => {
            let (recurrent, inner) = frame.products.split_at(2 * n);
            add(&mut frame.gates[..2 * n], recurrent);
            let [r, z, candidate] = parts(frame.gates, n);
            apply(Pointwise::Sigmoid, r);
            apply(Pointwise::Sigmoid, z);
            for j in 0..n {
                candidate[j] += if reset == Reset::After { r[j] * inner[j] } else { inner[j] };
            }
            apply(Pointwise::Tanh, candidate);
            for j in 0..n {
                frame.shown[j] = mix(z[j], candidate[j], frame.before[j]);
            }
        }
        Cell::LiGru | Cell::Mgu => {
            add(frame.gates, frame.products);
            let [gate, candidate] = parts(frame.gates, n);
            apply(Pointwise::Sigmoid, gate);
            apply(cell.gates()[1].function, candidate);
            for j in 0..n {
                let (new, old) = (candidate[j], frame.before[j]);
                frame.shown[j] = if cell == Cell::Mgu { mix(gate[j], old, new) } else { mix(gate[j], new, old) };
            }
        }
        Cell::Qrnn(pooling) => {
            let (new, gates) = frame.gates.split_at_mut(n);
            apply(Pointwise::Tanh, new);
            apply(Pointwise::Sigmoid, gates);
            for j in 0..n {
                let c = mix(gates[j], new[j], frame.state[j]);
                frame.state[j] = c;
                frame.shown[j] = if pooling == Pooling::Fo { gates[n + j] * c } else { c };
            }
        }
    }
}

#[inline(always)]
fn lstm<T: Real>(coupled: bool, frame: Frame<'_, T>) {
    let Frame { gates, products, peepholes, state, shown, .. } = frame;
    let n = shown.len();
    add(gates, products);
    let last = gates.len() - n;
    let (early, output) = gates.split_at_mut(last);
    let seen = peepholes.len().saturating_sub(1);
    for (gate, vector) in peepholes.iter().take(seen).enumerate() {
        look(&mut early[gate * n..][..n], vector, state);
    }
    let (sigmoids, new) = early.split_at_mut(last - n);
    apply(Pointwise::Sigmoid, sigmoids);
    apply(Pointwise::Tanh, new);
    for j in 0..n {
        let i = sigmoids[j];
        let f = if coupled { T::ONE - i } else { sigmoids[n + j] };
        state[j] = f.mul_add(state[j], i * new[j]);
    }
    if let Some(vector) = peepholes.get(seen) {
        look(output, vector, state);
    }
    apply(Pointwise::Sigmoid, output);
    for j in 0..n {
        shown[j] = output[j] * state[j].tanh();
    }
}

/// One frame backwards.
#[inline(always)]
pub(super) fn step_back<T: Real>(cell: Cell, frame: FrameBack<'_, T>) {
    let n = frame.shown.len();
    let FrameBack { gates, inner, before, states, shown, state_gradient, products, through, .. } = frame;
    match cell {
        Cell::Rnn(activation) => {
            let function = if activation == RnnActivation::Relu { Pointwise::Relu } else { Pointwise::Tanh };
            for j in 0..n {
                gates[j] = shown[j] * slope(function, gates[j]);
                through[j] = T::ZERO;
            }
            products.copy_from_slice(gates);
        }
        Cell::Lstm { coupled, .. } => {
            let (peepholes, sums) = (frame.peepholes, frame.peephole_sums);
            lstm_back(coupled, gates, peepholes, sums, states, shown, state_gradient);
            products.copy_from_slice(gates);
            through.iter_mut().for_each(|x| *x = T::ZERO);
        }
        Cell::Gru(reset) => {
            let [r, z, candidate] = parts(gates, n);
            let [r_product, z_product, inner_product] = parts(products, n);
            for j in 0..n {
                let d = shown[j] * (T::ONE - z[j]) * slope(Pointwise::Tanh, candidate[j]);
                let d_z = shown[j] * (before[j] - candidate[j]) * slope(Pointwise::Sigmoid, z[j]);
                through[j] = shown[j] * z[j];
                (candidate[j], z[j], z_product[j]) = (d, d_z, d_z);
                if reset == Reset::After {
                    inner_product[j] = d * r[j];
                    r[j] = d * inner[j] * slope(Pointwise::Sigmoid, r[j]);
                    r_product[j] = r[j];
                } else {
                    (inner_product[j], r_product[j]) = (d, T::ZERO);
                }
            }
        }
        Cell::LiGru => {
            let [z, candidate] = parts(gates, n);
            for j in 0..n {
                let d_z = shown[j] * (before[j] - candidate[j]) * slope(Pointwise::Sigmoid, z[j]);
                candidate[j] = shown[j] * (T::ONE - z[j]) * slope(Pointwise::Relu, candidate[j]);
                through[j] = shown[j] * z[j];
                z[j] = d_z;
            }
            products.copy_from_slice(gates);
        }
        Cell::Mgu => {
            let [f, candidate] = parts(gates, n);
            let [f_product, product] = parts(products, n);
            for j in 0..n {
                f_product[j] = shown[j] * (candidate[j] - before[j]);
                through[j] = shown[j] * (T::ONE - f[j]);
                candidate[j] = shown[j] * f[j] * slope(Pointwise::Tanh, candidate[j]);
                product[j] = candidate[j];
            }
        }
        Cell::Qrnn(pooling) => qrnn_back(pooling, gates, states, shown, state_gradient),
    }
}

#[inline(always)]
fn lstm_back<T: Real>(
    coupled: bool,
    gates: &mut [T],
    peepholes: &[&[T]],
    sums: &mut [T],
    [before, after]: [&[T]; 2],
    shown: &[T],
    state_gradient: &mut [T],
) {
    let n = shown.len();
    let last = gates.len() - n;
    let (early, output) = gates.split_at_mut(last);
    let seen = peepholes.len().saturating_sub(1);
    for j in 0..n {
        let t = after[j].tanh();
        let d_o = shown[j] * t * slope(Pointwise::Sigmoid, output[j]);
        state_gradient[j] = (shown[j] * output[j]).mul_add(slope(Pointwise::Tanh, t), state_gradient[j]);
        output[j] = d_o;
    }
    if let Some(vector) = peepholes.get(seen) {
        look(state_gradient, vector, output);
        look(&mut sums[seen * n..], output, after);
    }
    let (sigmoids, new) = early.split_at_mut(last - n);
    for j in 0..n {
        let (i, g, d_c) = (sigmoids[j], new[j], state_gradient[j]);
        new[j] = d_c * i * slope(Pointwise::Tanh, g);
        if coupled {
            sigmoids[j] = d_c * (g - before[j]) * slope(Pointwise::Sigmoid, i);
            state_gradient[j] = d_c * (T::ONE - i);
        } else {
            let f = sigmoids[n + j];
            sigmoids[j] = d_c * g * slope(Pointwise::Sigmoid, i);
            sigmoids[n + j] = d_c * before[j] * slope(Pointwise::Sigmoid, f);
            state_gradient[j] = d_c * f;
        }
    }
    for (gate, vector) in peepholes.iter().take(seen).enumerate() {
        let d = &sigmoids[gate * n..][..n];
        look(state_gradient, vector, d);
        look(&mut sums[gate * n..][..n], d, before);
    }
}

#[inline(always)]
fn qrnn_back<T: Real>(
    pooling: Pooling,
    gates: &mut [T],
    [before, after]: [&[T]; 2],
    shown: &[T],
    state_gradient: &mut [T],
) {
    let n = shown.len();
    let (new, rest) = gates.split_at_mut(n);
    let (forget, output) = rest.split_at_mut(n);
    for j in 0..n {
        let mut d_c = state_gradient[j];
        if pooling == Pooling::Fo {
            let o = output[j];
            output[j] = shown[j] * after[j] * slope(Pointwise::Sigmoid, o);
            d_c = shown[j].mul_add(o, d_c);
        } else {
            d_c += shown[j];
        }
        let (f, z) = (forget[j], new[j]);
        new[j] = d_c * (T::ONE - f) * slope(Pointwise::Tanh, z);
        forget[j] = d_c * (before[j] - z) * slope(Pointwise::Sigmoid, f);
        state_gradient[j] = d_c * f;
    }
}
