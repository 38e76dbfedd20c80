//! How much of objective space a set of points dominates, up to a reference point: one number for a whole front.
//!
//! Exact for two and three objectives. In the plane the union of boxes is a staircase, kept sorted; a new point adds
//! the part of its box above the steps it passes. In space the points are swept by the third objective and the
//! staircase of the first two is what each slab is filled with (Fonseca, Paquete and López-Ibáñez 2006, in its simple
//! form with a sorted vector). [`Hypervolume`] takes points one at a time and tells what each of them added, which is
//! what a curve of progress over evaluations needs.
//!
//! Points that are not better than the reference in every objective dominate nothing.

use crate::{Error, Points, points, sort::dominates};

/// The volume dominated by `points` and bounded by `reference`, in the product of the objectives' units.
///
/// # Errors
/// [`Error::HypervolumeDimension`] unless there are 2 or 3 objectives, [`Error::Coordinate`] for a reference that is
/// not finite, [`Error::Dimension`] if the points have another dimension than the reference.
pub fn hypervolume(points: &Points, reference: &[f64]) -> Result<f64, Error> {
    let empty = Hypervolume::new(reference)?;
    if points.dimension() != reference.len() {
        return Err(Error::Dimension { point: 0, expected: reference.len(), got: points.dimension() });
    }
    Ok(match empty.covered {
        Covered::Plane(mut stairs) => points.iter().map(|point| stairs.add(point[0], point[1])).sum(),
        Covered::Space { corner, .. } => volume(points.iter().map(|point| [point[0], point[1], point[2]]), corner),
    })
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

#[derive(Clone, Debug)]
enum Covered {
    Plane(Staircase),
    /// `front`: the points none of which dominates another, and all of them better than `corner`.
    Space {
        corner: [f64; 3],
        front: Vec<[f64; 3]>,
    },
}

impl Hypervolume {
    /// Nothing dominated yet. `reference`: the worst corner, one coordinate an objective.
    ///
    /// # Errors
    /// [`Error::HypervolumeDimension`] unless there are 2 or 3 objectives, [`Error::Coordinate`] for a reference that
    /// is not finite.
    pub fn new(reference: &[f64]) -> Result<Self, Error> {
        points::check(reference, reference.len(), 0)?;
        let covered = match *reference {
            [x, y] => Covered::Plane(Staircase::new(x, y)),
            [x, y, z] => Covered::Space { corner: [x, y, z], front: Vec::new() },
            _ => return Err(Error::HypervolumeDimension { got: reference.len() }),
        };
        Ok(Self { reference: reference.to_vec(), covered, value: 0.0, added: 0 })
    }

    /// Adds a point and returns by how much the volume grew: 0 if others dominate it or it is beyond the reference.
    ///
    /// # Errors
    /// [`Error::Dimension`] or [`Error::Coordinate`], where the point is counted from the first one added.
    pub fn add(&mut self, point: &[f64]) -> Result<f64, Error> {
        points::check(point, self.reference.len(), self.added)?;
        self.added += 1;
        let gain = match &mut self.covered {
            Covered::Plane(stairs) => stairs.add(point[0], point[1]),
            Covered::Space { corner, front } => extend(front, [point[0], point[1], point[2]], *corner),
        };
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

/// The union of boxes from points to a corner in the plane, as the points of its steps: `x` ascending, `y` descending.
#[derive(Clone, Debug)]
struct Staircase {
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

/// Sweeps the points by their third coordinate; between two of them the section is the staircase of those passed.
fn volume(points: impl Iterator<Item = [f64; 3]>, corner: [f64; 3]) -> f64 {
    let mut order: Vec<[f64; 3]> = points.filter(|point| point[2] < corner[2]).collect();
    order.sort_unstable_by(|a, b| a[2].total_cmp(&b[2]).then(a[0].total_cmp(&b[0])).then(a[1].total_cmp(&b[1])));
    let mut stairs = Staircase::new(corner[0], corner[1]);
    let (mut volume, mut area) = (0.0, 0.0);
    for (index, point) in order.iter().enumerate() {
        area += stairs.add(point[0], point[1]);
        let next = order.get(index + 1).map_or(corner[2], |next| next[2]);
        volume += area * (next - point[2]);
    }
    volume
}

/// Adds `point` to `front` and returns what its box holds beyond the boxes there: its own volume less that of the front
/// moved into the box (While, Bradstreet and Barone 2012, "exclusive hypervolume").
fn extend(front: &mut Vec<[f64; 3]>, point: [f64; 3], corner: [f64; 3]) -> f64 {
    let outside = point.iter().zip(&corner).any(|(coordinate, worst)| coordinate >= worst);
    if outside || front.iter().any(|other| other == &point || dominates(other, &point)) {
        return 0.0;
    }
    let moved = front.iter().map(|other| core::array::from_fn(|axis| other[axis].max(point[axis])));
    let own: f64 = point.iter().zip(&corner).map(|(coordinate, worst)| worst - coordinate).product();
    let gain = own - volume(moved, corner);
    front.retain(|other| !dominates(&point, other));
    front.push(point);
    // Two nearly equal volumes may differ by rounding in the wrong direction.
    gain.max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIDE: usize = 7;

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
        (2usize..=3).prop_flat_map(|dimension| {
            let point = prop::collection::vec((0..=SIDE).prop_map(|value| value as f64), dimension);
            (Just(dimension), prop::collection::vec(point, 0..20))
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
            rows in prop::collection::vec(prop::array::uniform3(-1.0f64..1.0), 0..30)
        ) {
            let mut progress = Hypervolume::new(&[0.9; 3]).unwrap();
            for row in &rows {
                progress.add(row).unwrap();
            }
            let points = Points::from_rows(3, &rows).unwrap();
            let at_once = hypervolume(&points, &[0.9; 3]).unwrap();
            // 30 sums of at most 30 terms below 8, each rounded to 2⁻⁵³: far below 1e-12.
            prop_assert!((progress.value() - at_once).abs() < 1e-12);
        }
    }

    #[test]
    fn points_beyond_the_reference_dominate_nothing() {
        let points = Points::from_rows(2, [[1.0, 0.0], [0.0, 2.0], [2.0, -5.0]]).unwrap();
        assert_eq!(hypervolume(&points, &[1.0, 1.0]), Ok(0.0));
    }

    #[test]
    fn other_dimensions_are_refused() {
        let points = Points::from_rows(4, [[0.0; 4]]).unwrap();
        assert_eq!(hypervolume(&points, &[1.0; 4]), Err(Error::HypervolumeDimension { got: 4 }));
        assert_eq!(hypervolume(&points, &[1.0; 3]), Err(Error::Dimension { point: 0, expected: 3, got: 4 }));
        assert_eq!(Hypervolume::new(&[1.0]).unwrap_err(), Error::HypervolumeDimension { got: 1 });
        let nan = Hypervolume::new(&[1.0, f64::NAN]).unwrap_err();
        assert!(matches!(nan, Error::Coordinate { axis: 1, .. }));
    }
}
