"""Cases of recurrent cells."""
import numpy as np
from case import PAIRS, Case, layer, linear

FEW = ["8x8", "16x16"]
# Five pairs in turn, and five others: neighbouring sites always differ.
TURNS = ["2x8 4x4 8x16 16x2 8x8", "16x4 2x16 4x2 8x4 2x2", "4x16 16x8 8x2 2x4 4x8"]
LENGTHS = [6, 1, 0, 9]


def forwards_and_backwards(name, about, kind, **keys):
    """Two cases, one and two directions: in each a layer whose gates share a product and one whose gates do not."""
    layers = lambda tied, apart, **more: [
        layer(kind, hidden=tied, **more, **keys), layer(kind, hidden=apart, per_gate=True, **more, **keys)
    ]
    return [
        Case(name, f"{about}, with a product for all gates and with one for each.", 6, [*layers(5, 4), linear(3)],
             LENGTHS, ["16x16", *TURNS[:2]]),
        Case(f"{name}_both_ways", f"{about}, in two directions.", 4, layers(4, 3, bidirectional=True), [7, 1, 4],
             ["8x8", TURNS[2]]),
    ]


def steady(parameters, features, rng):
    """ReLUs whose hidden output does not grow from frame to frame without end."""
    parameters["l1.recurrent"] *= np.float32(0.1)
    parameters["l2.recurrent"] *= np.float32(0.1)


def loud(parameters, features, rng):
    """Layers behind the first, whose inputs are small, with weights and biases that bring their arguments beyond ±16."""
    for name in ("l1", "l2", "l3"):
        parameters[f"{name}.weight"] *= np.float32(4)
    parameters["l3.recurrent"] *= np.float32(0.02)


def saturating_ranges(calibration):
    """Formats that are too fine for their tensors."""
    lstm, rnn, ligru, last = calibration["layers"]
    lstm.update(state=14, hidden=12)
    rnn.update(hidden=14)
    ligru.update(hidden=13)
    last.update(output=14)


def small_peepholes(parameters, features, rng):
    """So small that their format has 15 bits behind the point; and a projection whose result leaves its format."""
    parameters["l0.peepholes"] *= np.float32(0.5)
    parameters["l1.projection"] *= np.float32(12)


def fine_and_coarse(calibration):
    """A peephole's shift is 18. One state is finer than the argument of tanh, the other one coarser."""
    fine, coarse = calibration["layers"]
    fine.update(state=14)
    coarse.update(state=6, hidden=15)


def large_peepholes(parameters, features, rng):
    parameters["l0.peepholes"] *= np.float32(12)
    parameters["l0.peepholes"][0, 0] = 15.9


def halves(parameters, features, rng):
    """Gates that are always one half, so that what they weigh is often a tie: z of the GRU, f of the MGU, z of the light
    GRU, o of the LSTM, f and o of the quasi-recurrent units."""
    for name, places in [("l0", [1]), ("l1", [0]), ("l2", [0]), ("l3", [3]), ("l4", [1, 2])]:
        for last in ("weight", "recurrent", "bias"):
            if f"{name}.{last}" in parameters:
                values = parameters[f"{name}.{last}"]
                values.reshape(len(values), -1, 4)[:, places] = 0


def silence(parameters, features, rng):
    """Layers whose hidden output stays 0, so that what they multiply has a clip of 0; and matrices of zeros."""
    for name in ("l0.weight.n", "l0.bias.n", "l0.recurrent.n", "l0.recurrent_bias", "l1.projection", "l2.recurrent"):
        parameters[name][:] = 0


CELL_CASES = [
    Case("elman", "Elman's units with tanh and with ReLU.", 6,
         [layer("rnn", hidden=5), layer("rnn", hidden=4, activation="relu"), linear(3)], LENGTHS, ["16x16", *TURNS[:2]]),
    Case("elman_both_ways", "The same in two directions.", 5,
         [layer("rnn", hidden=4, bidirectional=True), layer("rnn", hidden=3, activation="relu", bidirectional=True)],
         [7, 1, 4], ["8x8", TURNS[2]]),
    Case("every_pair", "A small LSTM at every pair of widths.", 4, [layer("lstm", hidden=4)], [7, 1, 0, 5],
         PAIRS + ["4x8 8x4", "2x16 16x2"]),
    *forwards_and_backwards("lstm", "Long short-term memory", "lstm"),
    *forwards_and_backwards("peepholes", "LSTMs whose gates see the state", "lstm", peepholes=True),
    *forwards_and_backwards("projected", "LSTMs with peepholes and a projection of the hidden output", "lstm", peepholes=True,
                    projection=2),
    *forwards_and_backwards("coupled", "LSTMs whose forget gate is one minus the input gate", "lstm", coupled=True),
    *forwards_and_backwards("coupled_peepholes", "The same with peepholes", "lstm", coupled=True, peepholes=True),
    *forwards_and_backwards("gru", "GRUs whose reset gate acts on the product", "gru"),
    *forwards_and_backwards("gru_before", "GRUs whose reset gate acts on the hidden output", "gru", reset="before"),
    *forwards_and_backwards("light_gru", "Light GRUs", "ligru"),
    *forwards_and_backwards("minimal", "Minimal gated units", "mgu"),
    *forwards_and_backwards("quasi", "Quasi-recurrent units with two gates", "qrnn"),
    *forwards_and_backwards("quasi_windows", "Quasi-recurrent units that see two frames", "qrnn", window=2),
    *forwards_and_backwards("quasi_forget", "Quasi-recurrent units with a forget gate alone", "qrnn", pooling="f"),
    Case("simple_gates", "Simple recurrent units with a product for every gate, and every highway.", 6,
         [layer("sru", hidden=5, projection=3, skip="matrix", per_gate=True),
          layer("sru", hidden=4, bidirectional=True, per_gate=True), layer("sru", hidden=8, per_gate=True)],
         [6, 1, 0, 7], FEW + TURNS),
    Case("simple_norms", "Simple recurrent units that normalise what their matrices read and carry their input past it.", 6,
         [layer("sru", hidden=6, layer_norm=True, highway_bias=-1.0),
          layer("sru", hidden=3, bidirectional=True, layer_norm=True, projection=4),
          layer("sru", hidden=4, layer_norm=True, skip="matrix", per_gate=True)],
         [6, 1, 0, 7], FEW + TURNS),
    Case("seventeen_cells", "One unit more than a vector, in both directions, and as many as a vector.", 4,
         [layer("lstm", hidden=17, bidirectional=True, projection=2), layer("gru", hidden=16, reset="before")], [5, 1, 3],
         ["4x8", "8x8", *TURNS[:1]]),
    Case("ragged_cells", "Many sequences of 0 to 13 frames, which end one after the other.", 3,
         [layer("gru", hidden=3, bidirectional=True), layer("lstm", hidden=3), layer("qrnn", hidden=3, window=2),
          linear(2)], [1, 0, 2, 13, 1, 5, 0, 0, 7, 1, 3, 1, 2, 6, 0, 4, 1], ["8x8", "4x4", *TURNS[:1]]),
    Case("channels_of_cells", "Weights with a clip for every output, in every product of a cell.", 5,
         [layer("lstm", hidden=3, bidirectional=True, projection=2), layer("mgu", hidden=3, per_gate=True)], [7, 1, 4],
         ["8x8", *TURNS[:2]], per_channel=True),
    Case("saturating_cells", "Formats too fine for their tensors: arguments, states and every part of every product clip.", 8,
         [layer("lstm", hidden=6, peepholes=True, projection=4), layer("rnn", hidden=4, activation="relu"),
          layer("ligru", hidden=4, bidirectional=True), linear(3)], [9, 1, 6], ["2x4", "4x8", *FEW], features=6.0,
         weights=3.0, vectors=6.0, biases=9.0, change=steady, override=saturating_ranges),
    Case("saturating_gates", "Arguments of every gate of gated units that leave their formats.", 6,
         [layer("gru", hidden=4), layer("gru", hidden=4, reset="before"), layer("mgu", hidden=3, bidirectional=True),
          layer("ligru", hidden=3)], [5, 1, 4], ["4x8", "16x16"], features=6.0, weights=5.0, biases=12.0, change=loud),
    Case("saturating_simple_gates", "Simple recurrent units with products of their own, all of which saturate.", 6,
         [layer("sru", hidden=4, skip="matrix", per_gate=True)], [6, 1], ["4x8", "16x16"], features=6.0, weights=3.0,
         override=lambda calibration: calibration["layers"][0].update(state=13, hidden=12)),
    Case("saturating_lstms", "The same of every other LSTM, and of Elman's units.", 6,
         [layer("lstm", hidden=3), layer("lstm", hidden=3, coupled=True), layer("lstm", hidden=3, coupled=True, peepholes=True),
          layer("rnn", hidden=3)], [5, 1, 4], ["4x8", "16x16"], features=6.0, weights=5.0, biases=12.0, change=loud),
    Case("cell_formats", "States and peepholes in fine and coarse formats.", 4,
         [layer("lstm", hidden=4, peepholes=True), layer("lstm", hidden=4, projection=3)], [8, 1, 5], FEW + TURNS[:1],
         change=small_peepholes, override=fine_and_coarse),
    Case("whole_states", "A state of whole numbers, which floating point cannot follow; a peephole's shift is 0.", 4,
         [layer("lstm", hidden=4, peepholes=True)], [8, 1, 5], ["8x8", "16x16"], weights=1.5, change=large_peepholes,
         override=lambda calibration: calibration["layers"][0].update(state=0)),
    Case("cell_ties", "Gates of exactly one half: means and products that are ties.", 4,
         [layer("gru", hidden=4), layer("mgu", hidden=4), layer("ligru", hidden=4), layer("lstm", hidden=4),
          layer("qrnn", hidden=4)], [9, 1, 6], ["8x8", "16x16", "4x16"], change=halves),
    Case("silent_cells", "Hidden outputs and matrices of zeros, whose clips are 0.", 4,
         [layer("gru", hidden=3, per_gate=True), layer("lstm", hidden=3, projection=2), layer("rnn", hidden=3)], [5, 1],
         ["2x2", "4x8", "8x16", "16x16"], change=silence),
]
