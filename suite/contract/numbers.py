"""Rounding, formats, scales and tables."""
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
