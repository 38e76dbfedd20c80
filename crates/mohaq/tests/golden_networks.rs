//! A network written and run by a program of its own (`golden/nn/make.py`), in both precisions.

use mohaq::nn::{Batch, Float, Network};
use mohaq::tensor::{Matrix, Real};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/nn").join(name)
}

struct Golden {
    x: Matrix<f32>,
    y: Matrix<f64>,
    starts: Vec<usize>,
}

impl Golden {
    fn read() -> Self {
        let bytes = std::fs::read(golden("stack.io.safetensors")).expect("a readable golden");
        let tensors = SafeTensors::deserialize(&bytes).expect("valid safetensors");
        let tensor = |name| tensors.tensor(name).expect("this tensor");
        let (x, y, starts) = (tensor("x"), tensor("y"), tensor("starts"));
        let singles = x.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let doubles = y.data().as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
        let starts = starts.data().as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as usize).collect();
        Self {
            x: Matrix::from_rows(x.shape()[0], x.shape()[1], singles),
            y: Matrix::from_rows(y.shape()[0], y.shape()[1], doubles),
            starts,
        }
    }

    /// Largest distance of `network`'s logits from the golden ones.
    fn distance<T: Real>(&self, network: &Network<T>) -> f64 {
        let batch = Batch::new(self.x.cast(), self.starts.clone()).expect("a valid batch");
        let logits = network.forward(&batch, &Float);
        assert_eq!(logits.shape(), self.y.shape());
        let pairs = logits.data().iter().zip(self.y.data());
        pairs.map(|(got, want)| (got.to_f64() - want).abs()).fold(0.0, f64::max)
    }
}

#[test]
fn a_stack_with_every_skip_equals_its_equations() {
    let golden = Golden::read();
    let network = Network::load(&self::golden("stack.safetensors")).expect("a network");
    // In f64 only the order of at most 10 terms and the functions' last bits differ; in f32 the same, at 2⁻²⁴ instead of
    // 2⁻⁵³, through four layers and 12 steps.
    let double = golden.distance(&network.cast::<f64>());
    let single = golden.distance(&network);
    assert!(double < 1e-14, "{double}");
    assert!(single < 5e-6, "{single}");
}

#[test]
fn the_golden_depends_on_every_parameter() {
    let golden = Golden::read();
    let network = Network::load(&self::golden("stack.safetensors")).expect("a network");
    for index in 0..network.parameters().len() {
        let mut changed = network.clone();
        let parameter = &mut changed.parameters_mut()[index];
        parameter.values.data_mut()[0] += 1e-2;
        let name = parameter.name.clone();
        assert!(golden.distance(&changed) > 1e-5, "{name}");
    }
}
