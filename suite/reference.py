"""A network in float64, by its equations, and what calibration would see in it.

Sums are `math.fsum`, correctly rounded, so that the reference does not depend on how a library orders them.
Source: Lei et al. 2018, equations 1-4, and for other cells the papers that `mohaq::nn::Cell` names.
"""
import math

import numpy as np
import shapes
from contract.simple import highway_scale
from shapes import RECURRENT, directions, gates, input_products, names, own, recurrent_products, skip_of


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


class Seen:
    """Largest magnitudes: of every site's input and each part of its result, and of a layer's tensor that nothing bounds."""

    def __init__(self):
        self.sites, self.layers = [], []

    def site(self, parts):
        """A place for what one more site sees."""
        self.sites.append({"input": 0.0, "parts": [0.0] * parts})
        return self.sites[-1]

    def unbounded(self, values):
        self.layers[-1] = max(self.layers[-1], largest(values))


def multiply(x, weight, bias, parts, met):
    """[rows, parts, hidden] of one direction, and `met` made to cover it."""
    result = (matmul(x, weight) + bias).reshape(len(x), parts, -1)
    met["input"] = max(met["input"], largest(x))
    met["parts"] = [max(before, largest(result[:, part])) for part, before in enumerate(met["parts"])]
    return result


def sru(layer, parameters, x, lengths, seen):
    hidden, both = layer["hidden"], directions(layer)
    skip = skip_of(layer, x.shape[1])
    inner = x
    if layer.get("layer_norm"):
        inner = np.array([layernorm(shapes.norm_of(parameters), row) for row in x])
    if "projection" in layer:
        inner = multiply(inner, parameters["projection"], 0, 1, seen.site(1))[:, 0]
    u = []
    for product in input_products(layer, x.shape[1]):
        met, shape = seen.site(len(product.gates)), (len(x), both, len(product.gates), hidden)
        met["input"], result = largest(inner), matmul(inner, parameters[product.parameter]).reshape(shape)
        met["parts"] = [largest(result[:, :, part]) for part in range(len(product.gates))]
        u.append(result)
    u = np.concatenate(u, axis=2)
    highway = np.zeros((len(x), both, hidden))
    if skip == "identity":
        highway = float(highway_scale(layer)) * x.reshape(highway.shape)
    elif skip == "matrix":
        highway = u[:, :, 3]
    seen.unbounded(highway)
    v, b = (parameters[name].reshape(2, both, hidden) for name in ("vectors", "bias"))
    h = np.zeros_like(highway)
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for d in range(both):
            c = np.zeros(hidden)
            for t in np.arange(first, first + length)[:: -1 if d else 1]:
                f, r = (everywhere(sigmoid, [u[t, d, 1 + gate] + v[gate, d] * c + b[gate, d]])[0] for gate in range(2))
                c = f * c + (1 - f) * u[t, d, 0]
                h[t, d] = r * c + (1 - r) * highway[t, d]
    return h.reshape(len(x), both * hidden)


def apply(function, values):
    return np.array([FUNCTIONS[function](float(x)) for x in values])


def unit(layer, u, v, p, h, c):
    """h and c of all units of a direction after a frame. u, v: [gates, hidden], p: [peepholes, hidden]."""
    kind, functions = layer["kind"], [function for _, function in gates(layer)]
    gate = lambda i, more=0: apply(functions[i], u[i] + v[i] + more)
    if kind == "rnn":
        return gate(0), c
    if kind == "lstm":
        last = len(u) - 1
        looks = p if len(p) else np.zeros((last, len(c)))
        i = gate(0, looks[0] * c)
        f = 1 - i if layer.get("coupled") else gate(1, looks[1] * c)
        c = f * c + i * gate(last - 1)
        return gate(last, looks[-1] * c) * apply("tanh", c), c
    if kind == "gru":
        r, z = gate(0), gate(1)
        n = gate(2) if layer.get("reset") == "before" else apply("tanh", u[2] + r * v[2])
        return (1 - z) * n + z * h, c
    if kind == "ligru":
        return (1 - gate(0)) * gate(1) + gate(0) * h, c
    if kind == "mgu":
        return (1 - gate(0)) * h + gate(0) * gate(1), c
    c = gate(1) * c + (1 - gate(1)) * gate(0)
    return (gate(2) * c if len(u) == 3 else c), c


def columns(values, width, direction):
    """One direction's columns of a matrix."""
    return values[:, direction * width : (direction + 1) * width]


class Direction:
    """One direction of a layer. `met`: of every site what it sees."""

    def __init__(self, layer, parameters, direction, met):
        self.layer, self.hidden = layer, layer["hidden"]
        mine = lambda name, gates=1: columns(parameters[name], gates * self.hidden, direction)
        met, self.input, self.recurrent = iter(met), [], []
        for product in input_products(layer, 0):
            count, bias = len(product.gates), product.parameter.replace("weight", "bias")
            self.input.append((mine(product.parameter, count), mine(bias, count), count, next(met)))
        for product in recurrent_products(layer):
            bias = np.zeros((len(product.gates), self.hidden))
            if "recurrent_bias" in parameters and 2 in product.gates:
                bias[2 - product.gates.start] = mine("recurrent_bias")[0]
            weight = mine(product.parameter, len(product.gates))
            self.recurrent.append((product, weight, bias.reshape(1, -1), next(met)))
        self.peepholes = mine("peepholes") if "peepholes" in parameters else []
        self.projection = None
        if "projection" in layer:
            self.projection = columns(parameters["projection"], layer["projection"], direction), next(met)

    def recurrent_results(self, u, shown, h):
        v = np.zeros_like(u)
        for product, weight, bias, met in self.recurrent:
            read = apply("sigmoid", u[0] + v[0]) * h if product.gated else shown
            v[product.gates] = multiply(read[None], weight, bias, len(product.gates), met)[0]
        return v

    def through_time(self, x, seen):
        """h of one sequence, [frames, width], frames in the order in which they are met."""
        if self.layer.get("window", 1) == 2:
            x = np.concatenate([np.concatenate([np.zeros_like(x[:1]), x[:-1]]), x], axis=1)
        u = np.concatenate([multiply(x, *product) for product in self.input], axis=1)
        h, c, outputs = np.zeros(self.hidden), np.zeros(self.hidden), []
        shown = np.zeros(self.layer.get("projection", self.hidden))
        for of_frame in u:
            v = self.recurrent_results(of_frame, shown, h)
            h, c = unit(self.layer, of_frame, v, self.peepholes, h, c)
            seen.unbounded(h if shapes.shows_relu(self.layer) else c)
            shown = h
            if self.projection:
                weight, met = self.projection
                shown = multiply(h[None], weight, 0, 1, met)[0, 0]
            outputs.append(shown)
        return outputs


def recurrent(layer, parameters, x, lengths, seen):
    products = input_products(layer, x.shape[1]) + recurrent_products(layer)
    met = [seen.site(len(product.gates)) for product in products]
    met += [seen.site(1)] if "projection" in layer else []
    h = np.zeros((len(x), directions(layer), layer.get("projection", layer["hidden"])))
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for d in range(directions(layer) if length else 0):
            rows = np.arange(first, first + length)[:: -1 if d else 1]
            h[rows, d] = Direction(layer, parameters, d, met).through_time(x[rows], seen)
    return h.reshape(len(x), -1)


def conv1d(layer, parameters, x, lengths, seen):
    left = layer.get("padding", [0, 0])[0]
    met, outputs = seen.site(1), []
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for t in range(shapes.frames(layer, length)):
            start = t * layer.get("stride", 1) - left
            inside = [x[first + k] if 0 <= k < length else 0 * x[0] for k in range(start, start + layer["kernel"])]
            outputs.append(multiply(np.concatenate(inside)[None], parameters["weight"], parameters["bias"], 1, met)[0, 0])
    return np.array(outputs)


def layernorm(parameters, row):
    far = row - math.fsum(row) / len(row)
    deviation = math.sqrt(math.fsum(far * far) / len(row) + 1e-5)
    return far / deviation * parameters["gain"][0] + parameters["bias"][0]


def run(layers, parameters, features, lengths):
    """The output, and what was `Seen`."""
    x, seen = features.astype(np.float64), Seen()
    for layer, name in zip(layers, names(layers)):
        mine = {key: value.astype(np.float64) for key, value in own(parameters, name).items()}
        kind = layer["kind"]
        seen.layers.append(0.0)
        if kind == "sru":
            x = sru(layer, mine, x, lengths, seen)
        elif kind in RECURRENT:
            x = recurrent(layer, mine, x, lengths, seen)
        elif kind == "linear":
            x = multiply(x, mine["weight"], mine["bias"], 1, seen.site(1))[:, 0]
        elif kind == "conv1d":
            x = conv1d(layer, mine, x, lengths, seen)
        elif kind == "embedding":
            x = mine["weight"][x[:, 0].astype(int)]
            seen.site(1)["parts"] = [largest(x)]
        elif kind == "layernorm":
            x = np.array([layernorm(mine, row) for row in x])
            seen.unbounded(x)
        else:
            x = everywhere(FUNCTIONS[kind], x)
        lengths = [shapes.frames(layer, length) for length in lengths]
    return x, seen
