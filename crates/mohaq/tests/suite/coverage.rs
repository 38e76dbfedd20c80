//! What the cases must reach, so that the suite cannot shrink unnoticed.

use super::case::{self, Case};
use mohaq::nn::{Cell, Conv1dDescription, Layer, Pooling, Reset, RnnActivation, Skip, Sru};
use mohaq_rt::Bits;
use std::collections::{BTreeMap, BTreeSet};

fn layers(cases: &[Case]) -> impl Iterator<Item = &Layer> {
    cases.iter().flat_map(|case| case.network.layers())
}

/// Every cell with every choice that is its own.
fn every_cell() -> Vec<Cell> {
    let flags = [false, true];
    let lstms = flags.iter().flat_map(|&peepholes| flags.map(|coupled| Cell::Lstm { peepholes, coupled }));
    let others = [
        Cell::Rnn(RnnActivation::Tanh),
        Cell::Rnn(RnnActivation::Relu),
        Cell::Gru(Reset::After),
        Cell::Gru(Reset::Before),
        Cell::LiGru,
        Cell::Mgu,
        Cell::Qrnn(Pooling::F),
        Cell::Qrnn(Pooling::Fo),
    ];
    lstms.chain(others).collect()
}

#[test]
fn every_cell_runs_both_ways_with_gates_tied_and_apart() {
    let cases = case::all();
    let shapes: Vec<_> = layers(&cases)
        .filter_map(|layer| match layer {
            Layer::Recurrent(recurrent) => Some(recurrent.shape),
            _ => None,
        })
        .collect();
    for cell in every_cell() {
        for directions in [1, 2] {
            for per_gate in [false, true] {
                let one_gate = cell.gates().len() == 1;
                let same = |shape: &mohaq::nn::RecurrentShape| {
                    shape.cell == cell && shape.directions == directions && (one_gate || shape.per_gate == per_gate)
                };
                assert!(shapes.iter().any(same), "{cell:?}, {directions} directions, per_gate: {per_gate}");
            }
        }
    }
    for directions in [1, 2] {
        let some = |wanted: &dyn Fn(&mohaq::nn::RecurrentShape) -> bool| {
            shapes.iter().any(|shape| shape.directions == directions && wanted(shape))
        };
        assert!(some(&|shape| shape.window == 2), "windows of two frames, {directions} directions");
        assert!(some(&|shape| shape.projection.is_some()), "projections, {directions} directions");
    }
    assert!(shapes.iter().any(|shape| shape.hidden == 16) && shapes.iter().any(|shape| shape.hidden == 17));
}

#[test]
fn every_cell_runs_as_a_stream() {
    let cases = case::all();
    let streams: Vec<Case> = cases.into_iter().filter(|case| !case.needs_frames_ahead()).collect();
    for cell in every_cell() {
        let same = |layer: &Layer| matches!(layer, Layer::Recurrent(recurrent) if recurrent.cell() == cell);
        assert!(layers(&streams).any(same), "{cell:?}");
    }
    let strides = |layer: &Layer| matches!(layer, Layer::Conv1d(conv) if conv.shape.stride > 1);
    assert!(layers(&streams).any(strides), "a convolution with a stride");
    assert!(layers(&streams).any(|layer| matches!(layer, Layer::Embedding(_))), "a table");
    assert!(layers(&streams).any(|layer| matches!(layer, Layer::LayerNorm(_))), "a normalisation");
}

#[test]
fn simple_recurrent_units_come_with_every_highway_and_width() {
    let cases = case::all();
    let some =
        |wanted: &dyn Fn(&Sru) -> bool| layers(&cases).any(|layer| matches!(layer, Layer::Sru(sru) if wanted(sru)));
    for directions in [1, 2] {
        for skip in [Skip::None, Skip::Identity, Skip::Matrix] {
            assert!(some(&|sru| sru.directions == directions && sru.skip == skip), "{directions} {skip:?}");
        }
        assert!(some(&|sru| sru.directions == directions && sru.products.len() > 1), "{directions}, gates apart");
    }
    for hidden in [1, 5, 16, 17, 33] {
        assert!(some(&|sru| sru.hidden == hidden), "{hidden} units");
    }
    for skip in [Skip::Identity, Skip::Matrix] {
        assert!(some(&|sru| sru.skip == skip && sru.products.len() == skip.matrices()), "{skip:?}, gates apart");
    }
    assert!(some(&|sru| sru.projection.is_some()) && some(&|sru| sru.projection.is_none()));
    for skip in [Skip::Identity, Skip::Matrix] {
        assert!(some(&|sru| sru.norm.is_some() && sru.skip == skip), "{skip:?}, normalised");
    }
}

#[test]
fn convolutions_meet_ends_strides_and_sequences_that_are_too_short() {
    let cases = case::all();
    let some = |wanted: &dyn Fn(&Conv1dDescription) -> bool| {
        layers(&cases).any(|layer| matches!(layer, Layer::Conv1d(conv) if wanted(&conv.shape)))
    };
    assert!(some(&|conv| conv.stride > 1 && conv.padding[0] > 0 && conv.padding[1] > 0));
    assert!(some(&|conv| conv.stride >= conv.kernel) && some(&|conv| conv.padding == [0, 0] && conv.stride == 1));
    let too_short = |case: &Case| {
        let (starts, out) = (case.batch.starts(), case.network.output_starts(case.batch.starts()));
        starts.windows(2).zip(out.windows(2)).any(|(ends, out)| ends[1] > ends[0] && out[1] == out[0])
    };
    assert!(cases.iter().any(too_short));
}

#[test]
fn every_pair_of_widths_meets_hidden_outputs_and_neighbours_differ() {
    let cases = case::all();
    let (mut pairs, mut recurrent_pairs, mut differ) = (BTreeSet::new(), BTreeSet::new(), false);
    for (case, expected) in cases.iter().flat_map(|case| case.expected.iter().map(move |expected| (case, expected))) {
        let pair = |site: mohaq::nn::SiteId| (expected.spec.0[site.0].weight, expected.spec.0[site.0].activation);
        pairs.extend(expected.spec.0.iter().map(|precision| (precision.weight, precision.activation)));
        for layer in case.network.layers() {
            let Layer::Recurrent(recurrent) = layer else { continue };
            recurrent_pairs.extend(recurrent.recurrent.iter().map(|product| pair(product.site)));
            let (inputs, mut products) = (&recurrent.input, recurrent.recurrent.iter());
            differ |= products.any(|product| inputs.iter().all(|input| pair(input.site) != pair(product.site)));
        }
    }
    assert_eq!(pairs.len(), Bits::ALL.len() * Bits::ALL.len(), "{pairs:?}");
    assert_eq!(recurrent_pairs.len(), pairs.len(), "{recurrent_pairs:?}");
    assert!(differ, "a layer whose two products differ in precision");
}

#[test]
fn sequences_are_ragged() {
    let lengths: BTreeSet<usize> =
        case::all().iter().flat_map(|case| case.batch.starts().windows(2).map(|ends| ends[1] - ends[0])).collect();
    assert!(lengths.contains(&0) && lengths.contains(&1) && lengths.len() > 5, "{lengths:?}");
}

/// What every site of a layer is.
fn roles(layer: &Layer) -> Vec<&'static str> {
    match layer {
        Layer::Sru(sru) => {
            let projection = sru.projection.iter().map(|_| "projection of simple units");
            let parts = ["candidate alone", "forget gate alone", "reset gate alone", "highway alone"];
            let products = sru.products.iter().map(|product| match sru.products.len() {
                1 => "simple units",
                _ => parts[product.gates.start],
            });
            projection.chain(products).collect()
        }
        Layer::Recurrent(recurrent) => {
            let input = recurrent.input.iter().map(|_| "input of cells");
            let hidden = recurrent.recurrent.iter().map(|_| "hidden output of cells");
            input.chain(hidden).chain(recurrent.projection.iter().map(|_| "projection of cells")).collect()
        }
        Layer::Linear(_) => vec!["linear"],
        Layer::Conv1d(_) => vec!["conv1d"],
        Layer::Embedding(_) => vec!["embedding"],
        Layer::LayerNorm(_) | Layer::Pointwise(_) => Vec::new(),
    }
}

#[test]
fn arguments_of_every_cell_saturate() {
    let mut counted = Vec::new();
    for case in case::all() {
        for (index, layer) in case.network.layers().iter().enumerate() {
            let Layer::Recurrent(recurrent) = layer else { continue };
            if case.expected.iter().any(|expected| expected.clipped[index].arguments > 0) {
                counted.push(recurrent.cell());
            }
        }
    }
    for cell in every_cell() {
        // Nothing is added to the products of a quasi-recurrent unit.
        assert_eq!(counted.contains(&cell), !matches!(cell, Cell::Qrnn(_)), "{cell:?}");
    }
}

#[test]
fn every_counter_of_saturations_counts() {
    let (mut sites, mut others) = (BTreeMap::<&str, [u64; 5]>::new(), [0; 5]);
    for case in case::all() {
        for expected in &case.expected {
            for (layer, counts) in case.network.layers().iter().zip(&expected.clipped) {
                for (role, counts) in roles(layer).into_iter().zip(&counts.sites) {
                    let sums = sites.entry(role).or_default();
                    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
                }
                let arguments = usize::from(matches!(layer, Layer::Recurrent(_)));
                others[arguments] += counts.arguments;
                others[2] += counts.states;
                others[3] += counts.highway;
                others[4] += counts.normal;
            }
        }
    }
    assert!(
        others.iter().all(|&count| count > 0),
        "arguments of simple units and cells, states, highway, normal: {others:?}"
    );
    // Inputs, then results by part.
    let counters = [
        ("projection of simple units", 0..2),
        ("simple units", 0..5),
        ("candidate alone", 0..2),
        ("forget gate alone", 0..2),
        ("reset gate alone", 0..2),
        ("highway alone", 0..2),
        ("input of cells", 0..5),
        ("hidden output of cells", 0..5),
        ("projection of cells", 0..2),
        ("linear", 0..2),
        ("conv1d", 0..2),
        // Nothing is multiplied with the rows of a table.
        ("embedding", 1..2),
    ];
    for (role, counters) in counters {
        assert!(sites[role][counters].iter().all(|&count| count > 0), "{role}: {:?}", sites[role]);
    }
}
