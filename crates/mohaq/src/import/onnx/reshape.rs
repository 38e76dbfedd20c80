//! Reshapes of the data: axes are split and merged along their factors, never through one.

use super::length::Length;
use super::value::{Axis, Factor};

/// The axes of `axes` in the shape `target`, where −1 is what is left, and 0 the length that stands there, if `zeros_copy`.
///
/// # Errors
/// Where an axis of `target` would split a factor, or is not known.
pub(super) fn reshaped(axes: &[Axis], target: &[Length], zeros_copy: bool) -> Result<Vec<Axis>, String> {
    let wanted: Vec<Wanted> =
        target.iter().enumerate().map(|(at, length)| wanted(axes, at, length, zeros_copy)).collect::<Result<_, _>>()?;
    let mut factors: Vec<Factor> = axes.iter().flat_map(|axis| axis.0.clone()).collect();
    let open = wanted.iter().position(|length| *length == Wanted::Rest);
    let (before, behind) = match open {
        Some(at) => (&wanted[..at], &wanted[at + 1..]),
        None => (&wanted[..], &[][..]),
    };
    if behind.contains(&Wanted::Rest) {
        return Err("two open lengths".into());
    }
    let first: Vec<Axis> = before.iter().map(|length| take(&mut factors, length, false)).collect::<Result<_, _>>()?;
    let mut last: Vec<Axis> =
        behind.iter().rev().map(|length| take(&mut factors, length, true)).collect::<Result<_, _>>()?;
    last.reverse();
    let mut made = first;
    if open.is_some() {
        made.push(Axis(factors));
    } else if factors.iter().any(|factor| factor.length.value() != Some(1)) {
        return Err("another number of values".into());
    }
    made.extend(last);
    Ok(made)
}

/// What an axis of the target is to be.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Length(Length),
    Rest,
}

fn wanted(axes: &[Axis], at: usize, length: &Length, zeros_copy: bool) -> Result<Wanted, String> {
    Ok(match (length, length.value()) {
        (Length::Unknown, _) => return Err("a length that cannot be known before there is data".into()),
        (_, Some(-1)) => Wanted::Rest,
        (_, Some(0)) if zeros_copy => {
            let axis = axes.get(at).ok_or("a 0 where there is no axis")?;
            Wanted::Length(axis.length())
        }
        (length, _) => Wanted::Length(length.clone()),
    })
}

/// Takes factors whose product is `wanted` off one end of `factors`.
fn take(factors: &mut Vec<Factor>, wanted: &Wanted, from_the_end: bool) -> Result<Axis, String> {
    let Wanted::Length(wanted) = wanted else { return Err("two open lengths".into()) };
    let end = |factors: &Vec<Factor>| {
        if from_the_end { factors.len().checked_sub(1) } else { (!factors.is_empty()).then_some(0) }
    };
    let mut taken = Vec::new();
    let mut length = Length::known(1);
    if *wanted == length {
        // An axis of length 1 that has a meaning keeps it, where it can.
        let one = end(factors).filter(|&at| factors[at].length == length);
        taken.extend(one.map(|at| factors.remove(at)));
    }
    while length != *wanted {
        let at = end(factors).ok_or("another number of values")?;
        let factor = factors.remove(at);
        length = length.times(&factor.length);
        taken.push(factor);
        if length.value().zip(wanted.value()).is_some_and(|(length, wanted)| length > wanted) {
            return Err(format!("length {wanted} splits an axis of the data"));
        }
    }
    if from_the_end {
        taken.reverse();
    }
    Ok(Axis(taken))
}

#[cfg(test)]
mod tests {
    use super::super::value::Meaning;
    use super::*;

    fn axis(meaning: Meaning, length: Length) -> Axis {
        Axis::one(meaning, length)
    }

    /// `[time, batch, directions, features]`, time and batch open.
    fn frames() -> Vec<Axis> {
        vec![
            axis(Meaning::Input(0), Length::symbol(0)),
            axis(Meaning::Input(1), Length::symbol(1)),
            axis(Meaning::Direction, Length::known(2)),
            axis(Meaning::Feature, Length::known(24)),
        ]
    }

    fn known(lengths: &[i64]) -> Vec<Length> {
        lengths.iter().copied().map(Length::known).collect()
    }

    #[test]
    fn directions_and_features_become_one_axis() {
        let made = reshaped(&frames(), &known(&[0, 0, -1]), true).expect("as PyTorch writes it");
        let lengths: Vec<String> = made.iter().map(|axis| axis.length().to_string()).collect();
        assert_eq!(lengths, ["n0", "n1", "48"]);
        assert_eq!(reshaped(&frames(), &known(&[0, -1, 48]), true), Ok(made));
    }

    #[test]
    fn frames_become_one_axis_and_come_apart_again() {
        let flat = reshaped(&frames(), &known(&[-1, 48]), true).expect("as Keras writes it");
        assert_eq!(flat[0].length(), Length::symbol(0).times(&Length::symbol(1)));
        let target = [Length::symbol(0), Length::symbol(1), Length::known(2), Length::known(24)];
        assert_eq!(reshaped(&flat, &target, true), Ok(frames()));
    }

    #[test]
    fn what_would_split_a_factor_is_refused() {
        let split = reshaped(&frames(), &known(&[0, 0, 4, 12]), true);
        assert_eq!(split, Err("length 4 splits an axis of the data".to_owned()));
        assert!(reshaped(&frames(), &known(&[-1, -1]), true).is_err());
        assert!(reshaped(&frames(), &known(&[0, 0, 2]), true).is_err());
        assert!(reshaped(&frames(), &[Length::Unknown], true).is_err());
    }

    #[test]
    fn a_batch_of_one_keeps_its_meaning() {
        let axes = vec![
            axis(Meaning::Input(0), Length::known(17)),
            axis(Meaning::Input(1), Length::known(1)),
            axis(Meaning::Feature, Length::known(24)),
        ];
        assert_eq!(reshaped(&axes, &known(&[17, 1, 24]), true), Ok(axes.clone()));
    }
}
