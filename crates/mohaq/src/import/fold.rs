//! Scales and shifts folded into the numbers of the layers beside them.
//!
//! A batch norm after training, y = x ⊙ s + t, is no layer of a network: where a matrix stands before it, the matrix takes s
//! and t into its columns and bias; where one stands behind it, into its rows and bias. Where neither is possible it is
//! refused, not approximated.

use super::error::ImportError;
use super::model::{Convolution, Imported, Kind, Model, Unit};
use crate::nn::Cell;
use crate::tensor::Matrix;

/// Removes every [`Kind::Affine`] from the chain.
///
/// # Errors
/// [`ImportError::Layer`] for one that stands where nothing can take it.
pub(super) fn fold(model: &mut Model) -> Result<(), ImportError> {
    while let Some(at) = model.layers.iter().position(|layer| matches!(layer.kind, Kind::Affine { .. })) {
        let affine = model.layers.remove(at);
        let Kind::Affine { scale, shift } = affine.kind else { unreachable!("it was just found") };
        let (before, behind) = model.layers.split_at_mut(at);
        let taken = if before.last_mut().is_some_and(|layer| after(&mut layer.kind, &scale, &shift)) {
            before.last_mut()
        } else if behind.first_mut().is_some_and(|layer| ahead(&mut layer.kind, &scale, &shift)) {
            behind.first_mut()
        } else {
            None
        };
        let Some(layer) = taken else {
            let [before, behind] = [before.last(), behind.first()].map(neighbour);
            let reason = format!("a scale and a shift between {before} and {behind}, neither of which can take it up");
            return Err(ImportError::layer(&affine.origin, reason));
        };
        layer.notes.push(format!("`{}` folded in", affine.origin));
        layer.notes.extend(affine.notes);
    }
    Ok(())
}

fn neighbour(layer: Option<&Imported>) -> String {
    layer.map_or_else(|| "nothing".to_owned(), |layer| format!("`{}` ({})", layer.origin, layer.kind.label()))
}

/// Whether `kind` could take what comes after it.
fn after(kind: &mut Kind, scale: &[f32], shift: &[f32]) -> bool {
    match kind {
        Kind::Linear { weight, bias } | Kind::Conv1d(Convolution { weight, bias, .. }) => {
            scale_columns(weight, scale);
            scaled_and_shifted(bias, scale, shift);
        }
        Kind::LayerNorm { gain, bias } => {
            gain.iter_mut().zip(scale).for_each(|(gain, s)| *gain *= s);
            scaled_and_shifted(bias, scale, shift);
        }
        Kind::Affine { scale: first, shift: bias } => {
            first.iter_mut().zip(scale).for_each(|(first, s)| *first *= s);
            scaled_and_shifted(bias, scale, shift);
        }
        Kind::Embedding(table) => {
            (0..table.rows()).for_each(|row| scaled_and_shifted(table.row_mut(row), scale, shift));
        }
        Kind::Recurrent(_) | Kind::Sru(_) | Kind::Pointwise(_) => return false,
    }
    true
}

/// Whether `kind` could take what stands before it.
fn ahead(kind: &mut Kind, scale: &[f32], shift: &[f32]) -> bool {
    match kind {
        Kind::Linear { weight, bias } => absorb(weight, bias, scale, shift),
        Kind::Affine { scale: second, shift: bias } => {
            for (((second, bias), &s), &t) in second.iter_mut().zip(bias).zip(scale).zip(shift) {
                *bias += *second * t;
                *second *= s;
            }
        }
        // Beyond the ends of a sequence there are zeros, which a shift would have had to move.
        Kind::Conv1d(conv) if conv.padding == [0, 0] || shift.iter().all(|&t| t == 0.0) => {
            absorb(&mut conv.weight, &mut conv.bias, &scale.repeat(conv.kernel), &shift.repeat(conv.kernel));
        }
        Kind::Recurrent(Unit { cell, directions, .. }) if !matches!(cell, Cell::Qrnn(_)) => {
            for direction in directions {
                absorb(&mut direction.input, &mut direction.input_bias, scale, shift);
            }
        }
        _ => return false,
    }
    true
}

fn scaled_and_shifted(values: &mut [f32], scale: &[f32], shift: &[f32]) {
    for ((value, &s), &t) in values.iter_mut().zip(scale).zip(shift) {
        *value = *value * s + t;
    }
}

fn scale_columns(weight: &mut Matrix, scale: &[f32]) {
    for row in 0..weight.rows() {
        weight.row_mut(row).iter_mut().zip(scale).for_each(|(value, s)| *value *= s);
    }
}

/// (x ⊙ s + t)·W + b = x·(diag(s)·W) + (t·W + b), the sum in 64 bits.
fn absorb(weight: &mut Matrix, bias: &mut [f32], scale: &[f32], shift: &[f32]) {
    let mut sums: Vec<f64> = bias.iter().copied().map(f64::from).collect();
    for (row, (&s, &t)) in scale.iter().zip(shift).enumerate() {
        for (value, sum) in weight.row_mut(row).iter_mut().zip(&mut sums) {
            *sum += f64::from(t) * f64::from(*value);
            *value *= s;
        }
    }
    bias.iter_mut().zip(sums).for_each(|(bias, sum)| *bias = sum as f32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Pointwise;

    fn affine() -> Imported {
        Imported::new("bn", Kind::Affine { scale: vec![2.0, 3.0], shift: vec![0.5, -1.0] })
    }

    fn linear() -> Imported {
        let weight = Matrix::from_rows(2, 2, vec![1.0, 2.0, 3.0, 4.0]);
        Imported::new("fc", Kind::Linear { weight, bias: vec![1.0, 1.0] })
    }

    fn folded(layers: Vec<Imported>) -> Result<Vec<Imported>, ImportError> {
        let mut model = Model { input: 2, layers, pooling: None, dropped: None, layout: None, notes: Vec::new() };
        fold(&mut model).map(|()| model.layers)
    }

    fn numbers(layer: &Imported) -> (&[f32], &[f32]) {
        let Kind::Linear { weight, bias } = &layer.kind else { panic!("{:?}", layer.kind) };
        (weight.data(), bias)
    }

    #[test]
    fn a_matrix_before_takes_it_into_its_columns() {
        let layers = folded(vec![linear(), affine()]).expect("a matrix before");
        assert_eq!(numbers(&layers[0]), (&[2.0, 6.0, 6.0, 12.0][..], &[2.5, 2.0][..]));
        assert_eq!(layers[0].notes, ["`bn` folded in"]);
    }

    #[test]
    fn a_matrix_behind_takes_it_into_its_rows() {
        let layers = folded(vec![affine(), linear()]).expect("a matrix behind");
        // t·W = 0.5·[1, 2] − [3, 4]
        assert_eq!(numbers(&layers[0]), (&[2.0, 4.0, 9.0, 12.0][..], &[-1.5, -2.0][..]));
    }

    #[test]
    fn two_in_a_row_are_one() {
        let layers = folded(vec![affine(), affine(), linear()]).expect("a matrix behind");
        assert_eq!(layers.len(), 1);
        // x ↦ (2x + 0.5)·2 + 0.5, (3x − 1)·3 − 1
        assert_eq!(numbers(&layers[0]), (&[4.0, 8.0, 27.0, 36.0][..], &[1.0 + 1.5 - 12.0, 1.0 + 3.0 - 16.0][..]));
    }

    #[test]
    fn where_nothing_can_take_it_up_it_is_refused() {
        let relu = || Imported::new("act", Kind::Pointwise(Pointwise::Relu));
        let message = folded(vec![relu(), affine(), relu()]).expect_err("a refusal").to_string();
        assert_eq!(
            message,
            "layer `bn`: a scale and a shift between `act` (relu) and `act` (relu), neither of which can take it up"
        );
        let conv = Convolution { weight: Matrix::zeros(6, 1), bias: vec![0.0], kernel: 3, stride: 1, padding: [1, 1] };
        let message =
            folded(vec![affine(), Imported::new("conv", Kind::Conv1d(conv))]).expect_err("padded").to_string();
        assert!(message.contains("between nothing and `conv` (conv1d)"), "{message}");
    }
}
