//! `bench table` and `bench search`: strategies of search on measured errors.

use super::Context;
use super::stages::{existing, plan};
use crate::args::{ContestArgs, TableArgs};
use crate::failure::Refusal;
use crate::output;
use anyhow::Result;
use mohaq::benchmark::{Contest, ErrorTable, Range, Standing, Standings, strategies};
use mohaq::eval::Objective;
use mohaq::platform;
use mohaq::quant::Precision;
use mohaq::run::{Bench, Session};

/// `mohaq bench table`
pub(crate) fn table(context: &Context<'_>, args: &TableArgs) -> Result<()> {
    let stage = &args.stage;
    let precisions = precisions(&args.widths, args.tied)?;
    let session = Session::open(plan(&stage.recipe, &stage.overrides)?, existing(stage.existing), context.progress)?;
    let data = session.dataset()?;
    let trained = session.trained(&data, stage.from.as_deref())?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, data.development(), &session.plan.recipe)?;
    let widths = args.widths.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let made_by = format!(
        "mohaq bench table {} --widths {widths}{} --table {}",
        stage.recipe,
        if args.tied { " --tied" } else { "" },
        args.table.display()
    );
    let name = &session.plan.recipe.name;
    let table = ErrorTable::measure(
        name,
        &made_by,
        &bench.valid,
        &bench.workload,
        trained.valid_error(),
        &precisions,
        context.progress,
    )?;
    table.save(&args.table)?;
    Ok(output::line(&format!("{} candidates in {}", table.thousandths.len(), args.table.display()))?)
}

/// `mohaq bench search`
pub(crate) fn search(context: &Context<'_>, args: &ContestArgs) -> Result<()> {
    let platform = platform::load(&args.platform).map_err(mohaq::Error::from)?;
    let contest = Contest {
        platform: &platform,
        objectives: args.objectives.iter().map(|key| objective(key)).collect::<Result<_>>()?,
        methods: args.strategies.clone(),
        seeds: args.seeds.get() as u64,
        evaluations: args.evaluations.get(),
    };
    let mut all = Vec::new();
    for path in &args.tables {
        let standings = strategies(&ErrorTable::load(path)?, &contest)?;
        if !context.json {
            print(&standings)?;
        }
        all.push(standings);
    }
    if context.json {
        output::line(&serde_json::to_string(&all)?)?;
    }
    Ok(())
}

fn objective(key: &str) -> Result<Objective> {
    let message = || format!("`{key}` is no objective");
    let hint = "error, memory, speedup, energy and time are; the chapter on recipes lists all";
    Ok(Objective::from_key(key).ok_or_else(|| Refusal { message: message(), hint })?)
}

fn print(standings: &Standings) -> std::io::Result<()> {
    let Standings { table, candidates, feasible, hypervolume, methods } = standings;
    output::line(&format!(
        "\n{table}: {candidates} candidates, {feasible} of them feasible, hypervolume {hypervolume:.4}"
    ))?;
    let mut heading = vec!["strategy".to_owned()];
    heading.extend(methods[0].after.iter().map(|(count, _)| format!("% after {count}")));
    heading.extend(["evaluations to NSGA-II's end", "behind greedy", "us"].map(str::to_owned));
    let reached = |count: Option<usize>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let row = |method: &Standing| {
        let of = |range: &Range| format!("{:.2} ({:.2}-{:.2})", range.median, range.least, range.most);
        let [median, first, last] = method.reached.map(reached);
        let mut cells = vec![method.method.clone()];
        cells.extend(method.after.iter().map(|(_, range)| of(range)));
        let time = format!("{:.0}", 1e6 * method.seconds_an_evaluation);
        cells.extend([format!("{median} ({first}-{last})"), of(&method.behind_walk), time]);
        cells
    };
    let rows: Vec<Vec<String>> = methods.iter().map(row).collect();
    output::table(&heading.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// Every pair of `widths`, or the equal ones where operands are tied.
fn precisions(widths: &[u32], tied: bool) -> Result<Vec<Precision>> {
    let pairs = widths.iter().flat_map(|w| widths.iter().map(move |a| (w, a)));
    let allowed = pairs.filter(|(w, a)| !tied || w == a);
    Ok(allowed.map(|(w, a)| format!("{w}x{a}").parse().map_err(mohaq::Error::Bits)).collect::<Result<_, _>>()?)
}
