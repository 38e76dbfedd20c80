//! The loss of connectionist temporal classification against PyTorch's (`golden/ctc/make.py`).

use mohaq::nn::ctc_loss;
use mohaq::tensor::Matrix;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    classes: usize,
    blank: u32,
    labels: Vec<u32>,
    logits: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../golden/ctc/ctc.json")).expect("a readable golden");
    assert_eq!(cases.len(), 6);
    for Case { classes, blank, labels, logits, loss: expected, gradient } in cases {
        let frames = logits.len() / classes;
        let mut rows = Matrix::from_rows(frames, classes, logits);
        let loss = ctc_loss(&mut rows, &[0, frames], &[&labels], blank);
        // Both in f64, in another order.
        assert!((loss.sum - expected).abs() < 1e-12 * expected, "{labels:?}: {} for {expected}", loss.sum);
        let scale = labels.len().max(1) as f64;
        let distance = rows.data().iter().zip(&gradient).map(|(got, want)| (scale * got - want).abs());
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 1e-13 * scale.max(10.0), "{labels:?}: {distance}");
    }
}
