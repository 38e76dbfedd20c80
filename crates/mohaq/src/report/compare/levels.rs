//! The lowest error at given speedups, compressions, sizes and energies.

use super::{CommonAxis, ComparedRun, Member};
use crate::report::{Direction, Figure, ReportError, Result};
use serde::Serialize;

/// Where errors are compared. `None` takes defaults; levels that are given are all shown, reached or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Levels {
    /// At least so many times faster than the reference. Default: those of 2, 4, 10, 20, 30 and 40 that some run
    /// reaches.
    pub speedup: Option<Vec<f64>>,
    /// At least so many times smaller than all parameters as 32 bit floats. Default: 4, 8, 10.6, 12
    /// and 16.
    pub compression: Option<Vec<f64>>,
    /// At most so many bytes. Default: none.
    pub memory_bytes: Option<Vec<f64>>,
    /// At most so many picojoule a frame. Default: four, evenly spaced over what the fronts span.
    pub energy_pj: Option<Vec<f64>>,
}

/// Speedups at which the published fronts are read, and smaller ones for platforms that go no further.
const SPEEDUPS: [f64; 6] = [2.0, 4.0, 10.0, 20.0, 30.0, 40.0];

/// Compressions at which the published fronts are read; 10.6 is 2 MiB of the published network.
const COMPRESSIONS: [f64; 5] = [4.0, 8.0, 10.6, 12.0, 16.0];

/// Steps between the lowest and the highest energy of all fronts.
const ENERGY_STEPS: u32 = 4;

/// Errors at levels of one quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelTable {
    /// Key of the quantity among the common axes.
    pub key: String,
    /// Heading of the quantity.
    pub label: String,
    /// Unit of the levels, see [`Figure::show`].
    pub unit: String,
    /// `max`: a level is the least allowed. `min`: it is the most.
    pub direction: Direction,
    /// A row a level.
    pub rows: Vec<LevelRow>,
}

impl LevelTable {
    /// A level of the table for people: `≥ 10.60×`, `≤ 120 nJ`.
    pub fn level(&self, row: &LevelRow) -> String {
        let sign = match self.direction {
            Direction::Minimize => "≤",
            Direction::Maximize => "≥",
        };
        format!("{sign} {}", Figure::from(row.level).show(&self.unit))
    }
}

/// One level, a cell a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelRow {
    /// The level.
    pub level: f64,
    /// The best that each run has there.
    pub cells: Vec<LevelCell>,
}

/// The member of a front with the lowest validation error among those that keep a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LevelCell {
    /// Its number; `None` where no member keeps the level.
    pub id: Option<u64>,
    /// Its error on the validation set.
    pub valid_error: Figure,
    /// Its error on the test set.
    pub test_error: Figure,
}

impl Levels {
    /// Refuses levels that no front could be read at.
    pub(super) fn check(&self) -> Result<()> {
        let given = [
            ("speedup", &self.speedup),
            ("compression", &self.compression),
            ("size", &self.memory_bytes),
            ("energy", &self.energy_pj),
        ];
        let wrong = |level: &f64| !(*level > 0.0 && level.is_finite());
        for (what, levels) in given {
            if let Some(&got) = levels.iter().flatten().find(|level| wrong(level)) {
                return Err(ReportError::Level { what, got });
            }
        }
        Ok(())
    }
}

/// The tables of the quantities that all runs have.
///
/// Where all runs searched for the published speedup, that is the speedup compared; elsewhere it is the ratio of times.
pub(super) fn tables(runs: &[ComparedRun], axes: &[CommonAxis], levels: &Levels) -> Vec<LevelTable> {
    let position = |key: &str| axes.iter().position(|axis| axis.key == key);
    let published = position("speedup_paper").filter(|&index| axes[index].searched);
    let quantities = [
        (published.or_else(|| position("speedup")), &levels.speedup, Unasked::Reached(&SPEEDUPS)),
        (position("compression"), &levels.compression, Unasked::Fixed(&COMPRESSIONS)),
        (position("memory"), &levels.memory_bytes, Unasked::Fixed(&[])),
        (position("energy"), &levels.energy_pj, Unasked::Spanned),
    ];
    let table = |(axis, given, default): (Option<usize>, &Option<Vec<f64>>, Unasked)| {
        let axis = axis?;
        let levels = given.clone().unwrap_or_else(|| default.levels(runs, axes, axis));
        (!levels.is_empty()).then(|| read(runs, axes, axis, &levels))
    };
    quantities.into_iter().filter_map(table).collect()
}

/// Levels that nobody asked for.
#[derive(Clone, Copy)]
enum Unasked {
    /// These.
    Fixed(&'static [f64]),
    /// Those of these that some run reaches.
    Reached(&'static [f64]),
    /// Evenly spaced over what the fronts span.
    Spanned,
}

impl Unasked {
    fn levels(self, runs: &[ComparedRun], axes: &[CommonAxis], axis: usize) -> Vec<f64> {
        let values = || runs.iter().flat_map(|run| &run.front).filter_map(|member| member.values[axis].get());
        match self {
            Self::Fixed(levels) => levels.to_vec(),
            Self::Reached(levels) => {
                let reached = |level: &f64| values().any(|value| keeps(axes[axis].direction, value, *level));
                levels.iter().copied().filter(reached).collect()
            }
            Self::Spanned => {
                let Some((low, high)) = values().map(|value| (value, value)).reduce(wider) else { return Vec::new() };
                let step = (high - low) / f64::from(ENERGY_STEPS);
                (1..=ENERGY_STEPS).map(|k| if k == ENERGY_STEPS { high } else { low + step * f64::from(k) }).collect()
            }
        }
    }
}

fn wider((low, high): (f64, f64), (next_low, next_high): (f64, f64)) -> (f64, f64) {
    (low.min(next_low), high.max(next_high))
}

fn keeps(direction: Direction, value: f64, level: f64) -> bool {
    !direction.better(level, value)
}

fn read(runs: &[ComparedRun], axes: &[CommonAxis], axis: usize, levels: &[f64]) -> LevelTable {
    let CommonAxis { key, label, unit, direction, .. } = axes[axis].clone();
    let cell = |run: &ComparedRun, level: f64| {
        let fits = |member: &&Member| member.values[axis].get().is_some_and(|value| keeps(direction, value, level));
        // The front rises in validation error: the first that fits has the lowest.
        let best = run.front.iter().find(|member| fits(member) && member.valid_error.get().is_some());
        best.map_or_else(LevelCell::default, |member| LevelCell {
            id: Some(member.id),
            valid_error: member.valid_error,
            test_error: member.test_error,
        })
    };
    let row = |&level: &f64| LevelRow { level, cells: runs.iter().map(|run| cell(run, level)).collect() };
    LevelTable { rows: levels.iter().map(row).collect(), key, label, unit, direction }
}
