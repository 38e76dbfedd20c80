"""Cases of convolutions, tables and normalisation, and of networks of many kinds."""
import numpy as np
from case import PAIRS, RELU, SIGMOID, TANH_LAYER, Case, layer, linear
from cell_cases import FEW, TURNS


def conv(outputs, kernel, stride=1, padding=(0, 0)):
    return layer("conv1d", outputs=outputs, kernel=kernel, stride=stride, padding=list(padding))


def equal_numbers(parameters, features, rng):
    """Frames without a deviation, of zeros and of ones; and one whose variance is about as small as ε."""
    features[0], features[1], features[2] = 0, 1, 1
    features[2, 0] += np.float32(2**-7)


def far_out(parameters, features, rng):
    """Frames in which one number alone is not 0, so that the result leaves ±16; and one of both ends of the format."""
    features[1:3] = 0
    features[1, 7], features[2, 9] = 1.9, -1.9
    features[3] = np.where(np.arange(features.shape[1]) % 2 == 0, -2, 1.9999)
    parameters["norm0.gain"] *= np.float32(8)


def fine_results(calibration):
    """A normalised frame in a format that it leaves."""
    calibration["layers"][0].update(output=12)
    calibration["input_fraction"] = 14


def all_rows(parameters, features, rng):
    """Every row is asked for, the first and the last one among them."""
    features[: len(parameters["embedding.weight"]), 0] = np.arange(len(parameters["embedding.weight"]))


FRAME_CASES = [
    Case("convolution", "Convolutions with a stride and zeros at both ends, of sequences too short for them too.", 4,
         [conv(5, 3, 2, (1, 1)), RELU, conv(4, 4), TANH_LAYER, linear(3)], [11, 1, 0, 6, 2, 15], FEW + TURNS,
         override=lambda calibration: calibration["layers"][0].update(output=14)),
    Case("convolution_stream", "Convolutions that look back alone, whose strides leave frames of a stream unanswered.", 4,
         [conv(5, 3, 2, (2, 0)), layer("gru", hidden=4), conv(4, 2), conv(3, 3, 3, (1, 0))], [13, 1, 0, 2, 20],
         ["2x8", "8x8", "16x16", *TURNS]),
    Case("convolution_pairs", "A convolution at every pair of widths, with a clip for every output.", 3,
         [conv(4, 3, 2, (0, 1))], [9, 1, 4], PAIRS, per_channel=True),
    Case("tokens", "Rows of a table, and an LSTM over them.", 1,
         [layer("embedding", vocabulary=9, outputs=5), layer("lstm", hidden=4), linear(4)], [10, 1, 0, 5], FEW + TURNS,
         change=all_rows),
    Case("token_functions", "Rows of a table with a clip for every output, as arguments of tanh.", 1,
         [layer("embedding", vocabulary=7, outputs=6), TANH_LAYER, layer("qrnn", hidden=3, bidirectional=True)], [9, 1, 3],
         ["2x8", "4x4", "8x8", "16x16"], per_channel=True, weights=9.5, change=all_rows),
    Case("normalised", "Normalised frames: in front, as the argument of sigma, and behind a cell.", 6,
         [layer("layernorm"), layer("gru", hidden=5), layer("layernorm"), SIGMOID, linear(4), layer("layernorm"), linear(3)],
         [8, 1, 0, 5], ["8x8", "16x16", *TURNS[:2]], change=equal_numbers),
    Case("wide_norm", "260 numbers a frame: more than 23 bits of distance, and results beyond ±16.", 260,
         [layer("layernorm"), linear(2)], [4, 1], ["4x8", "8x16", "16x16"], change=far_out, override=fine_results),
    Case("many_kinds", "A stack of many kinds of layers, in both directions.", 5,
         [conv(6, 3, 2, (1, 1)), layer("layernorm"), RELU, layer("sru", hidden=3, bidirectional=True),
          layer("lstm", hidden=4, peepholes=True, bidirectional=True), layer("gru", hidden=4, reset="before"),
          layer("ligru", hidden=4, per_gate=True), layer("mgu", hidden=3), layer("rnn", hidden=4),
          layer("qrnn", hidden=4), linear(5), SIGMOID], [12, 1, 0, 7], ["8x8", *TURNS[:2]]),
]
