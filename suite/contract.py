"""The integer contract of mohaq, a second time: written from `book/src/numerics.md` alone, not from the Rust.

Codes are integers of Python or numpy, never floats; a value beyond what a product of 64 bits holds is a Python integer.
`run` computes the codes of a whole network for one spec, sequence by sequence and frame by frame, the slow and plain way.

A layer is a dictionary with the keys of mohaq's network description, parameters are `{name: float32 matrix}`, and a
calibration has the fields of `mohaq::quant::Calibration`.
"""
import math
from decimal import Decimal, getcontext
from fractions import Fraction

import numpy as np

getcontext().prec = 60

GATE, TANH, UNIT = 11, 12, 14  # fraction bits: argument of sigma, argument of tanh, results of both


def round_shift(value, shift):
    """value / 2^shift, rounded half to even."""
    floor, rest = value >> shift, value & ((1 << shift) - 1)
    half = (1 << shift) >> 1
    return floor + int(shift > 0 and (rest > half or (rest == half and floor & 1 == 1)))


def saturate(codes, bits=16):
    """The nearest codes of `bits`, and how many clipped."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    codes = np.asarray(codes, dtype=object)
    kept = np.minimum(np.maximum(codes, low), high)
    return kept.astype(np.int64), int((kept != codes).sum())


def fixed(values, fraction):
    """16 bit codes of floats. A product with a power of two is exact in float64."""
    return saturate([[int(np.rint(float(x) * 2.0**fraction)) for x in row] for row in np.atleast_2d(values)])[0]


def finest(largest, room=1.0):
    """Fraction bits of the finest format, of 0 to 15, whose range is above `room` times `largest`."""
    return next((f for f in range(15, 0, -1) if 2.0 ** (15 - f) > room * largest), 0)


def largest_code(bits):
    return (1 << bits - 1) - 1


def scale(clip, bits):
    """What a code counts, in float32."""
    return np.float32(clip) / np.float32(largest_code(bits))


def operand_scales(ranges, bits):
    """One scale, or one an output."""
    if bits == 16:
        return [2.0 ** -ranges["fraction16"]]
    return [float(scale(clip, bits)) for clip in ranges[f"clip{bits}"]]


def weight_codes(weight, ranges, bits):
    """[inputs, outputs] of float32 to codes."""
    if bits == 16:
        return fixed(weight, ranges["fraction16"])
    columns = []
    clips = ranges[f"clip{bits}"]
    for column in range(weight.shape[1]):
        clip = np.float32(clips[column if len(clips) > 1 else 0])
        if clip == 0:
            columns.append(np.zeros(weight.shape[0], dtype=np.int64))
            continue
        inverse = np.float32(largest_code(bits)) / clip
        columns.append(saturate(np.rint(weight[:, column] * inverse).astype(np.int64), bits)[0])
    return np.stack(columns, axis=1)


class Ratio:
    """multiplier / 2^shift, next to a real ratio."""

    def __init__(self, real):
        fraction, exponent = math.frexp(max(real, 2.0**-32))
        self.multiplier, self.shift = round_shift(int(math.ldexp(fraction, 53)), 31), 22 - exponent
        if self.multiplier == 1 << 22:
            self.multiplier, self.shift = 1 << 21, self.shift - 1
        assert 1 << 21 <= self.multiplier < 1 << 22 and 0 <= self.shift <= 53, f"ratio {real} is refused"

    def __call__(self, value):
        return round_shift(int(value) * self.multiplier, self.shift)


def operand_codes(codes, fraction, ranges, bits):
    """What a site's product is made of: 16 bit codes at `bits`, and how many clipped."""
    (step,) = operand_scales(ranges, bits)
    if step == 0:
        return np.zeros_like(codes), 0
    ratio = Ratio(2.0**-fraction / step)
    return saturate([[ratio(code) for code in row] for row in codes], bits)


def product(codes, fraction, weight, site, precision, columns, clipped):
    """Codes [frames, outputs] of a site. `columns`: (fraction bits, bias code, part), one each.

    Saturated inputs are added to clipped[0], results to clipped[1 + part].
    """
    weight_bits, input_bits = precision
    operands, clipped_inputs = operand_codes(codes, fraction, site["input"], input_bits)
    clipped[0] += clipped_inputs
    weights = weight_codes(weight, site["weight"], weight_bits)
    assert len(weight) << weight_bits + input_bits - 2 < 1 << 62, "a sum may need more than 64 bits"
    sums = operands @ weights
    (s_x,) = operand_scales(site["input"], input_bits)
    s_w = operand_scales(site["weight"], weight_bits)
    s_w = s_w * weight.shape[1] if len(s_w) == 1 else s_w
    results = []
    for column, (s, (f, bias, part)) in enumerate(zip(s_w, columns, strict=True)):
        ratio = Ratio(s * s_x * 2.0**f)
        result, clipped_results = saturate([ratio(value) + int(bias) for value in sums[:, column]])
        clipped[1 + part] += clipped_results
        results.append(result)
    return np.stack(results, axis=1)


def table(function):
    """The 513 points of sigma or tanh, with 60 digits, so that no tie is missed."""
    points = []
    for i in range(513):
        sigma = 1 / (1 + (-Decimal(i - 256) / 16).exp())
        points.append(round(Fraction(sigma if function == "sigmoid" else 2 * sigma - 1) * 2**14))  # round is half to even
    return points


TABLES = {name: table(name) for name in ("sigmoid", "tanh")}


def look_up(name, code):
    piece, step = divmod(int(code) + 32768, 128)
    points = TABLES[name]
    return round_shift(128 * points[piece] + step * (points[piece + 1] - points[piece]), 7)


def sat16(value, clipped, counter):
    kept = min(max(value, -32768), 32767)
    clipped[counter] += kept != value
    return kept


# What saturates in a layer, in the order of the numbers that `run` counts. A linear layer has `input` and `candidate`.
COUNTERS = ["projection_input", "projection", "input", "candidate", "forget", "reset", "highway_product", "gates", "highway"]
PROJECTION, SITE, GATES, HIGHWAY = 0, 2, 7, 8


def cell(u, highway, vectors, formats, clipped):
    """h of one direction, all frames in its order of time.

    u: [frames, 3, hidden], highway: [frames, hidden] in the output's format, vectors: codes [2, hidden].
    """
    f_v, f_c, f_h = formats
    s = f_v + f_c - GATE
    assert 0 <= s <= 14 and f_h <= f_c, f"formats {formats} are refused"
    c = [0] * u.shape[2]
    h = np.zeros((len(u), u.shape[2]), dtype=np.int64)
    for t in range(len(u)):
        for j in range(len(c)):
            candidate, u_f, u_r = (int(part) for part in u[t, :, j])
            v_f, v_r = (int(v) for v in vectors[:, j])
            f = look_up("sigmoid", sat16(round_shift(v_f * c[j] + (u_f << s), s), clipped, GATES))
            r = look_up("sigmoid", sat16(round_shift(v_r * c[j] + (u_r << s), s), clipped, GATES))
            c[j] = round_shift(f * c[j] + ((1 << UNIT) - f) * candidate, UNIT)
            shown = round_shift(c[j], f_c - f_h)
            h[t, j] = round_shift(r * shown + ((1 << UNIT) - r) * int(highway[t, j]), UNIT)
            assert -32768 <= c[j] <= 32767 and -32768 <= h[t, j] <= 32767, "a state saturates"
    return h


def skip_of(layer, inputs):
    """none, identity or matrix."""
    skip = layer.get("skip", "auto")
    width = layer["hidden"] * (2 if layer.get("bidirectional") else 1)
    return ("identity" if inputs == width else "none") if skip == "auto" else skip


def highway_scale(layer):
    """The constant of the highway, as float32."""
    return np.float32(math.sqrt(1 + 2 * math.exp(layer.get("highway_bias", 0.0))) if layer.get("rescale", True) else 1.0)


def vector_fraction(vectors, state):
    """Format of recurrent vectors."""
    return min(finest(np.abs(vectors).max()), 25 - state)


def scaled_input(layer, codes, fraction, hidden, clipped):
    """The input times the constant of the highway, in the output's format."""
    f_m = finest(highway_scale(layer))
    m, t = int(fixed(highway_scale(layer), f_m)[0, 0]), f_m + fraction - hidden
    assert t >= 0, "a highway is refused"
    x, clipped_inputs = saturate([[round_shift(m * int(code), t) for code in row] for row in codes])
    clipped[HIGHWAY] += clipped_inputs
    return x


def sru(layer, parameters, codes, fraction, lengths, sites, formats, clipped):
    """One recurrent layer and its output's fraction bits; takes its (ranges, precision) from the iterator `sites`."""
    hidden, directions = layer["hidden"], 2 if layer.get("bidirectional") else 1
    skip = skip_of(layer, codes.shape[1])
    f_c, f_h = formats["state"], formats["hidden"]
    inner, f_inner = codes, fraction
    if "projection" in layer:
        f_inner = formats["projected"]
        columns = [(f_inner, 0, 0)] * layer["projection"]
        inner = product(codes, fraction, parameters["projection"], *next(sites), columns, clipped[PROJECTION:])
    parts = 4 if skip == "matrix" else 3
    b = fixed(parameters["bias"], GATE).reshape(2, directions, hidden)
    columns = []
    for direction in range(directions):
        columns += [(f_c, 0, 0)] * hidden
        columns += [(GATE, b[gate, direction, j], 1 + gate) for gate in range(2) for j in range(hidden)]
        columns += [(f_h, 0, 3)] * hidden * (parts - 3)
    u = product(inner, f_inner, parameters["weight"], *next(sites), columns, clipped[SITE:])
    u = u.reshape(len(codes), directions, parts, hidden)
    highway = np.zeros((len(codes), directions, hidden), dtype=np.int64)
    if skip == "identity":
        highway = scaled_input(layer, codes, fraction, f_h, clipped).reshape(highway.shape)
    elif skip == "matrix":
        highway = u[:, :, 3]
    f_v = vector_fraction(parameters["vectors"], f_c)
    vectors = fixed(parameters["vectors"], f_v).reshape(2, directions, hidden)
    h = np.zeros_like(highway)
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for direction in range(directions):
            rows = np.arange(first, first + length)[:: -1 if direction else 1]
            of = (u[rows, direction, :3], highway[rows, direction], vectors[:, direction])
            h[rows, direction] = cell(*of, (f_v, f_c, f_h), clipped)
    return h.reshape(len(codes), directions * hidden), f_h


def names(layers):
    """The name of every layer, as mohaq counts them."""
    linear = sum(layer["kind"] == "linear" for layer in layers)
    seen = {}
    for layer in layers:
        kind = layer["kind"]
        index = seen.setdefault(kind, 0)
        seen[kind] += 1
        short = {"sru": "l", "linear": "fc"}.get(kind, kind)
        yield short if kind == "linear" and linear == 1 else f"{short}{index}"


def own(parameters, name):
    """The parameters of one layer, by their last names."""
    return {key.split(".")[1]: value for key, value in parameters.items() if key.startswith(f"{name}.")}


def run(layers, parameters, calibration, features, lengths, spec):
    """Codes of the output, its fraction bits, and of every layer the saturations by COUNTERS.

    spec: one (weight bits, input bits) a site.
    """
    sites = iter(list(zip(calibration["sites"], spec, strict=True)))
    fraction = calibration["input_fraction"]
    codes = fixed(features, fraction)
    counts = []
    for layer, name, formats in zip(layers, names(layers), calibration["layers"], strict=True):
        mine, clipped = own(parameters, name), np.zeros(len(COUNTERS), dtype=int)
        if layer["kind"] == "sru":
            codes, fraction = sru(layer, mine, codes, fraction, lengths, sites, formats, clipped)
        elif layer["kind"] == "linear":
            f = formats["output"]
            columns = [(f, bias, 0) for bias in fixed(mine["bias"], f)[0]]
            codes, fraction = product(codes, fraction, mine["weight"], *next(sites), columns, clipped[SITE:]), f
        elif layer["kind"] == "relu":
            codes = np.maximum(codes, 0)
        else:
            argument = {"sigmoid": GATE, "tanh": TANH}[layer["kind"]]
            assert fraction == argument, "the argument of a function has another format"
            codes = np.array([[look_up(layer["kind"], code) for code in row] for row in codes])
            fraction = UNIT
        counts.append(clipped.tolist())
    assert next(sites, None) is None
    return codes.astype(np.int16), fraction, counts
