"""A network in float64, by its equations, and what calibration would see in it.

Sums are `math.fsum`, correctly rounded, so that the reference does not depend on how a library orders them.
Source: Lei et al. 2018, equations 1-4.
"""
import math

import numpy as np
from contract import highway_scale, names, own, skip_of


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


FUNCTIONS = {"relu": lambda x: max(x, 0.0), "tanh": math.tanh, "sigmoid": sigmoid}


def everywhere(function, values):
    return np.array([[function(float(x)) for x in row] for row in values])


def matmul(x, w):
    columns = w.T.tolist()
    return np.array([[math.fsum(a * b for a, b in zip(row, column)) for column in columns] for row in x.tolist()])


def largest(values):
    return float(np.abs(values).max()) if values.size else 0.0


def sru(layer, parameters, x, lengths, seen):
    hidden, directions = layer["hidden"], 2 if layer.get("bidirectional") else 1
    skip = skip_of(layer, x.shape[1])
    parts, inner = 4 if skip == "matrix" else 3, x
    if "projection" in layer:
        inner = matmul(x, parameters["projection"])
        seen.append({"input": largest(x), "parts": [largest(inner)]})
    u = matmul(inner, parameters["weight"]).reshape(len(x), directions, parts, hidden)
    highway = np.zeros((len(x), directions, hidden))
    if skip == "identity":
        highway = float(highway_scale(layer)) * x.reshape(highway.shape)
    elif skip == "matrix":
        highway = u[:, :, 3]
    seen.append({"input": largest(inner), "parts": [largest(u[:, :, part]) for part in range(3)] + [largest(highway)]})
    v, b = (parameters[name].reshape(2, directions, hidden) for name in ("vectors", "bias"))
    h = np.zeros_like(highway)
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for d in range(directions):
            c = np.zeros(hidden)
            for t in np.arange(first, first + length)[:: -1 if d else 1]:
                f, r = (everywhere(sigmoid, [u[t, d, 1 + gate] + v[gate, d] * c + b[gate, d]])[0] for gate in range(2))
                c = f * c + (1 - f) * u[t, d, 0]
                h[t, d] = r * c + (1 - r) * highway[t, d]
    return h.reshape(len(x), directions * hidden)


def run(layers, parameters, features, lengths):
    """The output, and of every site the largest magnitude of its input and of each part of its result."""
    x, seen = features.astype(np.float64), []
    for layer, name in zip(layers, names(layers)):
        mine = {key: value.astype(np.float64) for key, value in own(parameters, name).items()}
        if layer["kind"] == "sru":
            x = sru(layer, mine, x, lengths, seen)
        elif layer["kind"] == "linear":
            y = matmul(x, mine["weight"]) + mine["bias"]
            seen.append({"input": largest(x), "parts": [largest(y)]})
            x = y
        else:
            x = everywhere(FUNCTIONS[layer["kind"]], x)
    return x, seen
