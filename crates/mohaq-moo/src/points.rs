//! Checked points in objective space: same dimension, finite, no negative zero.
//!
//! Sorting, crowding and hypervolume take [`Points`] so that they need no error path and no rule for numbers that are
//! not: comparing two coordinates always has an answer.

use crate::Error;

/// A list of points of one dimension, every coordinate finite. Smaller is better in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    dimension: usize,
    values: Vec<f64>,
}

impl Points {
    /// An empty list of points with `dimension` coordinates.
    ///
    /// # Errors
    /// [`Error::NoCoordinates`] for dimension 0.
    pub fn new(dimension: usize) -> Result<Self, Error> {
        if dimension == 0 { Err(Error::NoCoordinates) } else { Ok(Self { dimension, values: Vec::new() }) }
    }

    /// The points in `rows`, in order.
    ///
    /// # Errors
    /// As [`Points::new`] and [`Points::push`].
    pub fn from_rows<R: AsRef<[f64]>>(dimension: usize, rows: impl IntoIterator<Item = R>) -> Result<Self, Error> {
        let mut points = Self::new(dimension)?;
        for row in rows {
            points.push(row.as_ref())?;
        }
        Ok(points)
    }

    /// Points that were checked when they were recorded.
    pub(crate) fn recorded<'a>(rows: impl Iterator<Item = &'a [f64]>) -> Self {
        let mut points = Self { dimension: 1, values: Vec::new() };
        for row in rows {
            points.dimension = row.len();
            points.values.extend(row.iter().map(|&value| canonical(value)));
        }
        points
    }

    /// Adds a point at the end.
    ///
    /// # Errors
    /// [`Error::Dimension`] or [`Error::Coordinate`]; the list is then as before.
    pub fn push(&mut self, point: &[f64]) -> Result<(), Error> {
        check(point, self.dimension, self.len())?;
        self.values.extend(point.iter().map(|&value| canonical(value)));
        Ok(())
    }

    /// Coordinates of each point.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// True without points.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The points in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.dimension)
    }

    /// The points with the given indices, in the order of the indices.
    ///
    /// # Panics
    /// If an index is not below [`Points::len`].
    pub fn subset(&self, indices: &[usize]) -> Self {
        let values = indices.iter().flat_map(|&index| self[index].iter().copied()).collect();
        Self { dimension: self.dimension, values }
    }

    /// The least and the largest value of every coordinate.
    pub(crate) fn ranges(&self) -> Vec<(f64, f64)> {
        let axis = |axis: usize| {
            let values = || self.iter().map(move |point| point[axis]);
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
        };
        (0..self.dimension()).map(axis).collect()
    }

    /// The points with each coordinate moved from its range (least, largest) to 0…1; to 0 where the range is empty.
    pub(crate) fn scaled(&self, ranges: &[(f64, f64)]) -> Self {
        let scale = |(value, &(least, largest)): (&f64, &(f64, f64))| {
            if largest > least { (value - least) / (largest - least) } else { 0.0 }
        };
        let values = self.iter().flat_map(|point| point.iter().zip(ranges).map(scale)).collect();
        Self { dimension: self.dimension, values }
    }
}

impl core::ops::Index<usize> for Points {
    type Output = [f64];

    fn index(&self, point: usize) -> &[f64] {
        &self.values[point * self.dimension..(point + 1) * self.dimension]
    }
}

/// Turns −0 into +0: the total order of floats, by which points are sorted, tells them apart.
fn canonical(value: f64) -> f64 {
    value + 0.0
}

/// Checks one point, named `point` in the error.
pub(crate) fn check(coordinates: &[f64], dimension: usize, point: usize) -> Result<(), Error> {
    if coordinates.len() != dimension {
        return Err(Error::Dimension { point, expected: dimension, got: coordinates.len() });
    }
    match coordinates.iter().position(|coordinate| !coordinate.is_finite()) {
        Some(axis) => Err(Error::Coordinate { point, axis, got: coordinates[axis] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_points_are_refused_by_name() {
        let none: [&[f64]; 0] = [];
        assert_eq!(Points::from_rows(0, none), Err(Error::NoCoordinates));
        let rows: [&[f64]; 2] = [&[1.0, 2.0], &[1.0]];
        assert_eq!(Points::from_rows(2, rows), Err(Error::Dimension { point: 1, expected: 2, got: 1 }));
        let infinite = Points::from_rows(2, [[1.0, f64::INFINITY]]);
        assert_eq!(infinite, Err(Error::Coordinate { point: 0, axis: 1, got: f64::INFINITY }));
        let nan = Points::from_rows(2, [[f64::NAN, 0.0]]).unwrap_err();
        assert_eq!(nan.to_string(), "point 0: coordinate 0 is NaN, expected a finite number");
    }

    #[test]
    fn negative_zero_becomes_zero() {
        let points = Points::from_rows(1, [[-0.0]]).unwrap();
        assert!(points[0][0].is_sign_positive());
    }
}
