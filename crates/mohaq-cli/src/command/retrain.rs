//! `retrain`: a network retrained at given precisions, before and after, and how far it reaches.

use super::{Context, stages};
use crate::args::RetrainArgs;
use crate::output;
use anyhow::Result;
use mohaq::quant::QuantSpec;
use mohaq::run::{self, BANDS, Bench, MeasuredSpec, Retrained, Session};
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
    let bench = Bench::new(&bank, &trained, data.development(), session.plan.recipe.search.cache_mib)?;
    let specs = stages::specs(&args.bits, bench.workload.sites.len())?;
    let all = run::retrained(&session, &data, &bench, &specs, args.neighbours)?;
    if context.json {
        let reach: Vec<Value> = all.iter().map(|retrained| reach(retrained).map(|row| row.json()).collect()).collect();
        let float = json!({ "valid": trained.valid_percent(), "test": trained.test_percent() });
        return Ok(output::line(&json!({ "float": float, "retrained": all, "reach": reach }).to_string())?);
    }
    stages::print_float(&trained)?;
    for retrained in &all {
        print(retrained)?;
    }
    Ok(())
}

fn print(retrained: &Retrained) -> Result<()> {
    let Retrained { before, after, epochs, seconds, file, .. } = retrained;
    output::line(&format!("\n{}", output::compact(&before.bits)))?;
    let row = |name: &str, measured: &MeasuredSpec| {
        vec![name.to_owned(), format!("{:.2}", measured.valid_percent), format!("{:.2}", measured.test_percent)]
    };
    output::table(&["", "valid %", "test %"], &[row("before", before), row("after", after)])?;
    let frames = epochs.iter().map(|epoch| format!("{:.2}", 100.0 * epoch.valid_error)).collect::<Vec<_>>().join(", ");
    output::line(&format!("frame error on the validation set after each epoch: {frames} %; {seconds:.1} s"))?;
    let rows: Vec<Vec<String>> = reach(retrained).map(|row| row.cells()).collect();
    if !retrained.neighbours.is_empty() {
        output::table(
            &["distance", "neighbours", "own valid %", "borrowed", "own test %", "borrowed", "helped"],
            &rows,
        )?;
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
            valid: [mean(&|n| n.own.valid_percent), mean(&|n| n.borrowed.valid_percent)],
            test: [mean(&|n| n.own.test_percent), mean(&|n| n.borrowed.test_percent)],
            helped: near.iter().filter(|n| n.borrowed.valid_percent < n.own.valid_percent).count(),
        }
    })
}

impl Reach {
    fn cells(&self) -> Vec<String> {
        let [first, last] = self.band;
        let percent = |x: f64| if x.is_nan() { "-".to_owned() } else { format!("{x:.2}") };
        let mut cells = vec![format!("{first} to {last}"), self.count.to_string()];
        cells.extend(self.valid.into_iter().chain(self.test).map(percent));
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
