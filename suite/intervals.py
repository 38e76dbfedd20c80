"""Interval arithmetic over float32: an interval holds what float32 computes, however its sums are ordered."""
import numpy as np
from contract.numbers import largest_code

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

    @classmethod
    def joined(cls, parts, axis):
        return cls(*(np.concatenate(ends, axis=axis) for ends in zip(*((part.low, part.high) for part in parts))))

    def __getitem__(self, index):
        return Interval(self.low[index], self.high[index])

    def __setitem__(self, index, values):
        self.low[index], self.high[index] = values.low, values.high

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

    def __mul__(self, other):
        """One multiplication of float32: the ends are products of ends."""
        ends = np.stack([a * b for a in (self.low, self.high) for b in (other.low, other.high)])
        exact = Interval(ends.min(axis=0), ends.max(axis=0))
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
    """weight·a + (1 − weight)·b for a weight within 0 and 1, as float32 computes it: weight·(a − b) + b, or for an LSTM
    whose gates are coupled with two products, four roundings at most. It is monotone in a and in b, and linear in
    the weight, so the ends are at ends."""
    lows = [w * a.low + (1 - w) * b.low for w in (weight.low, weight.high)]
    highs = [w * a.high + (1 - w) * b.high for w in (weight.low, weight.high)]
    return Interval(np.minimum(*lows), np.maximum(*highs)).widen(4 * UNIT_ROUNDOFF * (a.largest() + b.largest()))


def sigmoid(z):
    """In float32 too it lies within 0 and 1."""
    exact = z.through(lambda end: 1 / (1 + np.exp(-np.clip(end, -80, 80))), FUNCTION_ERROR)
    return Interval(np.clip(exact.low, 0, 1), np.clip(exact.high, 0, 1))


def tanh(z):
    return z.through(np.tanh, FUNCTION_ERROR)


def relu(z):
    return Interval(np.maximum(z.low, 0), np.maximum(z.high, 0))


def normalised(x):
    """Rows of mean 0 and variance 1, as float32 computes x ↦ d/√(Σd²/N + ε), d = x − Σx/N.

    Its derivative has no more than the norm 1/σ, σ = √(Σd²/N + ε): it takes the mean away, then what lies along the
    result, each a projection or less. So a result is no farther from that of the middle than the norm of the radius over the
    smallest σ, and σ itself moves by at most that norm over √N.
    """
    middle, radius = (x.high + x.low) / 2, (x.high - x.low) / 2
    n, epsilon = middle.shape[1], 1e-5
    far = middle - middle.mean(axis=1, keepdims=True)
    sigma = np.sqrt((far * far).mean(axis=1, keepdims=True) + epsilon)
    # Of d in float32: n sums, a product and a difference.
    rounded = 1.01 * (n + 3) * UNIT_ROUNDOFF * x.largest().max(axis=1, keepdims=True)
    norm = np.sqrt((radius * radius).sum(axis=1, keepdims=True)) + np.sqrt(n) * rounded
    least = np.maximum(sigma - norm / np.sqrt(n), np.sqrt(epsilon))
    # Of Σd²/N + ε, its root, its inverse and the last product; results are at most √N.
    last = (n + 10) * UNIT_ROUNDOFF * np.sqrt(n)
    return Interval.point(far / sigma).widen(norm / least + last)
