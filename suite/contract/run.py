"""A network, layer by layer."""
from dataclasses import asdict

import numpy as np
from shapes import RECURRENT, frames, names, own

from .frames import affine, embedding, layernorm
from .numbers import GATE, TANH, UNIT, fixed, look_up
from .product import Counts, Site
from .recurrent import recurrent
from .simple import sru


def pointwise(layer, mine, codes, fraction, lengths, site, formats, counts):
    if layer["kind"] == "relu":
        return np.maximum(codes, 0), fraction
    assert fraction == {"sigmoid": GATE, "tanh": TANH}[layer["kind"]], "the argument of a function has another format"
    return np.array([[look_up(layer["kind"], code) for code in row] for row in codes]), UNIT


KINDS = {"sru": sru, "linear": affine, "conv1d": affine, "embedding": embedding, "layernorm": layernorm} | dict.fromkeys(
    RECURRENT, recurrent
)


def run(layers, parameters, calibration, features, lengths, spec):
    """Codes of the output, its fraction bits, and of every layer what saturated.

    spec: one (weight bits, input bits) a site.
    """
    sites = iter(list(zip(calibration["sites"], spec, strict=True)))
    fraction = calibration["input_fraction"]
    codes = fixed(features, fraction)
    all_counts = []
    for layer, name, formats in zip(layers, names(layers), calibration["layers"], strict=True):
        counts = Counts()

        site = lambda weight: Site(weight, *next(sites), counts)
        of_kind = KINDS.get(layer["kind"], pointwise)
        codes, fraction = of_kind(layer, own(parameters, name), codes, fraction, lengths, site, formats, counts)
        lengths = [frames(layer, length) for length in lengths]
        all_counts.append(asdict(counts))
    assert next(sites, None) is None
    return codes.astype(np.int16), fraction, all_counts
