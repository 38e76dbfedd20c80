//! Images: what is accepted is written again as itself, and runs whatever its numbers are.
//!
//! The first byte says how the rest is used: as a file, as a file whose header is made to agree with it, or as changes to a
//! good image, the only way past a layout that has one place for every byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq_rt::Error;
use mohaq_rt::cell::{CellKind, Factor, Highway, Pointwise, RecurrentCell, SruCell};
use mohaq_rt::engine::{Engine, Scratch};
use mohaq_rt::image::{self, Image, ImageParameters};
use mohaq_rt::net::Net;
use mohaq_rt::norm::Norm;
use mohaq_rt::numeric::{Q16, Requantizer};
use mohaq_rt::parameters::{
    Conv1dParameters, LayerParameters, NormParameters, RecurrentParameters, SiteParameters, SruParameters,
};
use mohaq_rt::{Bits, Level};

/// Codes of buffers up to which a network is run.
const LARGEST: usize = 1 << 14;
/// Sequences of 2, 0 and 1 frames.
const STARTS: [usize; 4] = [0, 2, 2, 3];

fn check(file: &[u8]) {
    let Ok(image) = Image::parse(file) else { return };
    let net = Net::new(image);
    let largest = net.run_arena_len(STARTS[3]).max(image.inputs()).max(image.outputs());
    if largest > LARGEST {
        return;
    }
    assert_eq!(image::write(&image.parameters()).as_deref(), Ok(file));
    let codes: Vec<i16> =
        (0..STARTS[3] * image.inputs()).map(|at| i16::from(file[at % file.len()]) << (at % 9)).collect();
    let frames: usize = STARTS.windows(2).map(|ends| net.output_frames(ends[1] - ends[0])).sum();
    let mut outputs = vec![0; frames * image.outputs()];
    let mut arena = vec![-1; net.run_arena_len(STARTS[3])];
    match net.run(&codes, &STARTS, &mut arena, &mut outputs) {
        Ok(_) => {}
        // A table has not every row.
        Err(Error::Token { .. }) => return,
        Err(error) => panic!("buffers of the right length: {error}"),
    }
    let engine = Engine::from_image(Level::detect(), &image).expect("a small network");
    assert_eq!(engine.run(&codes, &STARTS, &mut Scratch::default()).0, outputs);
    let Some(units) = net.state_len() else { return };
    let (mut state, mut output) = (vec![0; units], vec![0; image.outputs()]);
    net.reset(&mut state).expect("a state of the right length");
    let mut expected = outputs.chunks(image.outputs());
    for frame in 0..2 {
        let codes = &codes[frame * image.inputs()..][..image.inputs()];
        let stepped = net.step(codes, &mut state, &mut arena, &mut output).expect("buffers of the right length");
        if stepped.ready {
            assert_eq!(Some(output.as_slice()), expected.next());
        }
    }
}

fn site(inputs: usize, columns: usize, parts: usize, choice: u8) -> SiteParameters<Vec<i16>> {
    let width = |choice: u8| Bits::ALL[usize::from(choice % 4)];
    let (weight, activation) = (width(choice), width(choice >> 2));
    let requantizer = |ratio| Requantizer::new(ratio).expect("a good ratio");
    let scale = 1.0 / f64::from(weight.max() * activation.max());
    SiteParameters {
        inputs,
        columns,
        weight,
        activation,
        input: requantizer(f64::from(activation.max()) / 32_768.0),
        outputs: vec![requantizer(8192.0 * scale); if choice & 16 == 0 { parts } else { columns }],
        biases: if choice & 32 == 0 { Vec::new() } else { vec![-300; columns] },
        weights: (0..inputs * columns).map(|at| ((at as i16).wrapping_mul(25_867)) >> (16 - weight.count())).collect(),
    }
}

fn norm_of(width: usize) -> NormParameters {
    NormParameters {
        norm: Norm::from_parts(3000, 14).expect("good parts"),
        gain: vec![16_000; width],
        bias: vec![100; width],
    }
}

/// A network of a layer of every kind but a table.
fn network(choices: [u8; 4]) -> ImageParameters {
    let (inputs, directions) = (4, usize::from(choices[0] % 2) + 1);
    let hidden = inputs / directions;
    let highway = match choices[0] >> 1 & 3 {
        0 => Highway::None,
        1 => Highway::Product,
        _ => Highway::Input(Factor::from_parts(20_000, 14).expect("a good shift")),
    };
    let format = |fraction| Q16::new(fraction).expect("below 16");
    let projection = (choices[0] & 8 != 0).then(|| site(inputs, 3, 1, choices[1]));
    let projected = projection.as_ref().map_or(inputs, |site| site.columns);
    let columns = highway.parts() * directions * hidden;
    let sru = SruParameters {
        hidden,
        directions,
        cell: SruCell::new(format(13), format(12), format(11)).expect("formats that go together"),
        highway,
        norm: (choices[2] & 32 != 0).then(|| norm_of(inputs)),
        projection,
        sites: vec![site(projected, columns, highway.parts(), choices[2])],
        vectors: vec![5000; 2 * directions * hidden],
    };
    let cell = CellKind::ALL[usize::from(choices[3]) % CellKind::ALL.len()];
    let gates = |index: usize| cell.recurrent_gates(index, false);
    let peepholes = choices[1] & 64 != 0 && cell.peepholes() > 0;
    let cells = RecurrentParameters {
        hidden: 5,
        directions,
        cell: RecurrentCell::from_parts(cell, 12, peepholes.then_some(9)).expect("good parts"),
        window: usize::from(choices[1] >> 7) + 1,
        input: vec![site(
            directions * hidden * (usize::from(choices[1] >> 7) + 1),
            directions * cell.gates() * 5,
            cell.gates(),
            choices[1],
        )],
        recurrent: (0..cell.recurrent_products(false))
            .map(|index| {
                let count = gates(index)[1] - gates(index)[0];
                site(5, directions * count * 5, count, choices[2])
            })
            .collect(),
        projection: None,
        peepholes: vec![-7000; if peepholes { cell.peepholes() * directions * 5 } else { 0 }],
    };
    let stride = usize::from(choices[2] >> 6) + 1;
    let conv =
        Conv1dParameters { kernel: 2, stride, padding: [1, 0], site: site(directions * 2 * 5, 6, 1, choices[1]) };
    let norm = norm_of(6);
    let function = [Pointwise::Relu, Pointwise::Tanh, Pointwise::Sigmoid][usize::from(choices[0] >> 4) % 3];
    let linear = LayerParameters::Linear(site(6, 3, 1, choices[3]));
    let layers = vec![
        LayerParameters::Sru(sru),
        LayerParameters::Recurrent(cells),
        LayerParameters::Conv1d(conv),
        LayerParameters::Norm(norm),
        LayerParameters::Pointwise(function),
        linear,
    ];
    ImageParameters { inputs, input: format(10), output: format(9), layers }
}

/// `file` with bytes replaced: place, in two bytes, and value in turn.
fn change(file: &mut [u8], changes: &[u8]) {
    let length = file.len();
    for change in changes.as_chunks::<3>().0 {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        file[place % length] = change[2];
    }
}

fuzz_target!(|input: (u8, [u8; 4], &[u8])| {
    let (way, choices, bytes) = input;
    let mut file = match way % 4 {
        0 => return check(bytes),
        1 => bytes.to_vec(),
        _ => image::write(&network(choices)).expect("a good network"),
    };
    if way % 4 > 1 {
        change(&mut file, bytes);
    }
    image::seal(&mut file);
    check(&file);
});
