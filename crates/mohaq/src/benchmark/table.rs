//! Errors of every candidate of a small space, measured once: a search on it takes no network and no time.
//!
//! A table is one JSON file: what a frame costs the network, the precisions that every site may take, and the error of every
//! choice of them. Strategies of search are compared on it as they would be on the network, error by error the same.

use crate::eval::IntegerJudge;
use crate::nn::Workload;
use crate::quant::{Precision, QuantSpec};
use crate::search::PrecisionSpace;
use crate::watch::Watch;
use crate::{Error, Result, atomic};
use mohaq_moo::Genome;
use mohaq_speech::metric::Metric;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Candidates that a table has at most: what is measured in an hour and fits a file that is read in a moment.
const LARGEST: f64 = 1e6;

/// Candidates that are measured between two looks at the clock. Seemed reasonable.
const AT_ONCE: usize = 243;

/// The error of every candidate of a space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorTable {
    /// What it is a table of.
    pub name: String,
    /// The command that made it.
    pub made_by: String,
    /// What errors are measured in.
    pub metric: Metric,
    /// Error of the float network.
    pub float_error: f64,
    /// What a frame costs the network.
    pub workload: Workload,
    /// Weight×activation bits that every site may take.
    pub precisions: Vec<String>,
    /// Errors of all candidates in thousandths of the metric's unit, in lexicographic order of their genomes.
    pub thousandths: Vec<i64>,
}

impl ErrorTable {
    /// Measures every candidate that `precisions` allow the network of `judge`.
    ///
    /// # Errors
    /// [`Error::Benchmark`] for a space of more than a million candidates; [`Error::Stopped`] when `watch` says so; errors of
    /// the judge.
    pub fn measure(
        name: &str,
        made_by: &str,
        judge: &IntegerJudge<'_>,
        workload: &Workload,
        float_error: f64,
        precisions: &[Precision],
        watch: &dyn Watch,
    ) -> Result<Self> {
        let space = PrecisionSpace::among(workload, precisions);
        if space.candidates() > LARGEST {
            let reason = format!("{} candidates, expected at most {LARGEST}", space.candidates());
            return Err(Error::Benchmark { reason });
        }
        let levels = Vec::from(space.genes()?);
        let specs: Vec<QuantSpec> = genomes(&levels).map(|genome| space.decode(&genome)).collect();
        watch.begin("table", specs.len() as u64, "candidates");
        let mut thousandths = Vec::with_capacity(specs.len());
        for some in specs.chunks(AT_ONCE) {
            let errors = judge.errors_of_all(some, watch)?;
            let in_thousandths = |error: f64| (1000.0 * error).round() as i64;
            thousandths.extend(errors.iter().map(|errors| in_thousandths(judge.judge().worst_error(errors))));
            watch.advance(thousandths.len() as u64, "");
        }
        watch.end(&format!("{} candidates", thousandths.len()));
        Ok(Self {
            name: name.into(),
            made_by: made_by.into(),
            metric: judge.judge().metric(),
            float_error,
            workload: workload.clone(),
            precisions: precisions.iter().map(ToString::to_string).collect(),
            thousandths,
        })
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Record`] for what is no table, or one with another number of errors than its space has
    /// candidates.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        let bad = |reason: String| Error::Record { path: path.into(), reason };
        let table: Self = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let candidates = table.space()?.candidates();
        if table.thousandths.len() as f64 != candidates {
            return Err(bad(format!("{} errors, expected {candidates}", table.thousandths.len())));
        }
        Ok(table)
    }

    /// Writes the table: the errors in one line, everything else indented.
    ///
    /// # Errors
    /// [`Error::Io`].
    ///
    /// # Panics
    /// Never: the keys of a table are strings.
    pub fn save(&self, path: &Path) -> Result<()> {
        let head = Self { thousandths: Vec::new(), ..self.clone() };
        let head = serde_json::to_string_pretty(&head).expect("keys are strings");
        let errors = serde_json::to_string(&self.thousandths).expect("numbers");
        let text = head.replace("\"thousandths\": []", &format!("\"thousandths\": {errors}"));
        atomic::write(path, (text + "\n").as_bytes())
    }

    /// The precisions of a site.
    ///
    /// # Errors
    /// [`Error::Bits`] for what is none.
    pub fn pairs(&self) -> Result<Vec<Precision>> {
        Ok(self.precisions.iter().map(|text| text.parse()).collect::<std::result::Result<_, _>>()?)
    }

    /// The space of its candidates.
    ///
    /// # Errors
    /// Those of [`pairs`](Self::pairs).
    pub fn space(&self) -> Result<PrecisionSpace> {
        Ok(PrecisionSpace::among(&self.workload, &self.pairs()?))
    }

    /// The error of `genome`, in the metric's unit, where genes have `levels`.
    ///
    /// # Panics
    /// When `genome` is not of the table's space.
    pub fn error(&self, levels: &[u16], genome: &Genome) -> f64 {
        let place = genome.0.iter().zip(levels).fold(0, |place, (&gene, &levels)| {
            assert!(gene < levels, "a genome of this space");
            place * usize::from(levels) + usize::from(gene)
        });
        self.thousandths[place] as f64 / 1000.0
    }
}

/// Every genome of genes with `levels`, in lexicographic order.
pub(super) fn genomes(levels: &[u16]) -> impl Iterator<Item = Genome> {
    let count: usize = levels.iter().map(|&levels| usize::from(levels)).product();
    (0..count).map(move |mut place| {
        let mut genes = vec![0; levels.len()];
        for (gene, &levels) in genes.iter_mut().zip(levels).rev() {
            // Below `levels`, which is a u16.
            *gene = (place % usize::from(levels)) as u16;
            place /= usize::from(levels);
        }
        Genome(genes)
    })
}
