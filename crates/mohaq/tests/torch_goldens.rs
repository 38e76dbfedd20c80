//! Forward passes against PyTorch and the PyPI package `sru` 2.6.0, from files of the shared data.

mod shared;

use mohaq::nn::{Batch, Float, Network, NetworkDescription};
use mohaq::tensor::Matrix;
use mohaq_speech::container::{Values, decode_npz};
use safetensors::SafeTensors;
use shared::shared_data;
use std::path::Path;

/// Outputs are of the order of 1; PyTorch's and our `f32` sums of at most 32 terms, through two layers and 17 steps,
/// differ in their last bits.
const BOUND: f32 = 2e-6;

struct Golden {
    tensors: Vec<u8>,
    x: Array,
    y: Array,
}

struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Golden {
    fn read(folder: &Path, name: &str) -> Self {
        let path = folder.join(name).with_extension("npz");
        let arrays = decode_npz(&std::fs::read(&path).expect("a readable file"), &path).expect("a readable archive");
        let array = |name: &str| {
            let (_, array) = arrays.iter().find(|(key, _)| key == name).expect("this array");
            let Values::Floats(values) = &array.values else { panic!("floating point numbers") };
            Array { shape: array.shape.clone(), values: values.iter().map(|&value| value as f32).collect() }
        };
        let (x, y) = (array("x"), array("y"));
        let tensors = std::fs::read(folder.join(name).with_extension("safetensors")).expect("a readable file");
        Self { tensors, x, y }
    }

    fn tensor(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.tensors).expect("valid safetensors");
        let data = tensors.tensor(name).expect("this tensor").data();
        data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

/// `[time, sequence, width]`, as PyTorch has it, to sequences one after the other.
fn sequences(array: &Array) -> Matrix {
    let [time, count, width] = array.shape[..] else { panic!("three dimensions") };
    let mut values = Vec::new();
    for sequence in 0..count {
        for t in 0..time {
            values.extend_from_slice(&array.values[(t * count + sequence) * width..][..width]);
        }
    }
    Matrix::from_rows(time * count, width, values)
}

fn transpose(rows: usize, cols: usize, values: &[f32]) -> Vec<f32> {
    (0..rows * cols).map(|i| values[i % rows * cols + i / rows]).collect()
}

/// `[inputs, hidden, k]`, unit by unit as in `sru`, to ours, matrix by matrix.
fn sru_weight(inputs: usize, hidden: usize, values: &[f32]) -> Vec<f32> {
    let k = values.len() / (inputs * hidden);
    values.chunks(hidden * k).flat_map(|row| transpose(hidden, k, row)).collect()
}

fn fill(network: &mut Network, name: &str, values: &[f32]) {
    let mut parameters = network.parameters_mut();
    let parameter = parameters.iter_mut().find(|parameter| parameter.name == name).expect("this parameter");
    parameter.values.data_mut().copy_from_slice(values);
}

fn assert_close(got: &Matrix, want: &Matrix) {
    assert_eq!(got.shape(), want.shape());
    let distance = |(a, b): (&f32, &f32)| (a - b).abs();
    let worst = got.data().iter().zip(want.data()).map(distance).fold(0.0, f32::max);
    assert!(worst <= BOUND, "{worst} from the golden outputs, at most {BOUND}");
}

fn sru_network(golden: &Golden, layers: &str, count: usize) -> Network {
    let text = format!("input = 13\n{layers}");
    let mut network = Network::zeros(&NetworkDescription::from_toml(&text).expect("valid")).expect("valid");
    for layer in 0..count {
        let tensor = |part: &str| golden.tensor(&format!("rnn_lst.{layer}.{part}"));
        assert_eq!(tensor("scale_x"), [1.0], "the files were made without rescaling");
        let inputs = match (layers.contains("projection"), layer) {
            (true, _) => 8,
            (false, 0) => 13,
            (false, _) => 24,
        };
        if inputs == 8 {
            fill(&mut network, &format!("l{layer}.projection"), &tensor("weight_proj"));
        }
        fill(&mut network, &format!("l{layer}.weight"), &sru_weight(inputs, 24, &tensor("weight")));
        fill(&mut network, &format!("l{layer}.vectors"), &tensor("weight_c"));
        fill(&mut network, &format!("l{layer}.bias"), &tensor("bias"));
    }
    network
}

#[test]
fn one_simple_recurrent_unit_with_a_skip_matrix() {
    let Some(folder) = shared_data("torch") else { return };
    let golden = Golden::read(&folder, "sru1");
    let network =
        sru_network(&golden, "[[layers]]\nkind = \"sru\"\nhidden = 24\nrescale = false\nskip = \"matrix\"", 1);
    let batch = Batch::new(sequences(&golden.x), vec![0, 17, 34, 51]).expect("a valid batch");
    assert_close(&network.forward(&batch, &Float), &sequences(&golden.y));
}

#[test]
fn two_simple_recurrent_units_with_projections() {
    let Some(folder) = shared_data("torch") else { return };
    let golden = Golden::read(&folder, "sru2_proj");
    let layer =
        |skip| format!("[[layers]]\nkind = \"sru\"\nhidden = 24\nprojection = 8\nrescale = false\nskip = \"{skip}\"\n");
    let network = sru_network(&golden, &(layer("matrix") + &layer("identity")), 2);
    let batch = Batch::new(sequences(&golden.x), vec![0, 17, 34, 51]).expect("a valid batch");
    assert_close(&network.forward(&batch, &Float), &sequences(&golden.y));
}

#[test]
fn a_perceptron() {
    let Some(folder) = shared_data("torch") else { return };
    let golden = Golden::read(&folder, "linear_mlp");
    let pointwise = |kind| format!("[[layers]]\nkind = \"{kind}\"\n");
    let linear = |outputs| format!("[[layers]]\nkind = \"linear\"\noutputs = {outputs}\n");
    let layers = [linear(32), pointwise("relu"), linear(32), pointwise("sigmoid"), linear(5)];
    let text = format!("input = 13\n{}", layers.concat());
    let mut network = Network::zeros(&NetworkDescription::from_toml(&text).expect("valid")).expect("valid");
    for (index, (inputs, outputs)) in [(13, 32), (32, 32), (32, 5)].into_iter().enumerate() {
        let weight = golden.tensor(&format!("{}.weight", 2 * index));
        fill(&mut network, &format!("fc{index}.weight"), &transpose(outputs, inputs, &weight));
        fill(&mut network, &format!("fc{index}.bias"), &golden.tensor(&format!("{}.bias", 2 * index)));
    }
    let x = Matrix::from_rows(golden.x.shape[0], golden.x.shape[1], golden.x.values.clone());
    let batch = Batch::new(x, vec![0, golden.x.shape[0]]).expect("a valid batch");
    let want = Matrix::from_rows(golden.y.shape[0], golden.y.shape[1], golden.y.values.clone());
    assert_close(&network.forward(&batch, &Float), &want);
}
