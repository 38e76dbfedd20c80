//! Products, one by one.

use super::{Timing, bank, codes};
use crate::nn::{Network, NetworkDescription, Workload};
use crate::platform::{Platform, Sample, SampleTable, Shape, TablePlatform};
use crate::quant::{Precision, QuantSpec};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_rt::engine::{Layer, Scratch};
use mohaq_rt::{Bits, Level};
use std::collections::BTreeSet;

/// Every precision of the engine.
fn precisions() -> impl Iterator<Item = Precision> {
    Bits::ALL.into_iter().flat_map(|weight| Bits::ALL.map(|activation| Precision::new(weight, activation)))
}

/// The products of `workload`, each shape once.
pub fn shapes_of(workload: &Workload) -> Vec<Shape> {
    let multiplied = workload.sites.iter().filter(|site| site.macs > 0);
    let shape =
        |site: &crate::nn::Site| Shape { inputs: site.inputs, outputs: site.outputs, recurrent: Some(site.recurrent) };
    let shapes: BTreeSet<Shape> = multiplied.map(shape).collect();
    shapes.into_iter().collect()
}

/// Products between which most small networks lie: 8 to 1024 inputs, 8 to 4096 outputs.
pub fn grid() -> Vec<Shape> {
    const INPUTS: [usize; 6] = [8, 32, 64, 128, 256, 1024];
    const OUTPUTS: [usize; 7] = [8, 32, 64, 128, 256, 1024, 4096];
    let pairs = INPUTS.into_iter().flat_map(|inputs| OUTPUTS.map(|outputs| (inputs, outputs)));
    let kinds = |(inputs, outputs)| [false, true].map(|kind| Shape { inputs, outputs, recurrent: Some(kind) });
    pairs.flat_map(kinds).collect()
}

/// What each of `shapes` takes at every precision.
///
/// # Errors
/// [`Error::Stopped`] when the watcher says so; those of calibration, for shapes that no network has.
pub fn products(shapes: &[Shape], timing: &Timing, watch: &dyn Watch) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    watch.begin("measure", shapes.len() as u64, "products");
    for (done, shape) in shapes.iter().enumerate() {
        if watch.stopped() {
            return Err(Error::Stopped);
        }
        let text = format!("input = {}\n[[layers]]\nkind = \"linear\"\noutputs = {}\n", shape.inputs, shape.outputs);
        let network = Network::new(&NetworkDescription::from_toml(&text)?, 1)?;
        let bank = bank(&network, timing)?;
        let codes = codes(&bank, timing);
        for precision in precisions() {
            let engine = bank.engine(&QuantSpec::uniform(precision, 1))?;
            let ns = time(&engine.layers()[0], engine.level(), &codes, shape, timing);
            samples.push(Sample { shape: *shape, precision, ns, pj: None });
        }
        watch.advance(1 + done as u64, &format!("{} to {}", shape.inputs, shape.outputs));
    }
    watch.end(&format!("{} products at {} precisions", shapes.len(), precisions().count()));
    Ok(samples)
}

/// The product of a layer for all frames, in ns a frame: at once, or one after the other.
fn time(layer: &Layer, level: Level, codes: &[i16], shape: &Shape, timing: &Timing) -> f64 {
    let mut scratch = Scratch::default();
    let mut outputs = vec![0; timing.frames * shape.outputs];
    if shape.recurrent != Some(true) {
        return timing.quickest(|| {
            layer.run(level, codes, &[0, timing.frames], &mut outputs, &mut scratch);
        });
    }
    timing.quickest(|| {
        for (codes, outputs) in codes.chunks(shape.inputs).zip(outputs.chunks_mut(shape.outputs)) {
            layer.run(level, codes, &[0, 1], outputs, &mut scratch);
        }
    })
}

/// A platform of this machine from `samples`. What whole networks take beyond their products is spread over their elementwise
/// operations: those of `network`, or where there is none of an LSTM, a GRU and a simple recurrent layer of 256 units.
///
/// # Errors
/// Those of calibration and of the engine.
pub fn table(samples: Vec<Sample>, network: Option<&Network>, timing: &Timing) -> Result<SampleTable> {
    let level = Level::detect().name();
    let source = format!(
        "mohaq platform measure, version {}: integer engine, {level}, one thread, {} frames at once, the quickest of many runs",
        env!("CARGO_PKG_VERSION"),
        timing.frames
    );
    let mut table = SampleTable {
        name: "host".to_owned(),
        title: format!("this machine, {level}, {} frames at once", timing.frames),
        notes: vec![
            "A product was measured with its own weights in the caches; a network that is larger than these takes longer where \
             it is run frame by frame."
                .to_owned(),
        ],
        source,
        elementwise_ns: None,
        samples,
    };
    let platform = TablePlatform::parse(&table.to_toml()?, "host")?;
    let own;
    let networks: &[Network] = match network {
        Some(network) => std::slice::from_ref(network),
        None => {
            own = ["lstm", "gru", "sru"].map(layer_of_256).into_iter().collect::<Result<Vec<_>>>()?;
            &own
        }
    };
    table.elementwise_ns = elementwise_ns(networks, &platform, timing)?;
    Ok(table)
}

fn layer_of_256(kind: &str) -> Result<Network> {
    let text = format!("input = 64\n[[layers]]\nkind = \"{kind}\"\nhidden = 256\n");
    Network::new(&NetworkDescription::from_toml(&text)?, 1)
}

/// Median of what an elementwise operation takes, over `networks` and uniform precisions; `None` without such operations.
fn elementwise_ns(networks: &[Network], platform: &TablePlatform, timing: &Timing) -> Result<Option<f64>> {
    let mut each = Vec::new();
    for network in networks {
        let workload = network.workload();
        let bank = bank(network, timing)?;
        let codes = codes(&bank, timing);
        for precision in precisions() {
            let spec = QuantSpec::uniform(precision, workload.sites.len());
            let Ok(cost) = platform.cost(&workload, &spec) else { continue };
            let products_ns = 1e9 * cost.frame_time_s.unwrap_or(0.0);
            let (engine, mut scratch) = (bank.engine(&spec)?, Scratch::default());
            let ns = timing.quickest(|| {
                engine.run(&codes, &[0, timing.frames], &mut scratch);
            });
            // For a network with a stride, a frame of the output.
            let ns = ns * workload.input_frames as f64;
            each.push((ns - products_ns) / workload.elementwise as f64);
        }
    }
    each.retain(|ns| ns.is_finite());
    each.sort_by(f64::total_cmp);
    // Products that were measured slower than within a network leave nothing.
    Ok(each.get(each.len() / 2).map(|ns| ns.max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Silent;
    use std::time::Duration;

    const QUICK: Timing = Timing { frames: 3, each: Duration::ZERO };

    fn network(kind: &str) -> Network {
        let text = format!(
            "input = 6\n[[layers]]\nkind = \"{kind}\"\nhidden = 20\n[[layers]]\nkind = \"linear\"\noutputs = 20\n"
        );
        Network::new(&NetworkDescription::from_toml(&text).unwrap(), 1).unwrap()
    }

    #[test]
    fn shapes_of_a_network_are_its_products_each_once() {
        let shape = |inputs, outputs, recurrent| Shape { inputs, outputs, recurrent: Some(recurrent) };
        let expected = [shape(6, 80, false), shape(20, 20, false), shape(20, 80, true)];
        assert_eq!(shapes_of(&network("lstm").workload()), expected);
        assert!(grid().len() > 80);
    }

    #[test]
    fn a_measured_network_is_priced_at_every_precision() {
        for kind in ["lstm", "sru"] {
            let network = network(kind);
            let samples = products(&shapes_of(&network.workload()), &QUICK, &Silent).unwrap();
            assert_eq!(samples.len(), 16 * shapes_of(&network.workload()).len());
            let text = table(samples, Some(&network), &QUICK).unwrap().to_toml().unwrap();
            let host = TablePlatform::parse(&text, "host").unwrap();
            let sites = network.workload().sites.len();
            for precision in precisions() {
                let cost = host.cost(&network.workload(), &QuantSpec::uniform(precision, sites)).unwrap();
                assert!(cost.frame_time_s.unwrap() > 0.0, "{kind} {precision}");
            }
        }
    }

    #[test]
    fn a_larger_product_takes_longer() {
        let shape = |inputs| Shape { inputs, outputs: 64, recurrent: Some(true) };
        let samples = products(&[shape(8), shape(1024)], &Timing { frames: 4, ..QUICK }, &Silent).unwrap();
        for (small, large) in samples[..16].iter().zip(&samples[16..]) {
            assert_eq!(small.precision, large.precision);
            assert!(small.ns > 0.0 && large.ns > small.ns, "{small:?} {large:?}");
        }
    }
}
