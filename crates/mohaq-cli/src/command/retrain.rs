//! `retrain`: a network retrained at given precisions, before and after, and how far it reaches.

use super::{Context, stages};
use crate::args::RetrainArgs;
use crate::output;
use anyhow::Result;
use mohaq::quant::QuantSpec;
use mohaq::run::{self, BANDS, Bench, MeasuredSpec, Retrained, Session, Trained};
use mohaq::speech::metric::Metric;
use serde_json::{Value, json};

/// `mohaq retrain`
pub(crate) fn retrain(context: &Context<'_>, args: &RetrainArgs) -> Result<()> {
    let stage = &args.stage;
    // Before anything is trained: what cannot be read should not cost an hour.
    args.bits.iter().try_for_each(|text| text.parse::<QuantSpec>().map(drop)).map_err(mohaq::Error::from)?;
    let plan = stages::plan(&stage.recipe, &stage.overrides)?;
    let session = Session::open(plan, stages::existing(stage.existing), context.progress)?;
    let data = session.dataset()?;
    let trained = session.trained(&data, stage.from.as_deref())?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, data.development(), &session.plan.recipe)?;
    let specs = stages::specs(&args.bits, bench.workload.sites.len())?;
    let all = run::retrained(&session, &data, &bench, &specs, args.neighbours)?;
    if context.json {
        let reach: Vec<Value> = all.iter().map(|retrained| reach(retrained).map(|row| row.json()).collect()).collect();
        let float = json!({ "valid": trained.valid_error(), "test": trained.test_error() });
        return Ok(output::line(&json!({ "float": float, "retrained": all, "reach": reach }).to_string())?);
    }
    stages::print_float(&trained)?;
    for retrained in &all {
        print(retrained, &trained)?;
    }
    Ok(())
}

fn print(retrained: &Retrained, trained: &Trained) -> Result<()> {
    let metric = trained.metric();
    let Retrained { before, after, epochs, seconds, file, .. } = retrained;
    output::line(&format!("\n{}", output::compact(&before.bits)))?;
    let row = |name: &str, measured: &MeasuredSpec| {
        vec![name.to_owned(), metric.number(measured.valid_error), metric.number(measured.test_error)]
    };
    let [valid, test] = ["valid", "test"].map(|set| metric.headed(set));
    output::table(&["", &valid, &test], &[row("before", before), row("after", after)])?;
    let training = trained.scorer.task().training_metric();
    let errors = epochs.iter().map(|epoch| training.show(training.of_training(epoch.valid_error)));
    let errors = errors.collect::<Vec<_>>().join(", ");
    output::line(&format!("{} on the validation set after each epoch: {errors}; {seconds:.1} s", training.name))?;
    let rows: Vec<Vec<String>> = reach(retrained).map(|row| row.cells(&metric)).collect();
    if !retrained.neighbours.is_empty() {
        let [valid, test] = ["own valid", "own test"].map(|set| metric.headed(set));
        output::table(&["distance", "neighbours", &valid, "borrowed", &test, "borrowed", "helped"], &rows)?;
    }
    Ok(output::line(&format!("kept as {}", file.display()))?)
}

/// What the neighbours of one band gain, in the mean.
struct Reach {
    band: [usize; 2],
    count: usize,
    /// Own and borrowed, validation set.
    valid: [f64; 2],
    /// Own and borrowed, test set.
    test: [f64; 2],
    /// Neighbours with a smaller validation error when they borrow.
    helped: usize,
}

fn reach(retrained: &Retrained) -> impl Iterator<Item = Reach> {
    BANDS.into_iter().map(|band| {
        let near: Vec<_> = retrained.neighbours.iter().filter(|n| (band[0]..=band[1]).contains(&n.distance)).collect();
        let mean = |of: &dyn Fn(&run::Neighbour) -> f64| near.iter().map(|n| of(n)).sum::<f64>() / near.len() as f64;
        Reach {
            band,
            count: near.len(),
            valid: [mean(&|n| n.own.valid_error), mean(&|n| n.borrowed.valid_error)],
            test: [mean(&|n| n.own.test_error), mean(&|n| n.borrowed.test_error)],
            helped: near.iter().filter(|n| n.borrowed.valid_error < n.own.valid_error).count(),
        }
    })
}

impl Reach {
    fn cells(&self, metric: &Metric) -> Vec<String> {
        let [first, last] = self.band;
        let number = |x: f64| if x.is_nan() { "-".to_owned() } else { metric.number(x) };
        let mut cells = vec![format!("{first} to {last}"), self.count.to_string()];
        cells.extend(self.valid.into_iter().chain(self.test).map(number));
        cells.push(format!("{} of {}", self.helped, self.count));
        cells
    }

    fn json(&self) -> Value {
        json!({
            "distance": self.band, "neighbours": self.count, "helped": self.helped,
            "valid_own": self.valid[0], "valid_borrowed": self.valid[1],
            "test_own": self.test[0], "test_borrowed": self.test[1],
        })
    }
}
