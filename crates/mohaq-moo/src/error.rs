//! What a caller can get wrong: each variant says what was expected, what came, and where.

/// Why an input was refused. Nothing was changed by the call that returns it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A space without genes has nothing to search.
    #[error("space has 0 genes, expected at least 1")]
    NoGenes,
    /// A gene without levels can take no value.
    #[error("space: gene {gene} has 0 levels, expected at least 1")]
    NoLevels {
        /// Which gene.
        gene: usize,
    },
    /// A genome of another length than its space.
    #[error("genome has {got} genes, expected {expected}")]
    GeneCount {
        /// Genes of the space.
        expected: usize,
        /// Genes of the genome.
        got: usize,
    },
    /// A gene above its last level.
    #[error("genome: gene {gene} is {got}, expected a level below {levels}")]
    Level {
        /// Which gene.
        gene: usize,
        /// Levels of that gene.
        levels: u16,
        /// The value it has.
        got: u16,
    },
    /// A setting out of its range.
    #[error("setting `{name}` is {got}, expected {expected}")]
    Setting {
        /// Field of the configuration.
        name: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// The value it has.
        got: f64,
    },
    /// A genome given or recorded twice.
    #[error("genome {genes:?} is given twice, expected each once")]
    Duplicate {
        /// The genome's genes.
        genes: Vec<u16>,
    },
    /// More first individuals than the population holds.
    #[error("{got} first individuals are given, expected at most the population of {population}")]
    TooManySeeds {
        /// Size of the population.
        population: usize,
        /// Genomes given.
        got: usize,
    },
    /// First individuals given to a search that has already been told scores.
    #[error("first individuals are given after {evaluations} evaluations, expected before the first")]
    SeedsTooLate {
        /// Evaluations told so far.
        evaluations: usize,
    },
    /// Not one score for each genome of the batch.
    #[error("{got} scores are told, expected one for each of the {expected} genomes asked")]
    ScoreCount {
        /// Genomes in the batch.
        expected: usize,
        /// Scores told.
        got: usize,
    },
    /// A score with another number of objectives than the first one told.
    #[error("score {candidate}: {got} objectives, expected {expected}")]
    ObjectiveCount {
        /// Position in the batch.
        candidate: usize,
        /// Objectives of the scores before.
        expected: usize,
        /// Objectives of this one.
        got: usize,
    },
    /// A feasible score whose objective is infinite or not a number.
    #[error("score {candidate}: objective {objective} is {got}, expected a finite number as the violation is 0")]
    Objective {
        /// Position in the batch.
        candidate: usize,
        /// Which objective.
        objective: usize,
        /// The value it has.
        got: f64,
    },
    /// A violation that is negative, infinite or not a number.
    #[error("score {candidate}: violation is {got}, expected a finite number of at least 0")]
    Violation {
        /// Position in the batch.
        candidate: usize,
        /// The value it has.
        got: f64,
    },
    /// Points without coordinates.
    #[error("points have 0 coordinates, expected at least 1")]
    NoCoordinates,
    /// A point of another dimension than the rest.
    #[error("point {point}: {got} coordinates, expected {expected}")]
    Dimension {
        /// Which point.
        point: usize,
        /// Coordinates of the others.
        expected: usize,
        /// Coordinates of this one.
        got: usize,
    },
    /// A coordinate that is infinite or not a number.
    #[error("point {point}: coordinate {axis} is {got}, expected a finite number")]
    Coordinate {
        /// Which point.
        point: usize,
        /// Which coordinate.
        axis: usize,
        /// The value it has.
        got: f64,
    },
    /// A hypervolume of a dimension that has no exact algorithm here.
    #[error("hypervolume of {got} objectives, expected at least 2")]
    HypervolumeDimension {
        /// Coordinates of the reference point.
        got: usize,
    },
}
