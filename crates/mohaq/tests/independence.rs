//! What must not show in the bits: threads, and the company a sequence keeps.

use mohaq::nn::{Batch, Dropout, Float, Gradients, Network, NetworkDescription, Workspace, frame_loss};
use mohaq::tensor::Matrix;

/// Wide enough that products are cut into several tiles and slices.
const DESCRIPTION: &str = r#"
    input = 23
    [[layers]]
    kind = "sru"
    hidden = 170
    bidirectional = true
    [[layers]]
    kind = "sru"
    hidden = 170
    bidirectional = true
    projection = 40
    [[layers]]
    kind = "linear"
    outputs = 61
"#;

fn network() -> Network {
    let description = NetworkDescription::from_toml(DESCRIPTION).expect("a valid description");
    Network::new(&description, 1).expect("a valid description")
}

fn features(frames: usize, seed: usize) -> Matrix {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 1_000) as f32 * 0.002 - 1.0;
    Matrix::from_rows(frames, 23, (0..frames * 23).map(value).collect())
}

fn together(sequences: &[Matrix]) -> Batch {
    let mut starts = vec![0];
    let mut values = Vec::new();
    for sequence in sequences {
        values.extend_from_slice(sequence.data());
        starts.push(values.len() / 23);
    }
    Batch::new(Matrix::from_rows(values.len() / 23, 23, values), starts).expect("a valid batch")
}

#[test]
fn a_sequence_comes_out_the_same_alone_and_in_any_batch() {
    let network = network();
    let sequences: Vec<_> = [50, 1, 0, 117, 7, 300].iter().enumerate().map(|(i, &n)| features(n, i)).collect();
    let batch = together(&sequences);
    let logits = network.forward(&batch, &Float);
    for (sequence, ends) in sequences.iter().zip(batch.starts().windows(2)) {
        let alone = network.forward(&together(std::slice::from_ref(sequence)), &Float);
        assert_eq!(alone.data(), &logits.data()[ends[0] * 61..ends[1] * 61], "{} frames", sequence.rows());
    }
}

#[test]
fn a_traced_forward_pass_equals_a_plain_one() {
    let network = network();
    let batch = together(&[features(50, 1), features(9, 2)]);
    let (_, traced) = network.forward_train(&batch, &Float, None, &mut Workspace::new());
    assert_eq!(traced, network.forward(&batch, &Float));
}

#[test]
fn thread_count_changes_no_bit_of_the_gradients() {
    let network = network();
    let batch = together(&[features(50, 1), features(1, 2), features(203, 3)]);
    let labels: Vec<u32> = (0..254).map(|i| i * 31 % 61).collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let mut workspace = Workspace::new();
            let mut gradients = Gradients::zeros(&network);
            let dropout = Dropout { rate: 0.1, seed: 1, step: 1 };
            let (trace, mut logits) = network.forward_train(&batch, &Float, Some(&dropout), &mut workspace);
            let loss = frame_loss(&mut logits, &labels);
            network.backward(trace, &Float, logits, &mut gradients, &mut workspace);
            (loss, gradients)
        })
    };
    let one = run(1);
    assert!(one == run(2), "one thread and two");
    assert!(one == run(5), "one thread and five");
}
