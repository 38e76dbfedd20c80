//! The engine's loops, one thread: products by widths and whole recurrent layers in multiply-accumulates a second, the
//! recurrence alone in units through a frame, and streams frame by frame.
//!
//! Shapes are those of the paper's network. Before anything is timed, the outputs of the machine's best level are compared
//! with the scalar definition.

use divan::Bencher;
use divan::counter::ItemsCount;
use mohaq_rt::cell::{Factor, Highway, SruCell};
use mohaq_rt::engine::{Engine, Scratch, arrangement, sru_arrangement};
use mohaq_rt::numeric::{Q16, Requantizer};
use mohaq_rt::panel::Panels;
use mohaq_rt::parameters::{LayerParameters, SiteParameters, SruParameters};
use mohaq_rt::{Bits, Level};
use std::sync::Arc;

const FRAMES: usize = 300;

fn main() {
    divan::main();
}

/// Numbers without a pattern.
struct Noise(u64);

impl Noise {
    /// About a triangle over all of `bits`, as weights and activations are.
    fn code(&mut self, bits: Bits) -> i16 {
        let mut uniform = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as i32 % (bits.max() + 1)
        };
        ((uniform() - uniform()) as i16).clamp(bits.min() as i16, bits.max() as i16)
    }

    fn codes(&mut self, bits: Bits, count: usize) -> Vec<i16> {
        (0..count).map(|_| self.code(bits)).collect()
    }
}

fn ratio(value: f64) -> Requantizer {
    Requantizer::new(value).expect("a good ratio")
}

fn site(
    [inputs, columns]: [usize; 2],
    [weight, activation]: [Bits; 2],
    lanes: &[Option<usize>],
    parts: usize,
) -> SiteParameters<Arc<Panels>> {
    // A weight of 16 bits is rarely near its format's end; one in eight of the range is what Q1.14 gives in practice.
    let codes: Vec<i16> = Noise(7).codes(weight, inputs * columns);
    let codes: Vec<i16> = codes.into_iter().map(|code| if weight == Bits::Sixteen { code / 8 } else { code }).collect();
    let family = Level::detect().family(weight, activation, inputs);
    let panels = Panels::pack(&codes, columns, weight, family, lanes).expect("good codes");
    SiteParameters {
        inputs,
        columns,
        weight,
        activation,
        input: ratio(if activation == Bits::Sixteen { 0.125 } else { f64::from(activation.max()) / 16_384.0 }),
        outputs: vec![ratio(64.0 / f64::from(weight.max().min(512)) / f64::from(activation.max().min(2048))); parts],
        biases: Vec::new(),
        weights: Arc::new(panels),
    }
}

fn engine(level: Level, inputs: usize, layer: &LayerParameters<Arc<Panels>>) -> Engine {
    Engine::new(level, inputs, vec![layer.clone()]).expect("a layer whose parts fit")
}

/// Times `layer` over [`FRAMES`] frames and counts `items` a run.
fn time(bencher: Bencher<'_, '_>, inputs: usize, layer: &LayerParameters<Arc<Panels>>, items: usize) {
    let codes = Noise(1).codes(Bits::Sixteen, FRAMES * inputs);
    let starts = [0, FRAMES];
    let (best, scalar) = (engine(Level::detect(), inputs, layer), engine(Level::Scalar, inputs, layer));
    let mut scratch = Scratch::default();
    assert_eq!(best.run(&codes, &starts, &mut scratch), scalar.run(&codes, &starts, &mut scratch));
    bencher.counter(ItemsCount::new(items)).bench_local(|| best.run(&codes, &starts, &mut scratch));
}

const WIDTHS: [&str; 8] = ["2x2", "4x4", "4x8", "8x4", "8x8", "8x16", "16x8", "16x16"];

fn widths(text: &str) -> [Bits; 2] {
    let (weight, activation) = text.split_once('x').expect("weight x activation");
    [weight, activation].map(|bits| Bits::new(bits.parse().expect("digits")).expect("2, 4, 8 or 16"))
}

/// Items are multiply-accumulates.
#[divan::bench(args = WIDTHS)]
fn output_layer(bencher: Bencher<'_, '_>, text: &str) {
    let shape = [1100, 1904];
    let layer = LayerParameters::Linear(site(shape, widths(text), &arrangement(shape[1]), 1));
    time(bencher, shape[0], &layer, FRAMES * shape[0] * shape[1]);
}

fn recurrent(inputs: usize, text: &str) -> LayerParameters<Arc<Panels>> {
    recurrent_of([inputs, 550, 2], text)
}

fn recurrent_of([inputs, hidden, directions]: [usize; 3], text: &str) -> LayerParameters<Arc<Panels>> {
    let columns = 3 * directions * hidden;
    let format = Q16::new(12).expect("a format");
    let vector = SruCell::vector_format(1.0, format).expect("a format");
    LayerParameters::Sru(SruParameters {
        hidden,
        directions,
        cell: SruCell::new(vector, format, Q16::new(11).expect("a format")).expect("formats that go together"),
        highway: if inputs == directions * hidden {
            Highway::Input(Factor::new(1.3, format, format).expect("a good factor"))
        } else {
            Highway::None
        },
        norm: None,
        projection: None,
        sites: vec![site([inputs, columns], widths(text), &sru_arrangement(hidden, directions, 3), 3)],
        vectors: Noise(3).codes(Bits::Eight, 2 * directions * hidden),
    })
}

/// Items are multiply-accumulates.
#[divan::bench(args = WIDTHS)]
fn recurrent_layer(bencher: Bencher<'_, '_>, text: &str) {
    time(bencher, 256, &recurrent(256, text), FRAMES * 256 * 3300);
}

/// A product of four inputs is as good as none. Items are units through a frame.
#[divan::bench]
fn recurrence(bencher: Bencher<'_, '_>) {
    time(bencher, 4, &recurrent(4, "4x8"), FRAMES * 1100);
}

/// A frame through a stack of simple recurrent units, 40 inputs and two layers of 256 units in one direction.
#[divan::bench(args = ["4x8", "8x8", "16x16"])]
fn stream(bencher: Bencher<'_, '_>, text: &str) {
    let layers = vec![recurrent_of([40, 256, 1], text), recurrent_of([256, 256, 1], text)];
    let [best, scalar] = [Level::detect(), Level::Scalar]
        .map(|level| Engine::new(level, 40, layers.clone()).expect("layers whose parts fit"));
    let frame = Noise(5).codes(Bits::Sixteen, 40);
    let mut outputs = [vec![0; 256], vec![0; 256]];
    let [mut fast, mut slow] = [&best, &scalar].map(|engine| engine.stream().expect("one direction"));
    for _ in 0..3 {
        best.step(&frame, &mut fast, &mut outputs[0]);
        scalar.step(&frame, &mut slow, &mut outputs[1]);
        assert_eq!(outputs[0], outputs[1]);
    }
    bencher.bench_local(|| best.step(&frame, &mut fast, &mut outputs[0]));
}
