"""One site's product, and what saturates in a layer."""
from dataclasses import dataclass, field

import numpy as np

from .numbers import Ratio, operand_scales, round_shift, saturate, weight_codes


@dataclass
class Counts:
    """Codes of one layer that clipped: the fields of `mohaq_rt::engine::LayerCounts`.

    sites: of each its inputs, then its results by part.
    """

    sites: list = field(default_factory=list)
    arguments: int = 0
    states: int = 0
    highway: int = 0
    normal: int = 0

    def site(self):
        self.sites.append([0] * 5)
        return self.sites[-1]

    def saturate(self, value, counter):
        """One code of 16 bits; `counter` is None where nothing is counted."""
        kept = min(max(value, -32768), 32767)
        if counter:
            setattr(self, counter, getattr(self, counter) + int(kept != value))
        return kept


class Site:
    """A matrix at one precision, and what its inputs and results clip."""

    def __init__(self, weight, ranges, precision, counts):
        weight_bits, self.input_bits = precision
        self.input = ranges["input"]
        self.weights = weight_codes(weight, ranges["weight"], weight_bits)
        assert len(weight) << weight_bits + self.input_bits - 2 < 1 << 62, "a sum may need more than 64 bits"
        s_w = operand_scales(ranges["weight"], weight_bits)
        self.s_w = s_w * weight.shape[1] if len(s_w) == 1 else s_w
        (self.s_x,) = operand_scales(self.input, self.input_bits)
        self.clipped = counts.site()

    def operands(self, codes, fraction):
        """What the product is made of: 16 bit codes [rows, inputs] at the width of the site's inputs."""
        if self.s_x == 0:
            return np.zeros_like(codes)
        ratio = Ratio(2.0**-fraction / self.s_x)
        operands, clipped = saturate([[ratio(code) for code in row] for row in codes], self.input_bits)
        self.clipped[0] += clipped
        return operands

    def results(self, operands, columns, first=0):
        """Codes [rows, columns] from column `first` on. `columns`: (fraction bits, bias code, part), one each."""
        sums = operands @ self.weights[:, first : first + len(columns)]
        results = []
        for column, (fraction, bias, part) in enumerate(columns):
            ratio = Ratio(self.s_w[first + column] * self.s_x * 2.0**fraction)
            result, clipped = saturate([ratio(value) + int(bias) for value in sums[:, column]])
            self.clipped[1 + part] += clipped
            results.append(result)
        return np.stack(results, axis=1)

    def product(self, codes, fraction, columns):
        return self.results(self.operands(codes, fraction), columns)


def mix(weight, a, b):
    """(1 − weight)·a + weight·b, for a weight of Q1.14."""
    return round_shift(((1 << 14) - weight) * a + weight * b, 14)
