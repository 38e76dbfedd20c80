"""Layers that see each frame, or a few around it."""
import math

import numpy as np
import shapes

from .numbers import Ratio, finest, fixed, round_shift, saturate

NORMAL = 11  # fraction bits of a frame of mean 0 and variance 1


def windows(layer, codes, lengths):
    """Of every frame that comes out the frames that it sees, one behind the other; zeros beyond both ends."""
    left = layer.get("padding", [0, 0])[0]
    rows = []
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for t in range(shapes.frames(layer, length)):
            places = [t * layer.get("stride", 1) - left + place for place in range(layer["kernel"])]
            inside = [codes[first + place] if 0 <= place < length else np.zeros_like(codes[0]) for place in places]
            rows.append(np.concatenate(inside))
    return np.array(rows)


def affine(layer, mine, codes, fraction, lengths, site, formats, counts):
    """A linear layer, or a convolution."""
    f = formats["output"]
    rows = windows(layer, codes, lengths) if layer["kind"] == "conv1d" else codes
    return site(mine["weight"]).product(rows, fraction, [(f, bias, 0) for bias in fixed(mine["bias"], f)[0]]), f


def embedding(layer, mine, codes, fraction, lengths, site, formats, counts):
    """Rows of a table. Nothing is multiplied, so the second number of its precision plays no part."""
    table, f = site(mine["weight"]), formats["output"]
    assert fraction == 0, "the number of a row is its code"
    ratios = [Ratio(s_w * 2.0**f) for s_w in table.s_w]
    rows = [[ratio(code) for ratio, code in zip(ratios, table.weights[token])] for token in codes[:, 0]]
    outputs, clipped = saturate(rows)
    table.clipped[1] += clipped
    return outputs, f


def gain_fraction(gain):
    """Format of a gain."""
    return finest(np.abs(gain).max())


def layernorm(layer, mine, codes, fraction, lengths, site, formats, counts):
    f_y, f_gain = formats["output"], gain_fraction(mine["gain"])
    shift = NORMAL + f_gain - f_y
    assert shift >= 0, "a result finer than its terms is refused"
    epsilon = max(1, math.floor(1e-5 * 2.0 ** (2 * fraction + 8)))
    terms = fixed(mine["gain"], f_gain)[0].tolist(), fixed(mine["bias"], f_y)[0].tolist()
    rows = []
    for row in codes.tolist():
        normal = [counts.saturate(n, "normal") for n in normalised(row, epsilon)]
        scaled = [round_shift(n * gain, shift) + bias for n, gain, bias in zip(normal, *terms)]
        rows.append([counts.saturate(y, "normal") for y in scaled])
    return np.array(rows), f_y


def normalised(x, epsilon):
    """A frame with mean 0 and variance 1 in Q4.11, not saturated yet."""
    n, total = len(x), sum(x)
    d = [n * code - total for code in x]
    s = max(max(abs(far) for far in d).bit_length() - 23, 0)
    v = sum((far >> s) ** 2 for far in d) // n
    r = max(1, math.isqrt((v << 8) + (epsilon * n * n >> 2 * s)))
    divisor = r << s
    half_away = lambda far: (2 * (abs(far) << 15) + divisor) // (2 * divisor)
    return [half_away(far) if far >= 0 else -half_away(far) for far in d]
