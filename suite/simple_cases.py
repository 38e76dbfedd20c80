"""Cases of simple recurrent units, of linear layers and of all that products have in common."""
import numpy as np
from case import PAIRS, RELU, SIGMOID, TANH_LAYER, Case, layer, linear
from contract.numbers import Ratio, largest_code, scale


def sru(hidden, **options):
    return layer("sru", hidden=hidden, **options)


LOW, HIGH = -2.0, 1.99993896484375  # the ends of Q1.14


def extremes(low):
    """Features at both ends of Q1.14 and weights at `low` and the upper end, so that sums leave 32 bits; those of the
    second column cancel out. Biases pull against them.

    Two products of LOW and LOW leave 32 bits already; of any two others a vector unit can take the sum in 32.
    """

    def change(parameters, features, rng):
        weight = parameters["fc0.weight"]
        features[:] = np.where(rng.integers(0, 2, features.shape) == 1, HIGH, LOW)
        features[0], features[-1] = LOW, HIGH
        weight[:] = np.where(rng.integers(0, 2, weight.shape) == 1, HIGH, low)
        weight[:, 0], weight[:, 1] = low, np.where(np.arange(len(weight)) % 2 == 0, low, HIGH)
        parameters["fc0.bias"][:] = np.where(np.arange(weight.shape[1]) % 2 == 0, -3.9, 3.9)

    return change


def extreme_ranges(output):
    """Everything in Q1.14 although -2 is at its end, and results with `output` fraction bits."""

    def override(calibration):
        calibration["input_fraction"] = 14
        calibration["layers"][0].update(output=output)
        for side in ("weight", "input"):
            calibration["sites"][0][side].update(fraction16=14)

    return override


def deep(parameters, features, rng):
    """The most negative codes of both operands meet in the first column. The third one has a scale of its own, and the last
    one a ratio below 2^-32, for which 2^-32 stands: it still shows in a sum of more than 32 bits."""
    weight = parameters["fc.weight"]
    weight[:, 0] = LOW
    weight[:, 1] = np.where(np.arange(len(weight)) < 300, LOW, HIGH)
    weight[:, 2] *= np.float32(20)
    weight[:, 3] = -1e-7
    features[0], features[-1] = LOW, HIGH


def deep_ranges(calibration):
    extreme_ranges(3)(calibration)
    calibration["sites"][0]["weight"].update(clip8=[1.9, 1.9, 11.0, 9.5e-8])


def saturating_ranges(calibration):
    """Formats that are too fine for their tensors."""
    first, second, last = calibration["layers"]
    first.update(projected=15, state=13, hidden=12)
    second.update(state=14, hidden=14)
    last.update(output=13)
    calibration["input_fraction"] = 14


def zeros(parameters, features, rng):
    """A feature, two matrices and the bias of a layer that are 0; the layer in between lets only its bias through."""
    features[:, 1] = 0
    for name in ("l1.projection", "fc0.weight", "l0.vectors"):
        parameters[name][:] = 0


def extreme_vectors(parameters, features, rng):
    """Recurrent vectors at both ends of what goes with a state: s is 14 in the first layer, 0 in the second."""
    parameters["l0.vectors"] *= np.float32(0.01)
    parameters["l0.weight"] *= np.float32(0.000035)
    parameters["l1.vectors"] *= np.float32(12)
    parameters["l1.vectors"][0, 0] = 15.9
    parameters["l1.weight"] *= np.float32(3000)
    parameters["l2.projection"][:, 0] *= np.float32(1e-9)
    parameters["l2.weight"] *= np.float32(1e-4)


def extreme_formats(calibration):
    """The third site's first column has a ratio of scales below 2^-32."""
    first, second, third, last = calibration["layers"]
    calibration["input_fraction"] = 0
    first.update(state=15, hidden=1)
    second.update(state=0, hidden=0)
    third.update(projected=0, state=12, hidden=9)
    last.update(output=15)


def highway_formats(calibration):
    """The highway's shift is 0, 15 and 29 in turn, and the second layer's constant is 31,150."""
    first, second, third = calibration["layers"]
    calibration["input_fraction"] = 1
    first.update(state=15, hidden=15)
    second.update(state=14, hidden=0)
    third.update(state=0, hidden=0)


def ties(parameters, features, rng):
    """Multiples of half a step everywhere: what is rounded is a tie, or whole. The gates of two units are always one half."""
    features[:] = np.rint(features * 2**10) / 2**10
    for name, values in parameters.items():
        values[:] = np.rint(values * 2**4) / 2**4 if name.endswith("weight") else np.rint(values * 2**12) / 2**12
    # A state of 11 fraction bits times an odd half, brought to a gate's 11: a tie for every odd state.
    parameters["l0.vectors"][:] = np.floor(parameters["l0.vectors"]) + 0.5
    for values in (parameters["l0.vectors"], parameters["l0.bias"]):
        values[:, :2] = 0
    parameters["l0.weight"][:, [8, 9, 16, 17]] = 0


def tie_ranges(calibration):
    """Scales that are powers of two, which a requantizer keeps exactly."""
    for site in calibration["sites"]:
        for side, step in (("weight", {2: 1 / 2, 4: 1 / 8, 8: 1 / 8}), ("input", {2: 1 / 2, 4: 1 / 8, 8: 1 / 64})):
            site[side].update({f"clip{bits}": [step[bits] * (2 ** (bits - 1) - 1)] for bits in step})
    calibration["input_fraction"] = 9
    calibration["layers"][0].update(state=11, hidden=11)


def large_operand_ranges(calibration):
    """Whole numbers against a clip of a ten thousandth."""
    calibration["input_fraction"] = 0
    calibration["sites"][0]["input"].update(clip8=[1e-4])
    calibration["layers"][0].update(output=15)


def silent_frame(parameters, features, rng):
    """One frame in which only biases remain."""
    features[2] = 0


def between_multipliers(clip, bits):
    """The first float32 from `clip` on whose scale in float32 has another multiplier than its scale in float64."""
    clip = np.float32(clip)
    while Ratio(float(scale(clip, bits))).multiplier == Ratio(float(clip) / largest_code(bits)).multiplier:
        clip = np.nextafter(clip, np.float32(1))
    return float(clip)


# At 2 bits the scale is the clip.
NEAR_CLIPS = {2: 0.37, 4: between_multipliers(0.59, 4), 8: between_multipliers(0.71, 8)}


def near_ties(parameters, features, rng):
    """Weights within two units in the last place of the border between two codes: rows in turn at 2, 4 and 8 bits."""
    weight = parameters["fc.weight"]
    for row, values in enumerate(weight):
        bits = (2, 4, 8)[row % 3]
        top = 2 ** (bits - 1) - 1
        borders = rng.integers(-top, top, len(values)) + 0.5
        values[:] = (borders * NEAR_CLIPS[bits] / top).astype(np.float32)
        for _ in range(2):
            values[:] = np.nextafter(values, np.float32(1) * rng.integers(-1, 2, len(values)).astype(np.float32) * 9)


def near_tie_ranges(calibration):
    calibration["sites"][0]["weight"].update({f"clip{bits}": [clip] for bits, clip in NEAR_CLIPS.items()})


SIMPLE_CASES = [
    Case("linear", "Two linear layers with ReLU between them, at every pair of widths.", 6,
         [linear(9), RELU, linear(4)], [6, 1, 0, 9], PAIRS),
    Case("identity", "16 units, one vector's width, whose highway carries the input; at every pair of widths.", 16,
         [sru(16, skip="identity", highway_bias=-1.0), linear(5)], [7, 1, 12], PAIRS),
    Case("bidirectional", "Two bidirectional layers, the second with a projection and its input as the highway.", 6,
         [sru(5, bidirectional=True, highway_bias=-1.0), sru(5, bidirectional=True, projection=4), linear(7)],
         [1, 9, 0, 17, 2], ["2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16", "2x8 8x2 4x16 16x4", "16x2 4x4 8x8 2x16"]),
    Case("matrix", "17 units, one more than a vector, whose highway has a matrix, behind a projection.", 7,
         [sru(17, skip="matrix", projection=3, highway_bias=1.0), linear(3)], [1, 1, 19],
         ["2x4", "4x2", "4x4", "8x4", "8x8", "16x8", "16x16", "8x2 2x8 4x16"]),
    Case("one_unit", "Layers of one unit: every highway, and a network without a linear layer.", 1,
         [sru(1, skip="identity"), sru(1, skip="matrix"), sru(1, bidirectional=True), sru(2, skip="none", rescale=False)],
         [40, 1, 1, 3], ["2x2", "4x8", "8x8", "16x16", "2x16 4x4 16x8 8x2"]),
    Case("thirty_three_units", "33 units in two directions, one more than two vectors, without a highway.", 5,
         [sru(33, bidirectional=True, skip="none"), sru(3, projection=6), linear(17)], [11, 1, 6],
         ["2x8", "4x4", "8x8", "16x4", "4x16 16x2 8x8 2x2"]),
    Case("channels", "Weights with a clip for every output.", 6,
         [sru(5, bidirectional=True, projection=3, skip="matrix"), linear(18), TANH_LAYER, linear(4)], [8, 1, 13],
         ["2x8", "4x4", "8x8", "16x16", "2x2 4x16 8x4 4x8"], per_channel=True),
    Case("functions", "Every function of one number, with arguments that reach the flat ends of its table.", 5,
         [linear(8), SIGMOID, linear(8), TANH_LAYER, linear(8), RELU, linear(5), SIGMOID], [10, 1, 5],
         ["2x8", "4x4", "8x8", "16x16", "8x2 4x16 16x8 8x16"], weights=4.0),
    Case("wide_sums", "Sums beyond 32 bits: brought back by a small ratio, saturating by a large one, or cancelling out.",
         19, [linear(17), RELU, linear(5)], [6, 1, 4], ["16x16", "8x16", "16x8", "4x16"], change=extremes(LOW),
         override=extreme_ranges(8)),
    Case("wide_sums_cut", "The same sums in a format that they leave: a vector unit may cut them to 32 bits first.",
         19, [linear(17), RELU, linear(5)], [6, 1, 4], ["16x16", "8x16", "16x8", "4x16"], change=extremes(-HIGH),
         override=extreme_ranges(13)),
    Case("wide_sums_of_two", "The same where two products leave 32 bits already.", 19,
         [linear(17), RELU, linear(5)], [6, 1, 4], ["16x16"],
         change=extremes(LOW), override=extreme_ranges(13)),
    Case("wide_sums_whole", "The same in a format one bit coarser than that in which sums may be cut: a bias would show it.", 19,
         [linear(17), RELU, linear(5)], [6, 1, 4], ["16x16", "8x16"], change=extremes(-HIGH), override=extreme_ranges(12)),
    Case("deep", "600 inputs at the ends of their ranges: more than 32 or 16 bits hold without a carry.", 600, [linear(4)],
         [3, 1], PAIRS, per_channel=True, change=deep, override=deep_ranges),
    Case("saturation", "Formats too fine for their tensors: features, projection, candidates, gates, highway and output clip.",
         8, [sru(8, projection=5, highway_bias=0.5), sru(4, skip="matrix"), linear(6)], [12, 1, 7],
         ["2x4", "4x8", "8x8", "16x16"], features=6.0, weights=3.0, vectors=20.0, biases=9.0, override=saturating_ranges),
    Case("zeros", "Tensors of zeros, whose clips are 0: weights, recurrent vectors, and an input that nothing reaches.", 4,
         [sru(6), sru(6, projection=3), linear(5), RELU, linear(3)], [5, 1, 4], ["2x2", "4x8", "8x4", "16x16", "8x16"],
         change=zeros),
    Case("formats", "Formats at the ends of what goes together, and ratios of scales at both ends of theirs.", 4,
         [sru(4, skip="none"), sru(5, skip="none"), sru(5, projection=2), linear(4)], [9, 1, 3],
         ["2x16", "4x4", "8x8", "16x16"], per_channel=True, features=26000.0, change=extreme_vectors,
         override=extreme_formats),
    Case("highways", "Inputs that a highway's constant brings to another format, by every shift from none to the largest.", 5,
         [sru(5, rescale=False), sru(5, highway_bias=20.0), sru(5, rescale=False)], [7, 1, 9], ["2x4", "4x8", "16x16"],
         features=1.5, override=highway_formats),
    Case("ragged", "Many sequences of 0 to 31 frames: more than a block of any kernel, in any order.", 3,
         [sru(4, bidirectional=True), sru(3, bidirectional=True, projection=2), linear(3)],
         [1, 0, 2, 31, 1, 5, 0, 0, 7, 1, 3, 1, 16, 2, 1, 6, 13, 1, 0, 4], ["4x4", "8x8", "2x16"]),
    Case("ties", "Powers of two and multiples of half a step: what is rounded is often a tie.", 8,
         [sru(8, rescale=False)], [14, 1, 25], ["2x2", "4x4", "8x8", "4x8", "8x16", "16x16"],
         change=ties, override=tie_ranges),
    Case("near_ties", "Weights so near to a border between codes, and scales to one between multipliers, that precision decides.",
         24, [linear(16)], [60, 1], ["2x16", "4x16", "8x16", "16x16"], change=near_ties, override=near_tie_ranges),
    Case("large_ratios", "Almost the largest ratios that a product may have: what is not 0 leaves 32 bits and saturates.", 19,
         [linear(17)], [5, 1], ["8x8", "4x8", "8x4", "8x16", "16x16"], features=250.0, weights=250.0, change=silent_frame,
         override=lambda calibration: calibration["layers"][0].update(output=15)),
    Case("large_operands", "Inputs with almost the largest ratio of scales: every code leaves 32 bits before it saturates.",
         19, [linear(17)], [5, 1], ["2x8", "4x8", "8x8", "16x8"], features=26000.0, weights=200.0, change=silent_frame,
         override=large_operand_ranges),
]
