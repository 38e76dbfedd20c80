//! What holds of every graph, whoever reads it.

use super::{Dialect, write_onnx};
use crate::nn::{Network, NetworkDescription};
use crate::onnx_proto::tensor_proto::DataType;
use crate::onnx_proto::{GraphProto, ModelProto, TensorProto};
use crate::quant::{IntegerBank, QuantSpec, QuantizeSettings, calibrate};
use mohaq_speech::dataset::{Features, Sequence};
use prost::Message;
use std::collections::BTreeSet;

const LAYERS: &[&str] = &[
    "kind = \"lstm\"\nhidden = 5\nbidirectional = true\npeepholes = true\nprojection = 3",
    "kind = \"gru\"\nhidden = 6\nreset = \"before\"\nper_gate = true\nbidirectional = true",
    "kind = \"mgu\"\nhidden = 9",
    "kind = \"qrnn\"\nhidden = 6\nwindow = 2\nbidirectional = true",
    "kind = \"linear\"\noutputs = 6\n[[layers]]\nkind = \"sru\"\nhidden = 3\nbidirectional = true\nlayer_norm = true",
    "kind = \"conv1d\"\noutputs = 6\nkernel = 3\nstride = 2\npadding = [1, 1]\n[[layers]]\nkind = \"relu\"",
];

const DIALECTS: [Dialect; 3] = [Dialect::Qdq, Dialect::QdqInt2, Dialect::Qonnx];

/// The model of `layers` and a linear layer, every product at `bits`; the codes of its first weights beside it.
fn model(layers: &str, bits: &str, dialect: Dialect) -> (ModelProto, Vec<i16>) {
    let text = format!("input = 4\n[[layers]]\n{layers}\n[[layers]]\nkind = \"linear\"\noutputs = 3\n");
    let network = Network::new(&NetworkDescription::from_toml(&text).unwrap(), 3).unwrap();
    let values = (0..4 * 20).map(|k| 2.0 * libm::sinf(0.7 * k as f32)).collect();
    let sequence = Sequence {
        id: "s".into(),
        speaker: String::new(),
        features: Features { dim: 4, values },
        labels: vec![0; 20],
        reference: Vec::new(),
        targets: Vec::new(),
    };
    let calibration = calibrate(&network, &[sequence], &QuantizeSettings::default()).unwrap();
    let bank = IntegerBank::owning(network, calibration).unwrap();
    let spec = QuantSpec::parse(bits, bank.network().workload().sites.len()).unwrap();
    let bytes = write_onnx(&bank, &spec, dialect).unwrap();
    let codes = bank.layers(&spec).unwrap()[0].sites()[0].weights.clone();
    (ModelProto::decode(&*bytes).unwrap(), codes)
}

/// Checks that every value has one name, set before it is read, bodies of loops included, and returns all names.
fn check_names(graph: &GraphProto, around: &BTreeSet<String>) -> BTreeSet<String> {
    let mut known = around.clone();
    let inputs = graph.input.iter().map(|value| value.name.clone().unwrap());
    for name in inputs.chain(graph.initializer.iter().map(|tensor| tensor.name.clone().unwrap())) {
        assert!(known.insert(name.clone()), "{name} twice");
    }
    for node in &graph.node {
        for name in &node.input {
            assert!(known.contains(name), "{name} is read before it is there");
        }
        let bodies = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref());
        let inside: Vec<String> = bodies.flat_map(|body| check_names(body, &known)).collect();
        for name in node.output.iter().cloned().chain(inside) {
            assert!(known.insert(name.clone()), "{name} twice");
        }
    }
    for value in &graph.output {
        assert!(known.contains(value.name.as_ref().unwrap()), "{:?}", value.name);
    }
    known.difference(around).cloned().collect()
}

/// The constants of a graph and its loops.
fn constants(graph: &GraphProto) -> Vec<&TensorProto> {
    let bodies = graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.g.as_ref());
    graph.initializer.iter().chain(bodies.flat_map(constants)).collect()
}

#[test]
fn every_value_has_one_name_and_is_there_before_it_is_read() {
    for layers in LAYERS {
        for dialect in DIALECTS {
            let (model, _) = model(layers, "4x8", dialect);
            check_names(model.graph.as_ref().unwrap(), &BTreeSet::new());
        }
    }
}

#[test]
fn weights_are_stored_in_the_narrowest_type_of_the_operator_set() {
    let expected = [
        ("2x8", Dialect::Qdq, DataType::Int4, 2),
        ("2x8", Dialect::QdqInt2, DataType::Int2, 4),
        ("4x16", Dialect::Qdq, DataType::Int4, 2),
        ("8x2", Dialect::Qdq, DataType::Int8, 1),
    ];
    for (bits, dialect, kind, a_byte) in expected {
        for layers in LAYERS {
            let (model, _) = model(layers, bits, dialect);
            let all = constants(model.graph.as_ref().unwrap());
            let weights = all
                .iter()
                .filter(|tensor| tensor.name().ends_with("weights/codes") || tensor.name().ends_with("unscaled/codes"));
            let weights: Vec<_> = weights.collect();
            assert!(weights.len() >= 2, "{layers}");
            for tensor in weights {
                assert_eq!(tensor.data_type, Some(kind as i32), "{layers}, {bits}: {}", tensor.name());
                let count: i64 = tensor.dims.iter().product();
                assert_eq!(tensor.raw_data().len(), (count as usize).div_ceil(a_byte), "{}", tensor.name());
            }
        }
    }
}

#[test]
fn eight_bit_weights_are_the_codes_that_were_measured() {
    let (model, codes) = model("kind = \"linear\"\noutputs = 6", "8x8", Dialect::Qdq);
    let all = constants(model.graph.as_ref().unwrap());
    let weights = all.iter().find(|tensor| tensor.name().ends_with("weights/codes")).unwrap();
    let stored: Vec<i16> = weights.raw_data().iter().map(|&byte| i16::from(byte.cast_signed())).collect();
    assert_eq!((stored, &weights.dims[..]), (codes, &[4, 6][..]));
}
