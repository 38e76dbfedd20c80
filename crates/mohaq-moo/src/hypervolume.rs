//! How much of objective space a set of points dominates, up to a reference point: one number for a whole front.
//!
//! Exact for any number of objectives from two on; meant for two to four. In the plane the union of boxes is a staircase,
//! kept sorted; a new point adds the part of its box above the steps it passes. From three objectives on the points are
//! swept by the last one, and what the others dominate, a volume of one dimension less, is what each slab is filled with
//! (Fonseca, Paquete and López-Ibáñez 2006; for three objectives in its simple form with a sorted vector).
//! [`Hypervolume`] takes points one at a time and tells what each of them added, which is what a curve of progress over
//! evaluations needs: the volume of the new box less that of the others moved into it (While, Bradstreet and Barone 2012,
//! "exclusive hypervolume"). With `n` points on the front that costs `n log n` for three objectives and `n² log n` for
//! four; all at once costs the same for three and `n³ log n` for four.
//!
//! Points that are not better than the reference in every objective dominate nothing.

use crate::{Error, Points, points, sort::dominates};

/// The volume dominated by `points` and bounded by `reference`, in the product of the objectives' units.
///
/// # Errors
/// [`Error::HypervolumeDimension`] for fewer than 2 objectives, [`Error::Coordinate`] for a reference that is not finite,
/// [`Error::Dimension`] if the points have another dimension than the reference.
pub fn hypervolume(points: &Points, reference: &[f64]) -> Result<f64, Error> {
    check(reference)?;
    if points.dimension() != reference.len() {
        return Err(Error::Dimension { point: 0, expected: reference.len(), got: points.dimension() });
    }
    Ok(dominated(points, reference))
}

/// The volume dominated by `points` and bounded by `corner`: as many coordinates as the points have, two at least.
pub(crate) fn dominated(points: &Points, corner: &[f64]) -> f64 {
    match Covered::new(corner) {
        Covered::Plane(mut stairs) => points.iter().map(|point| stairs.add(point[0], point[1])).sum(),
        Covered::Space(boxes) => volume(points, &boxes.corner),
    }
}

/// Refuses a reference that is none.
fn check(reference: &[f64]) -> Result<(), Error> {
    points::check(reference, reference.len(), 0)?;
    if reference.len() < 2 { Err(Error::HypervolumeDimension { got: reference.len() }) } else { Ok(()) }
}

/// The dominated volume of the points added so far.
///
/// ```
/// let mut progress = mohaq_moo::Hypervolume::new(&[1.0, 1.0])?;
/// assert_eq!(progress.add(&[0.5, 0.5])?, 0.25);
/// assert_eq!(progress.add(&[0.75, 0.75])?, 0.0); // dominated
/// assert_eq!(progress.add(&[0.25, 0.5])?, 0.125);
/// assert_eq!(progress.value(), 0.375);
/// # Ok::<(), mohaq_moo::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Hypervolume {
    reference: Vec<f64>,
    covered: Covered,
    value: f64,
    added: usize,
}

/// What a set of points dominates.
#[derive(Clone, Debug)]
pub(crate) enum Covered {
    Plane(Staircase),
    Space(Boxes),
}

impl Hypervolume {
    /// Nothing dominated yet. `reference`: the worst corner, one coordinate an objective.
    ///
    /// # Errors
    /// [`Error::HypervolumeDimension`] for fewer than 2 objectives, [`Error::Coordinate`] for a reference that is not
    /// finite.
    pub fn new(reference: &[f64]) -> Result<Self, Error> {
        check(reference)?;
        Ok(Self { reference: reference.to_vec(), covered: Covered::new(reference), value: 0.0, added: 0 })
    }

    /// Adds a point and returns by how much the volume grew: 0 if others dominate it or it is beyond the reference.
    ///
    /// # Errors
    /// [`Error::Dimension`] or [`Error::Coordinate`], where the point is counted from the first one added.
    pub fn add(&mut self, point: &[f64]) -> Result<f64, Error> {
        points::check(point, self.reference.len(), self.added)?;
        self.added += 1;
        let gain = self.covered.add(point);
        self.value += gain;
        Ok(gain)
    }

    /// The volume dominated so far.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The worst corner.
    pub fn reference(&self) -> &[f64] {
        &self.reference
    }
}

impl Covered {
    /// Nothing. `corner`: two coordinates at least.
    pub(crate) fn new(corner: &[f64]) -> Self {
        match *corner {
            [x, y] => Self::Plane(Staircase::new(x, y)),
            _ => Self::Space(Boxes { corner: corner.to_vec(), front: Vec::new() }),
        }
    }

    /// Adds a point and returns what it gained.
    pub(crate) fn add(&mut self, point: &[f64]) -> f64 {
        match self {
            Self::Plane(stairs) => stairs.add(point[0], point[1]),
            Self::Space(boxes) => boxes.add(point),
        }
    }
}

/// The union of boxes from points to a corner in the plane, as the points of its steps: `x` ascending, `y` descending.
#[derive(Clone, Debug)]
pub(crate) struct Staircase {
    corner: [f64; 2],
    steps: Vec<[f64; 2]>,
}

impl Staircase {
    fn new(x: f64, y: f64) -> Self {
        Self { corner: [x, y], steps: Vec::new() }
    }

    /// Adds a point, drops the steps it dominates, returns the area gained.
    fn add(&mut self, x: f64, y: f64) -> f64 {
        let [right, top] = self.corner;
        if x >= right || y >= top {
            return 0.0;
        }
        let begin = self.steps.partition_point(|step| step[0] < x);
        let ceiling = begin.checked_sub(1).map_or(top, |before| self.steps[before][1]);
        // A step at the same x and no higher leaves nothing to gain either; it is met below only if it is higher.
        if ceiling <= y || self.steps.get(begin).is_some_and(|step| step[0] == x && step[1] <= y) {
            return 0.0;
        }
        let end = begin + self.steps[begin..].partition_point(|step| step[1] >= y);
        let (mut gain, mut from, mut height) = (0.0, x, ceiling);
        for step in &self.steps[begin..end] {
            gain += (step[0] - from) * (height - y);
            (from, height) = (step[0], step[1]);
        }
        let to = self.steps.get(end).map_or(right, |step| step[0]);
        gain += (to - from) * (height - y);
        self.steps.splice(begin..end, [[x, y]]);
        gain
    }
}

/// The union of boxes from points to a corner in three or more dimensions.
#[derive(Clone, Debug)]
pub(crate) struct Boxes {
    corner: Vec<f64>,
    /// Points one after another, none of which dominates another, and all of them better than `corner`.
    front: Vec<f64>,
}

impl Boxes {
    /// Adds a point, drops what it dominates, returns what its box holds beyond the others: its own volume less that of the
    /// others moved into it.
    fn add(&mut self, point: &[f64]) -> f64 {
        let dimension = self.corner.len();
        let outside = point.iter().zip(&self.corner).any(|(coordinate, worst)| coordinate >= worst);
        let others = || self.front.chunks_exact(dimension);
        if outside || others().any(|other| other == point || dominates(other, point)) {
            return 0.0;
        }
        let moved: Vec<f64> =
            self.front.iter().zip(point.iter().cycle()).map(|(other, coordinate)| other.max(*coordinate)).collect();
        let own: f64 = point.iter().zip(&self.corner).map(|(coordinate, worst)| worst - coordinate).product();
        let gain = own - volume(&Points::recorded(moved.chunks_exact(dimension)), &self.corner);
        self.front = others().filter(|other| !dominates(point, other)).flatten().copied().collect();
        self.front.extend_from_slice(point);
        // Two nearly equal volumes may differ by rounding in the wrong direction.
        gain.max(0.0)
    }
}

/// Sweeps the points by their last coordinate; between two of them the section is what those passed dominate in the
/// others. `corner`: three coordinates at least.
fn volume(points: &Points, corner: &[f64]) -> f64 {
    let last = corner.len() - 1;
    let mut order: Vec<&[f64]> = points.iter().filter(|point| point[last] < corner[last]).collect();
    let by_rest = |a: &[f64], b: &[f64]| {
        let unequal = a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
        unequal.unwrap_or(core::cmp::Ordering::Equal)
    };
    order.sort_unstable_by(|a, b| a[last].total_cmp(&b[last]).then_with(|| by_rest(a, b)));
    let mut section = Covered::new(&corner[..last]);
    let (mut volume, mut area) = (0.0, 0.0);
    for (index, point) in order.iter().enumerate() {
        area += section.add(&point[..last]);
        let next = order.get(index + 1).map_or(corner[last], |next| next[last]);
        volume += area * (next - point[last]);
    }
    volume
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIDE: usize = 5;

    /// Counts the unit cells of the grid `0..SIDE` that some point dominates: exact for points on the grid.
    fn cells(points: &[Vec<f64>], dimension: usize) -> f64 {
        let count = SIDE.pow(dimension as u32);
        let covered = |cell: usize| {
            let corner = |axis: u32| (cell / SIDE.pow(axis) % SIDE) as f64;
            points.iter().any(|point| (0..).zip(point).all(|(axis, &value)| value <= corner(axis)))
        };
        (0..count).filter(|&cell| covered(cell)).count() as f64
    }

    fn grid() -> impl Strategy<Value = (usize, Vec<Vec<f64>>)> {
        (2usize..=5).prop_flat_map(|dimension| {
            let point = prop::collection::vec((0..=SIDE).prop_map(|value| value as f64), dimension);
            (Just(dimension), prop::collection::vec(point, 0..12))
        })
    }

    proptest! {
        // On integers every sum is exact, so the comparisons are too.
        #[test]
        fn volume_is_the_number_of_cells_dominated((dimension, rows) in grid()) {
            let points = Points::from_rows(dimension, &rows).unwrap();
            let volume = hypervolume(&points, &vec![SIDE as f64; dimension]).unwrap();
            prop_assert_eq!(volume, cells(&rows, dimension));
        }

        #[test]
        fn each_point_gains_what_the_cells_gain((dimension, rows) in grid()) {
            let mut progress = Hypervolume::new(&vec![SIDE as f64; dimension]).unwrap();
            for count in 1..=rows.len() {
                let gain = progress.add(&rows[count - 1]).unwrap();
                prop_assert_eq!(gain, cells(&rows[..count], dimension) - cells(&rows[..count - 1], dimension));
                prop_assert_eq!(progress.value(), cells(&rows[..count], dimension));
            }
        }

        #[test]
        fn adding_points_one_by_one_equals_adding_them_at_once(
            (dimension, rows) in (3usize..=4).prop_flat_map(|dimension| {
                (Just(dimension), prop::collection::vec(prop::collection::vec(-1.0f64..1.0, dimension), 0..30))
            })
        ) {
            let reference = vec![0.9; dimension];
            let mut progress = Hypervolume::new(&reference).unwrap();
            for row in &rows {
                progress.add(row).unwrap();
            }
            let points = Points::from_rows(dimension, &rows).unwrap();
            let at_once = hypervolume(&points, &reference).unwrap();
            // 30 sums of at most 900 terms below 16, each rounded to 2⁻⁵³ of it: below 1e-10.
            prop_assert!((progress.value() - at_once).abs() < 1e-10);
        }

        #[test]
        fn volume_is_that_of_inclusion_and_exclusion(
            (dimension, rows) in (2usize..=4).prop_flat_map(|dimension| {
                (Just(dimension), prop::collection::vec(prop::collection::vec(0.0f64..1.2, dimension), 0..9))
            })
        ) {
            let points = Points::from_rows(dimension, &rows).unwrap();
            let volume = hypervolume(&points, &vec![1.0; dimension]).unwrap();
            // 256 terms of at most 1, each of a few roundings to 2⁻⁵³.
            prop_assert!((volume - inclusion_exclusion(&rows, dimension)).abs() < 1e-12);
        }
    }

    /// By the definition: volumes of all intersections of boxes up to (1, 1, …), with alternating signs.
    fn inclusion_exclusion(rows: &[Vec<f64>], dimension: usize) -> f64 {
        let subset = |members: usize| {
            let of = || (0..rows.len()).filter(|row| members >> row & 1 == 1);
            let side = |axis| 1.0 - of().map(|row| rows[row][axis]).fold(0.0, f64::max);
            let sign = if of().count() % 2 == 1 { 1.0 } else { -1.0 };
            sign * (0..dimension).map(|axis| side(axis).max(0.0)).product::<f64>()
        };
        (1..1 << rows.len()).map(subset).sum()
    }

    #[test]
    fn points_beyond_the_reference_dominate_nothing() {
        let points = Points::from_rows(2, [[1.0, 0.0], [0.0, 2.0], [2.0, -5.0]]).unwrap();
        assert_eq!(hypervolume(&points, &[1.0, 1.0]), Ok(0.0));
    }

    #[test]
    fn other_dimensions_are_refused() {
        let points = Points::from_rows(4, [[0.0; 4]]).unwrap();
        assert_eq!(hypervolume(&points, &[1.0]), Err(Error::HypervolumeDimension { got: 1 }));
        assert_eq!(hypervolume(&points, &[1.0; 3]), Err(Error::Dimension { point: 0, expected: 3, got: 4 }));
        assert_eq!(Hypervolume::new(&[1.0]).unwrap_err(), Error::HypervolumeDimension { got: 1 });
        let nan = Hypervolume::new(&[1.0, f64::NAN]).unwrap_err();
        assert!(matches!(nan, Error::Coordinate { axis: 1, .. }));
    }
}
