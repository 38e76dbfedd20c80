//! Every engine of the project on one case, and the comparers of what they give with what is expected.

use super::case::{Case, Clipped, Expected, Result};
use mohaq::nn::Float;
use mohaq::quant::{Clips, IntegerBank, QuantAware};
use mohaq::train::Arithmetic;
use mohaq_rt::Level;
use mohaq_rt::engine::{Engine, LayerCounts, Scratch};
use mohaq_rt::image::Image;
use mohaq_rt::net::Net;

/// Largest distance of the network in f32 from that in f64, as a share of the largest output. A sum of n products is off
/// by at most n·2⁻²⁴ of the sum of their magnitudes, which with the 600 inputs of the deepest case is 3.6e-5; layers and
/// frames add to it, and a gate damps it.
const FLOAT_SHARE: f64 = 1e-4;

/// An engine for integers on one case.
pub(crate) struct Prepared {
    engine: Engine,
    level: Level,
    /// Codes of the features, `[frames, inputs]`.
    codes: Vec<i16>,
}

impl Prepared {
    /// The engines of `case` for one spec: one a level of this machine, the scalar one first.
    pub(crate) fn every_level(case: &Case, expected: &Expected) -> Result<Vec<Self>> {
        let prepared = |level| {
            let bank = IntegerBank::at_level(&case.network, case.calibration.clone(), level)?;
            let codes = case.batch.features().data().iter().map(|&x| bank.input().code(x).code).collect();
            Ok(Self { engine: bank.engine(&expected.spec)?, level, codes })
        };
        let all: mohaq::Result<_> = Level::available().into_iter().map(prepared).collect();
        all.map_err(|e| format!("{}: {e}", case.place(expected)))
    }

    /// As in a message.
    pub(crate) fn name(&self) -> &'static str {
        self.level.name()
    }

    /// All sequences at once.
    pub(crate) fn batch(&self, case: &Case) -> (Vec<i16>, Vec<LayerCounts>) {
        self.engine.run(&self.codes, case.batch.starts(), &mut Scratch::default())
    }

    /// One sequence after the other, with one scratch for all.
    pub(crate) fn sequences(&self, case: &Case) -> (Vec<i16>, Vec<LayerCounts>) {
        let mut scratch = Scratch::default();
        let (mut outputs, mut counts) = (Vec::new(), vec![LayerCounts::default(); self.engine.layers().len()]);
        for ends in case.batch.starts().windows(2) {
            let codes = &self.codes[ends[0] * self.engine.inputs()..ends[1] * self.engine.inputs()];
            let (values, seen) = self.engine.run(codes, &[0, ends[1] - ends[0]], &mut scratch);
            outputs.extend(values);
            counts.iter_mut().zip(&seen).for_each(|(sum, seen)| sum.merge(seen));
        }
        (outputs, counts)
    }

    /// Frame by frame: what comes out, which behind a convolution with a stride is not every frame; `None` where a layer
    /// needs frames ahead.
    pub(crate) fn frames(&self, case: &Case) -> Option<Vec<i16>> {
        let inputs = self.engine.inputs();
        let (mut outputs, mut output) = (Vec::new(), vec![0; self.engine.outputs()]);
        for ends in case.batch.starts().windows(2) {
            let mut stream = self.engine.stream().ok()?;
            for codes in self.codes[ends[0] * inputs..ends[1] * inputs].chunks(inputs) {
                if self.engine.step(codes, &mut stream, &mut output) {
                    outputs.extend_from_slice(&output);
                }
            }
        }
        Some(outputs)
    }
}

/// A network in the bytes of an image, which is run without an allocator.
pub(crate) struct Shipped {
    bytes: Vec<u8>,
    /// Codes of the features, `[frames, inputs]`.
    codes: Vec<i16>,
}

impl Shipped {
    /// The image of `case` for one spec.
    pub(crate) fn new(case: &Case, expected: &Expected) -> Result<Self> {
        let reason = |e| format!("{}: {e}", case.place(expected));
        let bank = IntegerBank::new(&case.network, case.calibration.clone()).map_err(reason)?;
        let codes = case.batch.features().data().iter().map(|&x| bank.input().code(x).code).collect();
        Ok(Self { bytes: bank.image(&expected.spec).map_err(reason)?, codes })
    }

    fn net(&self) -> Net<'_> {
        Net::new(Image::parse(&self.bytes).expect("our own image"))
    }

    /// All sequences, and how many codes on the way were clipped.
    pub(crate) fn batch(&self, case: &Case) -> (Vec<i16>, u64) {
        let (net, starts) = (self.net(), case.batch.starts());
        let longest = starts.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0);
        let mut arena = vec![0; net.run_arena_len(longest)];
        let mut outputs = vec![0; case.expected[0].codes.len()];
        let count = net.run(&self.codes, starts, &mut arena, &mut outputs).expect("slices of the right lengths");
        (outputs, count.clipped)
    }

    /// Frame by frame, and how many codes were clipped; `None` where a layer needs frames ahead.
    pub(crate) fn frames(&self, case: &Case) -> Option<(Vec<i16>, u64)> {
        let net = self.net();
        let (mut state, mut arena) = (vec![0; net.state_len()?], vec![0; net.arena_len()]);
        let (mut output, mut outputs, mut clipped) = (vec![0; case.network.outputs()], Vec::new(), 0);
        let inputs = case.network.inputs();
        for ends in case.batch.starts().windows(2) {
            net.reset(&mut state).expect("a state of this network");
            for codes in self.codes[ends[0] * inputs..ends[1] * inputs].chunks(inputs) {
                let stepped =
                    net.step(codes, &mut state, &mut arena, &mut output).expect("slices of the right lengths");
                clipped += stepped.count.clipped;
                if stepped.ready {
                    outputs.extend_from_slice(&output);
                }
            }
        }
        Some((outputs, clipped))
    }
}

/// Whether codes are those of the contract: every one.
pub(crate) fn same_codes(case: &Case, expected: &Expected, engine: &str, codes: &[i16]) -> Result<()> {
    let place = case.place(expected);
    if codes.len() != expected.codes.len() {
        return Err(format!("{place}, {engine}: {} codes, expected {}", codes.len(), expected.codes.len()));
    }
    let wrong = |(_, (got, want)): &(usize, (&i16, &i16))| got != want;
    let pairs = codes.iter().zip(&expected.codes).enumerate();
    let count = pairs.clone().filter(wrong).count();
    let Some((index, (got, want))) = pairs.into_iter().find(wrong) else { return Ok(()) };
    let (frame, output) = (index / case.network.outputs(), index % case.network.outputs());
    Err(format!("{place}, {engine}: {got} at frame {frame}, output {output}, expected {want}; {count} codes differ"))
}

/// Whether saturations are those of the contract.
pub(crate) fn same_saturations(case: &Case, expected: &Expected, engine: &str, counts: &[LayerCounts]) -> Result<()> {
    let got: Vec<Clipped> = counts.iter().map(Clipped::from).collect();
    let place = || format!("{}, {engine}", case.place(expected));
    if got == expected.clipped {
        Ok(())
    } else {
        Err(format!("{}: saturations {got:?}, expected {:?}", place(), expected.clipped))
    }
}

/// The largest of some distances; NaN where one is.
fn largest(distances: impl Iterator<Item = f64>) -> f64 {
    distances.fold(0.0, |largest, x| if largest.is_nan() || x <= largest { largest } else { x })
}

/// Whether the network in f32 gives `outputs`, within [`FLOAT_SHARE`].
pub(crate) fn float_agrees(case: &Case, outputs: &[f32]) -> Result<()> {
    let got = case.network.forward(&case.batch, &Float);
    let magnitude = largest(case.outputs.iter().map(|&x| f64::from(x).abs()));
    let pairs = got.data().iter().zip(outputs);
    let distance = largest(pairs.map(|(&got, &want)| (f64::from(got) - f64::from(want)).abs()));
    if got.data().len() == outputs.len() && distance <= FLOAT_SHARE * magnitude {
        return Ok(());
    }
    Err(format!("case `{}`, float: off by {distance} where the largest output is {magnitude}", case.name))
}

/// Largest distance of the fake-quantized network from `expected`, in steps of the output's format.
pub(crate) fn fake_distance(case: &Case, expected: &Expected) -> Result<f64> {
    let reason = |e| format!("{}: {e}", case.place(expected));
    let aware = QuantAware::new(&case.network, case.calibration.clone(), expected.spec.clone(), Clips::Static);
    let aware = aware.map_err(reason)?;
    let format = IntegerBank::new(&case.network, case.calibration.clone()).map_err(reason)?.output();
    let got = aware.run(&case.network).forward(&case.batch, &aware);
    let pairs = got.data().iter().zip(&expected.codes);
    Ok(largest(pairs.map(|(&x, &code)| (f64::from(x) / f64::from(format.scale()) - f64::from(code)).abs())))
}

/// Whether the fake-quantized network is as near as the case says.
pub(crate) fn fake_agrees(case: &Case, expected: &Expected) -> Result<()> {
    let (distance, bound) = (fake_distance(case, expected)?, expected.fake_steps);
    if distance <= bound {
        return Ok(());
    }
    Err(format!("{}, fake-quantized: off by {distance} steps, expected at most {bound}", case.place(expected)))
}
