//! Constants made from constants: what an exporter left to be computed.

use super::constant::{Constant, Numbers};
use super::length::Length;

/// Where numbers of an array of `shape` go when its axes are put in the order `order`.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

impl Constant {
    /// An array of `shape` whose element at each index is taken from the one that `at` says, in row-major order.
    fn taken(&self, shape: Vec<usize>, at: impl Iterator<Item = usize>) -> Self {
        let numbers = match &self.numbers {
            Numbers::Floats(values) => Numbers::Floats(at.map(|index| values[index]).collect()),
            Numbers::Integers(values) => Numbers::Integers(at.map(|index| values[index]).collect()),
        };
        Self { shape, numbers }
    }

    /// An array of `shape`, element `index` of which is element Σ `steps[i] · index[i] + start` of this one.
    fn strided(&self, shape: Vec<usize>, start: usize, steps: &[isize]) -> Self {
        let count = shape.iter().product();
        let inner = strides(&shape);
        let along: Vec<_> = inner.into_iter().zip(shape.iter().copied()).zip(steps).collect();
        let place = |index: usize| {
            let moved = along.iter().map(|&((stride, length), &step)| (index / stride % length) as isize * step);
            start.wrapping_add_signed(moved.sum())
        };
        self.taken(shape, (0..count).map(place))
    }

    pub(super) fn transposed(&self, order: &[usize]) -> Self {
        let steps = strides(&self.shape);
        let shape = order.iter().map(|&axis| self.shape[axis]).collect();
        let steps: Vec<isize> = order.iter().map(|&axis| steps[axis] as isize).collect();
        self.strided(shape, 0, &steps)
    }

    /// Elements `start`, `start + step`, … along `axis`, `count` of them.
    pub(super) fn sliced(&self, axis: usize, start: usize, step: isize, count: usize) -> Self {
        let own = strides(&self.shape);
        let mut shape = self.shape.clone();
        shape[axis] = count;
        let steps: Vec<isize> =
            own.iter().enumerate().map(|(at, &stride)| stride as isize * if at == axis { step } else { 1 }).collect();
        self.strided(shape, start * own[axis], &steps)
    }

    /// The elements along `axis` at `places`, an array of shape `shape`, each below the axis' length.
    pub(super) fn gathered(&self, axis: usize, shape: &[usize], places: &[usize]) -> Self {
        let outer: usize = self.shape[..axis].iter().product();
        let inner: usize = self.shape[axis + 1..].iter().product();
        let made = [&self.shape[..axis], shape, &self.shape[axis + 1..]].concat();
        let length = self.shape[axis];
        let at = (0..outer)
            .flat_map(|block| places.iter().map(move |&place| (block * length + place) * inner))
            .flat_map(|first| first..first + inner);
        self.taken(made, at)
    }

    /// `parts` one after the other along `axis`; `None` where their shapes or types do not go together.
    pub(super) fn joined(parts: &[&Self], axis: usize) -> Option<Self> {
        let first = *parts.first()?;
        let rest = |constant: &Self| {
            let mut shape = constant.shape.clone();
            (axis < shape.len()).then(|| shape.remove(axis))?;
            Some(shape)
        };
        let wanted = rest(first)?;
        if parts.iter().any(|part| rest(part).as_ref() != Some(&wanted)) {
            return None;
        }
        let mut shape = first.shape.clone();
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        let outer: usize = shape[..axis].iter().product();
        let inner: usize = shape[axis + 1..].iter().product();
        let numbers = match first.numbers {
            Numbers::Floats(_) => Numbers::Floats(interleaved(parts, outer, inner, axis, Self::floats)?),
            Numbers::Integers(_) => Numbers::Integers(interleaved(parts, outer, inner, axis, Self::integers)?),
        };
        Some(Self { shape, numbers })
    }

    /// The same numbers in another shape of as many.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> Option<Self> {
        let count = shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length))?;
        (count == self.numbers.len()).then(|| Self { shape, numbers: self.numbers.clone() })
    }

    pub(super) fn floats(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::Floats(values) => Some(values),
            Numbers::Integers(_) => None,
        }
    }

    pub(super) fn integers(&self) -> Option<&[i64]> {
        match &self.numbers {
            Numbers::Integers(values) => Some(values),
            Numbers::Floats(_) => None,
        }
    }

    /// The shape that both stretch to, and each operand's element at every index of it; `None` where they do not go together.
    pub(super) fn broadcast(a: &Self, b: &Self) -> Option<Vec<usize>> {
        let rank = a.shape.len().max(b.shape.len());
        let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
        (0..rank)
            .map(|axis| match (length(&a.shape, axis), length(&b.shape, axis)) {
                (a, b) if a == b || b == 1 => Some(a),
                (1, b) => Some(b),
                _ => None,
            })
            .collect()
    }

    /// Stretched to `shape`, as [`broadcast`](Self::broadcast) found it.
    pub(super) fn stretched(&self, shape: &[usize]) -> Self {
        let own = strides(&self.shape);
        let missing = shape.len() - self.shape.len();
        let step = |axis: usize| match axis.checked_sub(missing) {
            Some(at) if self.shape[at] > 1 => own[at] as isize,
            _ => 0,
        };
        let steps: Vec<isize> = (0..shape.len()).map(step).collect();
        self.strided(shape.to_vec(), 0, &steps)
    }
}

fn interleaved<T: Copy>(
    parts: &[&Constant],
    outer: usize,
    inner: usize,
    axis: usize,
    numbers: impl Fn(&Constant) -> Option<&[T]>,
) -> Option<Vec<T>> {
    let all: Option<Vec<_>> = parts.iter().map(|part| Some((numbers(part)?, part.shape[axis] * inner))).collect();
    let all = all?;
    Some(
        (0..outer)
            .flat_map(|block| all.iter().flat_map(move |&(values, run)| &values[block * run..][..run]))
            .copied()
            .collect(),
    )
}

/// The operators between two numbers that exporters leave.
pub(super) fn operate(operator: &str, a: &Constant, b: &Constant, shape: &[usize]) -> Option<Constant> {
    let (a, b) = (a.stretched(shape), b.stretched(shape));
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::Floats(a), Numbers::Floats(b)) => {
            let function: fn(f32, f32) -> f32 = match operator {
                "Add" => |a, b| a + b,
                "Sub" => |a, b| a - b,
                "Mul" => |a, b| a * b,
                "Div" => |a, b| a / b,
                _ => return None,
            };
            Numbers::Floats(a.iter().zip(b).map(|(&a, &b)| function(a, b)).collect())
        }
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            let function = |(&a, &b): (&i64, &i64)| match operator {
                "Add" => a.checked_add(b),
                "Sub" => a.checked_sub(b),
                "Mul" => a.checked_mul(b),
                "Div" => a.checked_div(b),
                _ => None,
            };
            Numbers::Integers(a.iter().zip(b).map(function).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Constant { shape: shape.to_vec(), numbers })
}

/// Which elements of an axis `length` long a slice from `start` to `end` in steps of `step` takes: the first, and how many.
///
/// Negative places count from the end; all are brought into the axis, as ONNX has it.
pub(super) fn slice(length: usize, start: i64, end: i64, step: i64) -> (usize, usize) {
    let length = length as i64;
    let place = |at: i64, low: i64, high: i64| (if at < 0 { at.saturating_add(length) } else { at }).clamp(low, high);
    let (start, count) = if step > 0 {
        let (start, end) = (place(start, 0, length), place(end, 0, length));
        (start, (end - start).max(0).div_euclid(step) + i64::from((end - start).max(0).rem_euclid(step) != 0))
    } else {
        let (start, end) = (place(start, -1, length - 1), place(end, -1, length - 1));
        let (span, step) = ((start - end).max(0), step.saturating_neg());
        (start, span.div_euclid(step) + i64::from(span.rem_euclid(step) != 0))
    };
    (start.max(0) as usize, count as usize)
}

/// Lengths in a constant vector or scalar of integers.
pub(super) fn lengths(constant: &Constant) -> Option<Vec<Length>> {
    let integers = constant.integers()?;
    (constant.shape.len() <= 1).then(|| integers.iter().copied().map(Length::known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Constant {
        let count: usize = shape.iter().product();
        Constant { shape: shape.to_vec(), numbers: Numbers::Integers((0..count as i64).collect()) }
    }

    fn numbers(constant: &Constant) -> &[i64] {
        constant.integers().expect("integers")
    }

    #[test]
    fn axes_change_places_and_are_cut_and_joined() {
        let a = counted(&[2, 3]);
        assert_eq!(numbers(&a.transposed(&[1, 0])), [0, 3, 1, 4, 2, 5]);
        assert_eq!(numbers(&a.sliced(1, 1, 1, 2)), [1, 2, 4, 5]);
        assert_eq!(numbers(&a.sliced(0, 1, -1, 2)), [3, 4, 5, 0, 1, 2]);
        assert_eq!(numbers(&a.gathered(1, &[2], &[2, 0])), [2, 0, 5, 3]);
        assert_eq!(a.gathered(0, &[], &[1]).shape, [3]);
        let joined = Constant::joined(&[&a, &a], 1).expect("of one shape");
        assert_eq!(
            (joined.shape.as_slice(), numbers(&joined)),
            (&[2, 6][..], &[0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5][..])
        );
        assert_eq!(Constant::joined(&[&a, &counted(&[2])], 0), None);
        assert_eq!(a.reshaped(vec![4]), None);
    }

    #[test]
    fn operands_stretch() {
        let (a, b) = (counted(&[2, 1]), counted(&[3]));
        let shape = Constant::broadcast(&a, &b).expect("they go together");
        let sum = operate("Add", &a, &b, &shape).expect("integers");
        assert_eq!((sum.shape.as_slice(), numbers(&sum)), (&[2, 3][..], &[0, 1, 2, 1, 2, 3][..]));
        assert_eq!(operate("Div", &a, &counted(&[1]), &[2, 1]), None, "division by zero");
        assert_eq!(Constant::broadcast(&counted(&[2]), &b), None);
    }

    #[test]
    fn slices_are_numpys() {
        assert_eq!(slice(5, 0, i64::MAX, 1), (0, 5));
        assert_eq!(slice(5, -1, i64::MAX, 1), (4, 1));
        assert_eq!(slice(5, 1, -1, 2), (1, 2));
        assert_eq!(slice(5, -1, i64::MIN, -1), (4, 5));
        assert_eq!(slice(5, 4, 1, -2), (4, 2));
        assert_eq!(slice(0, 0, 3, 1), (0, 0));
        assert_eq!(slice(5, 9, 9, i64::MIN), (4, 0));
    }
}
