//! ONNX models: what is accepted is a network that runs; what is refused says why.
//!
//! The first byte chooses a good model for the rest to change, place (two bytes) and value in turn, or takes the rest as a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::import::read_bytes;
use mohaq::nn::{Batch, Float, Layer};
use mohaq::tensor::Matrix;

const MODELS: [&[u8]; 5] = [
    include_bytes!("../../golden/import/tagger.dynamo.onnx"),
    include_bytes!("../../golden/import/front.legacy.onnx"),
    include_bytes!("../../golden/import/both_last.legacy.onnx"),
    include_bytes!("../../golden/import/keras2_both_ways.onnx"),
    include_bytes!("../../golden/import/turned_pair.onnx"),
];

/// Parameters up to which a network is run.
const LARGEST: u64 = 1 << 16;

fn check(file: &[u8]) {
    let import = match read_bytes(file, None) {
        Ok(import) => import,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let network = import.network;
    let first = network.layers().first();
    if network.workload().parameters() > LARGEST || network.inputs() > 1 << 10 || matches!(first, Some(Layer::Conv1d(_))) {
        return;
    }
    let batch = Batch::new(Matrix::zeros(3, network.inputs()), vec![0, 3]).expect("one sequence");
    assert_eq!(network.forward(&batch, &Float).cols(), network.outputs());
}

fuzz_target!(|input: (u8, &[u8])| {
    let (way, bytes) = input;
    let Some(model) = MODELS.get(usize::from(way)) else { return check(bytes) };
    let mut file = model.to_vec();
    for change in bytes.as_chunks::<3>().0 {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[place] = change[2];
    }
    check(&file);
});
