"""How far a fake-quantized network may be from the integers: an enclosure of its output in interval arithmetic.

What mohaq's quantization-aware arithmetic does, in float32: operands and results of products (of linear layers with
their biases) go to their grids, biases and recurrent vectors to theirs; everything elementwise stays float, and so do features and the highway. `enclose` follows
every number as an interval [low, high] that holds what float32 computes, however its sums are ordered. Where an interval
contains the border between two codes of a grid, both are kept: a step of a 2 bit operand then widens all that follows,
and that is the honest bound. `distance` is the largest number of output steps between the interval and the codes.
"""
import numpy as np
from contract import (
    GATE,
    highway_scale,
    largest_code,
    names,
    operand_scales,
    own,
    skip_of,
    vector_fraction,
    weight_codes,
)

# Relative error of one operation of float32, and an absolute one below which nothing here counts.
UNIT_ROUNDOFF, TINY = 2.0**-24, 1e-30
# Sigma is within 3 units in the last place, tanh within 4 (documented and tested in `tensor::exponential`).
FUNCTION_ERROR = 4 * 2.0**-23


class Interval:
    def __init__(self, low, high):
        # Copies: the ends of a point must not share their memory.
        self.low, self.high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)

    @classmethod
    def point(cls, values):
        return cls(values, values)

    def __getitem__(self, index):
        return Interval(self.low[index], self.high[index])

    def reshape(self, *shape):
        return Interval(self.low.reshape(*shape), self.high.reshape(*shape))

    def largest(self):
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def widen(self, by):
        return Interval(self.low - by - TINY, self.high + by + TINY)

    def __add__(self, other):
        """One addition of float32."""
        exact = Interval(self.low + other.low, self.high + other.high)
        return exact.widen(UNIT_ROUNDOFF * exact.largest())

    def times(self, factor):
        """By a number of float32, rounded once."""
        ends = np.stack([self.low * factor, self.high * factor])
        exact = Interval(ends.min(axis=0), ends.max(axis=0))
        return exact.widen(UNIT_ROUNDOFF * exact.largest())

    def through(self, function, error):
        """An ascending function, with a relative error."""
        exact = Interval(function(self.low), function(self.high))
        return exact.widen(error * exact.largest())

    def on_grid(self, bits, per_unit, step):
        """Rounded to codes of `bits`: both ends, as rounding is monotone."""
        scaled = self.times(float(per_unit))
        low, high = -largest_code(bits) - 1, largest_code(bits)
        codes = Interval(*(np.rint(np.clip(end, low, high)) for end in (scaled.low, scaled.high)))
        return codes.times(float(step))


def mean(weight, a, b):
    """weight·a + (1 − weight)·b as float32 computes it, weight·(a − b) + b. Each is monotone in a and in b, and linear in
    the weight, so the ends are at ends."""
    lows = [w * a.low + (1 - w) * b.low for w in (weight.low, weight.high)]
    highs = [w * a.high + (1 - w) * b.high for w in (weight.low, weight.high)]
    return Interval(np.minimum(*lows), np.maximum(*highs)).widen(4 * UNIT_ROUNDOFF * (a.largest() + b.largest()))


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -80, 80)))


def fixed_grid(values, fraction):
    return values.on_grid(16, 2.0**fraction, 2.0**-fraction)


def operand(values, ranges, bits):
    if bits == 16:
        return fixed_grid(values, ranges["fraction16"])
    clip, top = np.float32(ranges[f"clip{bits}"][0]), np.float32(largest_code(bits))
    return Interval.point(np.zeros_like(values.low)) if clip == 0 else values.on_grid(bits, top / clip, clip / top)


def weights(weight, ranges, bits):
    """Values of float32 on their grid, exactly as they are."""
    codes = weight_codes(weight, ranges, bits)
    if bits == 16:
        return codes * 2.0 ** -ranges["fraction16"]
    steps = np.array(ranges[f"clip{bits}"], dtype=np.float32) / np.float32(largest_code(bits))
    return (codes.astype(np.float32) * steps).astype(np.float64)


def product(values, weight, site, precision, fractions, bias=None):
    """The result of a site, with its bias where it has one, on its grids; `fractions`: one a column."""
    weight_bits, input_bits = precision
    x, w = operand(values, site["input"], input_bits), weights(weight, site["weight"], weight_bits)
    up, down = np.maximum(w, 0), np.minimum(w, 0)
    sums = Interval(x.low @ up + x.high @ down, x.high @ up + x.low @ down)
    # n products and sums in any order: n roundings, each of at most the sum of magnitudes.
    sums = sums.widen(1.01 * (len(w) + 1) * UNIT_ROUNDOFF * (x.largest() @ np.abs(w)))
    sums = sums if bias is None else sums + bias
    columns = [fixed_grid(sums[:, column], fraction) for column, fraction in enumerate(fractions)]
    return Interval(np.stack([c.low for c in columns], axis=1), np.stack([c.high for c in columns], axis=1))


def rounded(values, fraction):
    return fixed_grid(Interval.point(values.astype(np.float64)), fraction)


def sru(layer, parameters, x, lengths, sites, formats):
    hidden, directions = layer["hidden"], 2 if layer.get("bidirectional") else 1
    frames, inputs = x.low.shape
    skip = skip_of(layer, inputs)
    parts, inner = 4 if skip == "matrix" else 3, x
    if "projection" in layer:
        inner = product(x, parameters["projection"], *next(sites), [formats["projected"]] * layer["projection"])
    part_fractions = [formats["state"], GATE, GATE, formats["hidden"]][:parts]
    fractions = [fraction for _ in range(directions) for fraction in part_fractions for _ in range(hidden)]
    u = product(inner, parameters["weight"], *next(sites), fractions).reshape(frames, directions, parts, hidden)
    highway = Interval.point(np.zeros((frames, directions, hidden)))
    if skip == "identity":
        highway = x.times(float(highway_scale(layer))).reshape(frames, directions, hidden)
    elif skip == "matrix":
        highway = u[:, :, 3]
    v = rounded(parameters["vectors"], vector_fraction(parameters["vectors"], formats["state"])).reshape(2, directions, hidden)
    b = rounded(parameters["bias"], GATE).reshape(2, directions, hidden)
    h = Interval.point(np.zeros((frames, directions, hidden)))
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for d in range(directions):
            c = Interval.point(np.zeros(hidden))
            for t in np.arange(first, first + length)[:: -1 if d else 1]:
                gate = lambda i: (c.times(v.low[i, d]) + u[t, d, 1 + i] + b[i, d]).through(sigmoid, FUNCTION_ERROR)
                f, r = gate(0), gate(1)
                c = mean(f, c, u[t, d, 0])
                shown = mean(r, c, highway[t, d])
                h.low[t, d], h.high[t, d] = shown.low, shown.high
    return h.reshape(frames, directions * hidden)


def enclose(layers, parameters, calibration, features, lengths, spec):
    """The interval of every output, [frames, outputs]."""
    sites = iter(list(zip(calibration["sites"], spec, strict=True)))
    x = Interval.point(features.astype(np.float64))
    for layer, name, formats in zip(layers, names(layers), calibration["layers"], strict=True):
        mine = own(parameters, name)
        if layer["kind"] == "sru":
            x = sru(layer, mine, x, lengths, sites, formats)
        elif layer["kind"] == "linear":
            fractions = [formats["output"]] * mine["weight"].shape[1]
            x = product(x, mine["weight"], *next(sites), fractions, rounded(mine["bias"], formats["output"]))
        elif layer["kind"] == "relu":
            x = x.through(lambda z: np.maximum(z, 0), 0)
        else:
            x = x.through({"tanh": np.tanh, "sigmoid": sigmoid}[layer["kind"]], FUNCTION_ERROR)
    return x


def distance(interval, codes, fraction):
    """Largest distance of a value in `interval` from what `codes` stand for, in steps."""
    scaled = [end * 2.0**fraction - codes for end in (interval.low, interval.high)]
    return float(np.abs(scaled).max())


def step_of_last_input(layers, parameters, calibration, spec, fraction):
    """By how many output steps a single code of the last product's input moves an output, at most.

    None where something follows the last product.
    """
    if layers[-1]["kind"] != "linear":
        return None
    (weight_bits, input_bits), site = spec[-1], calibration["sites"][-1]
    (step,) = operand_scales(site["input"], input_bits)
    weight = own(parameters, list(names(layers))[-1])["weight"]
    return float(np.abs(weights(weight, site["weight"], weight_bits)).max()) * step * 2.0**fraction
