"""A case: a network, data, ranges and specs.

A case is drawn from its own seed, with uniform numbers only: those are exact arithmetic on the generator's bits. Ranges
follow a simple rule (`calibrate`), not mohaq's: they are part of the case, and need only exercise the arithmetic.
"""
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
import shapes
from contract.frames import NORMAL, gain_fraction
from contract.numbers import GATE, TANH, UNIT, finest
from shapes import RECURRENT, names, own

WIDTHS = [2, 4, 8, 16]
PAIRS = [f"{w}x{a}" for w in WIDTHS for a in WIDTHS]
# Shares of the largest magnitude at which clips lie, so that at few bits something saturates.
WEIGHT_CLIPS = {2: 0.6, 4: 0.8, 8: 1.0}
INPUT_CLIPS = {2: 0.5, 4: 0.75, 8: 0.95}


@dataclass
class Case:
    name: str
    about: str
    input: int
    layers: list
    lengths: list
    specs: list
    per_channel: bool = False
    # Largest magnitudes of features, weights, recurrent vectors and biases.
    features: float = 2.0
    weights: float = 0.6
    vectors: float = 1.2
    biases: float = 0.8
    # Changes what was drawn: (parameters, features, rng).
    change: Callable = field(default=lambda parameters, features, rng: None)
    # Changes the ranges that the rule gave: (calibration).
    override: Callable = field(default=lambda calibration: None)


def layer(kind, **keys):
    return {"kind": kind} | keys


def linear(outputs):
    return layer("linear", outputs=outputs)


RELU, TANH_LAYER, SIGMOID = (layer(kind) for kind in ("relu", "tanh", "sigmoid"))


def draw(case, rng):
    """Parameters under mohaq's names, and features: of a table the numbers of rows."""
    uniform = lambda rows, columns, largest: rng.uniform(-largest, largest, (rows, columns)).astype(np.float32)
    sizes = {"weight": case.weights, "vector": case.vectors, "bias": case.biases}
    parameters, inputs = {}, case.input
    for layer, name in zip(case.layers, names(case.layers)):
        for last, rows, columns, sort in shapes.parameters(layer, inputs):
            parameters[f"{name}.{last}"] = uniform(rows, columns, sizes[sort])
        inputs = shapes.width(layer, inputs)
    features = uniform(sum(case.lengths), case.input, case.features)
    if case.layers[0]["kind"] == "embedding":
        features[:] = rng.integers(0, case.layers[0]["vocabulary"], features.shape)
    case.change(parameters, features, rng)
    return parameters, features


def operand(largest_of, clips):
    """Ranges of an operand; `largest_of`: one magnitude, or one an output."""
    ranges = {f"clip{bits}": [float(np.float32(share * top)) for top in largest_of] for bits, share in clips.items()}
    top = max(largest_of)
    return ranges | {"fraction16": 14 if top < 2 else 10 if top < 32 else 7}


def layer_format(layer, behind, parts, unbounded):
    """Fraction bits of a layer's tensors. `behind`: the kind of the next layer; `parts`: of each site the largest
    magnitudes of the parts of its result."""
    kind = layer["kind"]
    room = lambda largest: finest(largest, 1.25)
    if kind == "sru":
        projected = {"projected": room(parts.pop(0)[0])} if "projection" in layer else {}
        state = room(parts[0][0])
        return {"kind": kind, "state": state, "hidden": min(state, room(unbounded))} | projected
    if kind in RECURRENT:
        state = {"state": min(room(unbounded), UNIT)} if kind == "lstm" else {}
        shown = room(parts[-1][0]) if "projection" in layer else room(unbounded) if shapes.shows_relu(layer) else UNIT
        return {"kind": "recurrent"} | state | {"hidden": shown}
    if kind in ("relu", "tanh", "sigmoid"):
        return {"kind": "pointwise"}
    result = unbounded if kind == "layernorm" else parts[0][0]
    output = {"tanh": TANH, "sigmoid": GATE}.get(behind, room(result))
    return {"kind": {"layernorm": "layer_norm"}.get(kind, kind), "output": output}


def calibrate(case, parameters, features, seen):
    """Ranges in the shape of `mohaq::quant::Calibration`; `seen` as `reference.run` returns it."""
    sites, layers, met, inputs = [], [], iter(seen.sites), case.input
    behind = [layer["kind"] for layer in case.layers[1:]] + [None]
    for layer, name, next_kind, unbounded in zip(case.layers, names(case.layers), behind, seen.layers, strict=True):
        mine, parts, read = own(parameters, name), [], []
        for last, parameter in shapes.sites(layer, inputs):
            weight, of_site = mine[parameter], next(met)
            tops = np.abs(weight).max(axis=0).tolist() if case.per_channel else [float(np.abs(weight).max())]
            site = {"site": f"{name}.{last}" if last else name}
            site |= {"weight": operand(tops, WEIGHT_CLIPS), "input": operand([of_site["input"]], INPUT_CLIPS)}
            sites.append(site)
            parts.append(of_site["parts"])
            read.append(of_site["input"])
        layers.append(layer_format(layer, next_kind, parts, unbounded))
        if layer.get("layer_norm"):
            finest_normed = NORMAL + gain_fraction(mine["norm.gain"])
            layers[-1]["normed"] = min(finest(read[0], 1.25), finest_normed)
        inputs = shapes.width(layer, inputs)
    reads_tokens = case.layers[0]["kind"] == "embedding"
    fraction = 0 if reads_tokens else finest(float(np.abs(features).max()), 1.25)
    calibration = {"sites": sites, "layers": layers, "input_fraction": fraction}
    case.override(calibration)
    return calibration
