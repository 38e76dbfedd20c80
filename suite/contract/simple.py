"""Simple recurrent units."""
import math

import numpy as np
from shapes import directions, input_products, norm_of, skip_of

from .frames import layernorm
from .numbers import GATE, UNIT, finest, fixed, look_up, round_shift, saturate


def cell(u, highway, vectors, formats, counts):
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
            f = look_up("sigmoid", counts.saturate(round_shift(v_f * c[j] + (u_f << s), s), "arguments"))
            r = look_up("sigmoid", counts.saturate(round_shift(v_r * c[j] + (u_r << s), s), "arguments"))
            c[j] = round_shift(f * c[j] + ((1 << UNIT) - f) * candidate, UNIT)
            shown = round_shift(c[j], f_c - f_h)
            h[t, j] = round_shift(r * shown + ((1 << UNIT) - r) * int(highway[t, j]), UNIT)
            assert -32768 <= c[j] <= 32767 and -32768 <= h[t, j] <= 32767, "a state saturates"
    return h


def highway_scale(layer):
    """The constant of the highway, as float32."""
    return np.float32(math.sqrt(1 + 2 * math.exp(layer.get("highway_bias", 0.0))) if layer.get("rescale", True) else 1.0)


def vector_fraction(vectors, state):
    """Format of recurrent vectors."""
    return min(finest(np.abs(vectors).max()), 25 - state)


def scaled_input(layer, codes, fraction, hidden, counts):
    """The input times the constant of the highway, in the output's format."""
    f_m = finest(highway_scale(layer))
    m, t = int(fixed(highway_scale(layer), f_m)[0, 0]), f_m + fraction - hidden
    assert t >= 0, "a highway is refused"
    x, clipped_inputs = saturate([[round_shift(m * int(code), t) for code in row] for row in codes])
    counts.highway += clipped_inputs
    return x


def part_columns(layer, product, formats, biases):
    """Of a product's columns fraction bits, bias code and part; biases: codes [2, directions, hidden]."""
    f_c, f_h, hidden = formats["state"], formats["hidden"], layer["hidden"]
    columns = []
    for direction in range(directions(layer)):
        for place, part in enumerate(product.gates):
            fraction = [f_c, GATE, GATE, f_h][part]
            b = biases[part - 1, direction] if part in (1, 2) else [0] * hidden
            columns += [(fraction, bias, place) for bias in b]
    return columns


def sru(layer, mine, codes, fraction, lengths, site, formats, counts):
    """Codes and fraction bits of the output; `site` prepares the next matrix."""
    hidden, both = layer["hidden"], directions(layer)
    skip = skip_of(layer, codes.shape[1])
    f_c, f_h = formats["state"], formats["hidden"]
    inner, f_inner = codes, fraction
    if layer.get("layer_norm"):
        output = {"output": formats["normed"]}
        inner, f_inner = layernorm(layer, norm_of(mine), codes, fraction, lengths, site, output, counts)
    if "projection" in layer:
        columns = [(formats["projected"], 0, 0)] * layer["projection"]
        inner, f_inner = site(mine["projection"]).product(inner, f_inner, columns), formats["projected"]
    b = fixed(mine["bias"], GATE).reshape(2, both, hidden)
    u = []
    for product in input_products(layer, codes.shape[1]):
        columns = part_columns(layer, product, formats, b)
        results = site(mine[product.parameter]).product(inner, f_inner, columns)
        u.append(results.reshape(len(codes), both, len(product.gates), hidden))
    u = np.concatenate(u, axis=2)
    highway = np.zeros((len(codes), both, hidden), dtype=np.int64)
    if skip == "identity":
        highway = scaled_input(layer, codes, fraction, f_h, counts).reshape(highway.shape)
    elif skip == "matrix":
        highway = u[:, :, 3]
    f_v = vector_fraction(mine["vectors"], f_c)
    vectors = fixed(mine["vectors"], f_v).reshape(2, both, hidden)
    h = np.zeros_like(highway)
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for direction in range(both):
            rows = np.arange(first, first + length)[:: -1 if direction else 1]
            of = (u[rows, direction, :3], highway[rows, direction], vectors[:, direction])
            h[rows, direction] = cell(*of, (f_v, f_c, f_h), counts)
    return h.reshape(len(codes), both * hidden), f_h
