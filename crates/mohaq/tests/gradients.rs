//! The backward pass against central differences in `f64`, for every layer, skip, direction and loss.

use mohaq::nn::{
    Batch, Dropout, Float, Gradients, Loss, Network, NetworkDescription, Workspace, ctc_loss, frame_loss,
    regression_loss, sequence_loss,
};
use mohaq::tensor::Matrix;
use mohaq_speech::dataset::{NO_LABEL, Pooling};

const INPUTS: usize = 3;
const CLASSES: usize = 4;

/// Sequences of 4, 1, 0 and 3 frames.
const STARTS: [usize; 5] = [0, 4, 5, 5, 8];

/// Half the distance of the two points of a difference. The truncation error is about its square, the rounding error
/// about 1e-16 over it.
const STEP: f64 = 1e-5;

fn network(layers: &str) -> Network<f64> {
    let text =
        format!("input = {INPUTS}\n{layers}\n[[layers]]\nkind = \"linear\"\nname = \"out\"\noutputs = {CLASSES}");
    let description = NetworkDescription::from_toml(&text).expect("a valid description");
    let mut network = Network::new(&description, 7).expect("a valid description");
    for (index, parameter) in network.parameters_mut().into_iter().enumerate() {
        if [".bias", ".gain"].iter().any(|part| parameter.name.contains(part)) {
            // They start equal or at zero, where an error in one of them could hide.
            let spread = noise(parameter.values.data().len(), 100 + index as u64);
            parameter.values.data_mut().iter_mut().zip(spread).for_each(|(bias, noise)| *bias += 0.5 * noise);
        }
    }
    network
}

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    next();
    (0..count).map(|_| next()).collect()
}

fn batch() -> Batch<f64> {
    let frames = STARTS[STARTS.len() - 1];
    Batch::new(Matrix::from_rows(frames, INPUTS, noise(frames * INPUTS, 3)), STARTS.to_vec()).expect("a valid batch")
}

type LossOf = fn(&mut Matrix<f64>) -> Loss;

fn of_frames(logits: &mut Matrix<f64>) -> Loss {
    frame_loss(logits, &[0, 3, NO_LABEL, 1, 2, 1, 1, NO_LABEL])
}

fn of_sequences(logits: &mut Matrix<f64>) -> Loss {
    sequence_loss(logits, &STARTS, &[2, 0, 1, 3], Pooling::Mean)
}

fn of_last_frames(logits: &mut Matrix<f64>) -> Loss {
    sequence_loss(logits, &STARTS, &[2, 0, 1, 3], Pooling::Last)
}

fn of_texts(logits: &mut Matrix<f64>) -> Loss {
    ctc_loss(logits, &STARTS, &[&[2, 1], &[3], &[], &[1, 1]], 0)
}

fn of_targets(outputs: &mut Matrix<f64>) -> Loss {
    let targets: Vec<f32> = noise(outputs.data().len(), 9).into_iter().map(|y| y as f32).collect();
    regression_loss(outputs, &targets)
}

fn analytic(network: &Network<f64>, loss: LossOf, dropout: Option<&Dropout>) -> Gradients<f64> {
    let batch = batch();
    let mut workspace = Workspace::new();
    let mut gradients = Gradients::zeros(network);
    // Twice: what the first pass leaves in the workspace must not show in the second.
    for _ in 0..2 {
        let (trace, mut logits) = network.forward_train(&batch, &Float, dropout, &mut workspace);
        loss(&mut logits);
        network.backward(trace, &Float, logits, &mut gradients, &mut workspace);
    }
    gradients
}

fn numeric(network: &Network<f64>, loss: LossOf, dropout: Option<&Dropout>, parameter: usize, element: usize) -> f64 {
    let batch = batch();
    let at = |offset: f64| {
        let mut moved = network.clone();
        moved.parameters_mut()[parameter].values.data_mut()[element] += offset;
        let (_, mut logits) = moved.forward_train(&batch, &Float, dropout, &mut Workspace::new());
        loss(&mut logits).mean()
    };
    (at(STEP) - at(-STEP)) / (2.0 * STEP)
}

fn agree(analytic: f64, numeric: f64) -> bool {
    (analytic - numeric).abs() <= 2e-9 + 1e-6 * numeric.abs()
}

fn check(layers: &str, loss: LossOf, dropout: Option<&Dropout>) {
    let network = network(layers);
    let gradients = analytic(&network, loss, dropout);
    let mut largest = 0.0_f64;
    for (index, parameter) in network.parameters().iter().enumerate() {
        let [analytic, values] = [gradients.matrices()[index].data(), parameter.values.data()];
        assert_eq!(analytic.len(), values.len());
        for (element, &analytic) in analytic.iter().enumerate() {
            let numeric = numeric(&network, loss, dropout, index, element);
            let name = &parameter.name;
            assert!(agree(analytic, numeric), "{name}[{element}]: {analytic} instead of {numeric} with {layers}");
            largest = largest.max(numeric.abs());
        }
    }
    assert!(largest > 1e-2, "gradients so small prove nothing: {largest}");
}

fn sru(hidden: usize, options: &str) -> String {
    format!("[[layers]]\nkind = \"sru\"\nhidden = {hidden}\nhighway_bias = -0.5\n{options}\n")
}

#[test]
fn linear_layers() {
    check("", of_frames, None);
}

#[test]
fn pointwise_layers() {
    let linear = "[[layers]]\nkind = \"linear\"\noutputs = 5\n";
    for kind in ["relu", "tanh", "sigmoid"] {
        check(&format!("{linear}[[layers]]\nkind = \"{kind}\""), of_frames, None);
    }
    check(&format!("[[layers]]\nkind = \"tanh\"\n{linear}"), of_frames, None);
}

#[test]
fn recurrent_layers_of_every_kind() {
    for bidirectional in [false, true] {
        for skip in ["none", "matrix"] {
            for projection in ["", "projection = 2\n"] {
                let options = format!("bidirectional = {bidirectional}\nskip = \"{skip}\"\n{projection}");
                check(&sru(5, &options), of_frames, None);
            }
        }
    }
    for projection in ["", "projection = 2\n"] {
        check(&sru(INPUTS, &format!("skip = \"identity\"\n{projection}")), of_frames, None);
    }
}

#[test]
fn stacks_carry_gradients_through_every_skip() {
    let wide = sru(3, "bidirectional = true");
    for skip in ["none", "identity", "matrix"] {
        for projection in ["", "projection = 2\n"] {
            let options = format!("bidirectional = true\nskip = \"{skip}\"\n{projection}");
            check(&format!("{wide}{}", sru(3, &options)), of_frames, None);
        }
    }
    check(&sru(INPUTS, "skip = \"identity\"\nrescale = false").repeat(3), of_frames, None);
}

#[test]
fn normalised_inputs_of_simple_recurrent_units() {
    for skip in ["none", "identity", "matrix"] {
        for projection in ["", "projection = 2\n"] {
            let options = format!("bidirectional = true\nlayer_norm = true\nskip = \"{skip}\"\n{projection}");
            check(&(sru(3, "bidirectional = true") + &sru(3, &options)), of_frames, None);
        }
    }
    // In front of everything nobody wants the gradient of the input, but gains and biases have theirs.
    check(&sru(INPUTS, "skip = \"identity\"\nlayer_norm = true"), of_frames, None);
}

/// A recurrent layer that `kind` begins, in every number of directions and with gates tied and apart.
fn check_cell(kind: &str, splits: bool) {
    for bidirectional in [false, true] {
        for per_gate in [false, true].into_iter().take(1 + usize::from(splits)) {
            let split = if splits { format!("per_gate = {per_gate}\n") } else { String::new() };
            let layer =
                |hidden| format!("[[layers]]\nhidden = {hidden}\nbidirectional = {bidirectional}\n{split}{kind}\n");
            check(&(layer(4) + &layer(3)), of_frames, None);
        }
    }
}

#[test]
fn elman_networks() {
    check_cell("kind = \"rnn\"", false);
    check_cell("kind = \"rnn\"\nactivation = \"relu\"", false);
}

#[test]
fn long_short_term_memory() {
    for coupled in [false, true] {
        for peepholes in [false, true] {
            check_cell(&format!("kind = \"lstm\"\npeepholes = {peepholes}\ncoupled = {coupled}"), true);
        }
    }
    check_cell("kind = \"lstm\"\nprojection = 2\npeepholes = true", true);
}

#[test]
fn gated_recurrent_units() {
    for reset in ["after", "before"] {
        check_cell(&format!("kind = \"gru\"\nreset = \"{reset}\""), true);
    }
    check_cell("kind = \"ligru\"", true);
    check_cell("kind = \"mgu\"", true);
}

#[test]
fn quasi_recurrent_networks() {
    for pooling in ["f", "fo"] {
        for window in [1, 2] {
            check_cell(&format!("kind = \"qrnn\"\npooling = \"{pooling}\"\nwindow = {window}"), true);
        }
    }
}

#[test]
fn simple_recurrent_units_with_gates_apart() {
    for skip in ["none", "matrix"] {
        let options = format!("per_gate = true\nprojection = 2\nskip = \"{skip}\"");
        check(&(sru(3, &options) + &sru(3, &options)), of_frames, None);
    }
}

fn of_rows(logits: &mut Matrix<f64>) -> Loss {
    let labels: Vec<u32> = (0..logits.rows() as u32).map(|row| row * 3 % 4).collect();
    frame_loss(logits, &labels)
}

#[test]
fn convolutions() {
    let conv = |outputs, shape: &str| format!("[[layers]]\nkind = \"conv1d\"\noutputs = {outputs}\n{shape}\n");
    for shape in [
        "kernel = 1",
        "kernel = 3\npadding = [1, 1]",
        "kernel = 2\npadding = [1, 0]",
        "kernel = 3\nstride = 2\npadding = [2, 0]",
        "kernel = 2\nstride = 3",
    ] {
        check(&conv(5, shape), of_rows, None);
        check(&(conv(4, shape) + &conv(3, "kernel = 2\nstride = 2\npadding = [0, 1]")), of_rows, None);
    }
    let dropout = Dropout { rate: 0.3, seed: 5, step: 11 };
    check(&(conv(5, "kernel = 3\nstride = 2\npadding = [1, 1]") + &sru(3, "")), of_rows, Some(&dropout));
}

#[test]
fn layer_normalisation() {
    check("[[layers]]\nkind = \"layernorm\"", of_frames, None);
    check(&(sru(5, "") + "[[layers]]\nkind = \"layernorm\"\n" + &sru(3, "")), of_frames, None);
}

#[test]
fn tables() {
    let text = "input = 1\n[[layers]]\nkind = \"embedding\"\nvocabulary = 5\noutputs = 3\n[[layers]]\nkind = \"gru\"\nhidden = 3";
    let description = NetworkDescription::from_toml(text).expect("a valid description");
    let network = Network::<f64>::new(&description, 7).expect("a valid description");
    let tokens = Matrix::from_rows(8, 1, [0, 3, 3, 1, 2, 0, 3, 1].map(f64::from).to_vec());
    let batch = Batch::new(tokens, STARTS.to_vec()).expect("a valid batch");
    let mut workspace = Workspace::new();
    let mut gradients = Gradients::zeros(&network);
    let (trace, mut logits) = network.forward_train(&batch, &Float, None, &mut workspace);
    frame_loss(&mut logits, &[0, 2, NO_LABEL, 1, 2, 1, 1, NO_LABEL]);
    network.backward(trace, &Float, logits, &mut gradients, &mut workspace);
    let at = |element: usize, offset: f64| {
        let mut moved = network.clone();
        moved.parameters_mut()[0].values.data_mut()[element] += offset;
        let mut logits = moved.forward(&batch, &Float);
        frame_loss(&mut logits, &[0, 2, NO_LABEL, 1, 2, 1, 1, NO_LABEL]).mean()
    };
    for (element, &analytic) in gradients.matrices()[0].data().iter().enumerate() {
        let numeric = (at(element, STEP) - at(element, -STEP)) / (2.0 * STEP);
        assert!(agree(analytic, numeric), "table[{element}]: {analytic} instead of {numeric}");
    }
    assert!(gradients.matrices()[0].row(4).iter().all(|&x| x == 0.0), "a row that nobody asked for");
    assert!(gradients.matrices()[0].row(0).iter().any(|&x| x != 0.0));
}

#[test]
fn dropout_with_a_fixed_mask() {
    let layers = sru(3, "bidirectional = true") + &sru(3, "bidirectional = true\nprojection = 2");
    let dropout = Dropout { rate: 0.3, seed: 5, step: 11 };
    check(&layers, of_frames, Some(&dropout));
}

#[test]
fn losses_of_sequences() {
    for loss in [of_sequences, of_last_frames, of_targets, of_texts] {
        check(&sru(3, "bidirectional = true"), loss, None);
    }
}

#[test]
fn the_comparison_sees_a_wrong_gradient() {
    assert!(agree(0.123_456_7, 0.123_456_75));
    assert!(!agree(0.123_456, 0.123_457));
    assert!(!agree(0.0, 1e-8));
}
