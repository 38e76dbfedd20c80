"""How far a fake-quantized network may be from the integers: an enclosure of its output in interval arithmetic.

What mohaq's quantization-aware arithmetic does, in float32: operands and results of products (with their biases, but for
those of simple recurrent units) go to their grids, biases, peepholes, gains and recurrent vectors to theirs; everything
elementwise stays float, and so do features and the highway. `enclose` follows every number as an interval. Where an
interval contains the border between two codes of a grid, both are kept: a step of a 2 bit operand then widens all that
follows, and that is the honest bound. `distance` is the largest number of output steps between the interval and the codes.
"""
import numpy as np
import shapes
from contract.frames import gain_fraction, windows
from contract.numbers import GATE, TANH, finest, largest_code, operand_scales, weight_codes
from contract.simple import highway_scale, vector_fraction
from intervals import UNIT_ROUNDOFF, Interval, mean, normalised, relu, sigmoid, tanh
from shapes import RECURRENT, directions, gates, input_products, names, own, recurrent_products, skip_of

FUNCTIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}


def fixed_grid(values, fraction):
    return values.on_grid(16, 2.0**fraction, 2.0**-fraction)


def operand(values, ranges, bits):
    if bits == 16:
        return fixed_grid(values, ranges["fraction16"])
    clip, top = np.float32(ranges[f"clip{bits}"][0]), np.float32(largest_code(bits))
    return Interval.point(np.zeros_like(values.low)) if clip == 0 else values.on_grid(bits, top / clip, clip / top)


def weights(weight, ranges, bits):
    """Values of float32 on their grid, exactly as they are."""
    codes = weight_codes(weight, ranges, bits)
    if bits == 16:
        return codes * 2.0 ** -ranges["fraction16"]
    steps = np.array(ranges[f"clip{bits}"], dtype=np.float32) / np.float32(largest_code(bits))
    return (codes.astype(np.float32) * steps).astype(np.float64)


class Site:
    """A matrix on its grid, and the grid of its input."""

    def __init__(self, weight, ranges, precision):
        weight_bits, self.input_bits = precision
        self.input, self.weights = ranges["input"], weights(weight, ranges["weight"], weight_bits)

    def product(self, values, fractions, bias=None, first=0):
        """Columns from `first` on, each on the grid of its fraction bits, with biases where there are any."""
        x, w = operand(values, self.input, self.input_bits), self.weights[:, first : first + len(fractions)]
        up, down = np.maximum(w, 0), np.minimum(w, 0)
        sums = Interval(x.low @ up + x.high @ down, x.high @ up + x.low @ down)
        # n products and sums in any order: n roundings, each of at most the sum of magnitudes.
        sums = sums.widen(1.01 * (len(w) + 1) * UNIT_ROUNDOFF * (x.largest() @ np.abs(w)))
        return on_grids(sums if bias is None else sums + bias, fractions)


def on_grids(values, fractions):
    columns = [fixed_grid(values[:, column], fraction) for column, fraction in enumerate(fractions)]
    return Interval(np.stack([c.low for c in columns], axis=1), np.stack([c.high for c in columns], axis=1))


def rounded(values, fraction):
    return fixed_grid(Interval.point(values.astype(np.float64)), fraction)


def sru(layer, parameters, x, lengths, site, formats):
    hidden, both = layer["hidden"], directions(layer)
    frames, inputs = x.low.shape
    skip, inner = skip_of(layer, inputs), x
    if layer.get("layer_norm"):
        inner = layernorm(layer, shapes.norm_of(parameters), x, lengths, site, {"output": formats["normed"]})
    if "projection" in layer:
        inner = site(parameters["projection"]).product(inner, [formats["projected"]] * layer["projection"])
    part_fractions = [formats["state"], GATE, GATE, formats["hidden"]]
    u = []
    for product in input_products(layer, inputs):
        fractions = [part_fractions[part] for _ in range(both) for part in product.gates for _ in range(hidden)]
        results = site(parameters[product.parameter]).product(inner, fractions)
        u.append(results.reshape(frames, both, len(product.gates), hidden))
    u = Interval.joined(u, 2)
    highway = Interval.point(np.zeros((frames, both, hidden)))
    if skip == "identity":
        highway = x.times(float(highway_scale(layer))).reshape(frames, both, hidden)
    elif skip == "matrix":
        highway = u[:, :, 3]
    v = rounded(parameters["vectors"], vector_fraction(parameters["vectors"], formats["state"])).reshape(2, both, hidden)
    b = rounded(parameters["bias"], GATE).reshape(2, both, hidden)
    h = Interval.point(np.zeros((frames, both, hidden)))
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for d in range(both):
            c = Interval.point(np.zeros(hidden))
            for t in np.arange(first, first + length)[:: -1 if d else 1]:
                f, r = (sigmoid(c.times(v.low[i, d]) + u[t, d, 1 + i] + b[i, d]) for i in range(2))
                c = mean(f, c, u[t, d, 0])
                h[t, d] = mean(r, c, highway[t, d])
    return h.reshape(frames, both * hidden)


def unit(layer, u, v, p, h, c):
    """h and c of all units of a direction after a frame; u, v: [gates, hidden], p: values [peepholes, hidden]."""
    kind, functions = layer["kind"], [FUNCTIONS[function] for _, function in gates(layer)]
    look = lambda argument, peephole, state: argument + state.times(peephole)
    if kind == "lstm":
        arguments = [u[i] + v[i] for i in range(len(functions))]
        for i, peephole in enumerate(p[:-1]):
            arguments[i] = look(arguments[i], peephole, c)
        i, new = sigmoid(arguments[0]), tanh(arguments[-2])
        c = mean(i, new, c) if layer.get("coupled") else sigmoid(arguments[1]) * c + i * new
        output = look(arguments[-1], p[-1], c) if len(p) else arguments[-1]
        return sigmoid(output) * tanh(c), c
    if kind == "qrnn":
        c = mean(sigmoid(u[1]), c, tanh(u[0]))
        return (sigmoid(u[2]) * c if len(functions) == 3 else c), c
    last = len(functions) - 1
    first = sigmoid(u[0] + v[0]) if last else None
    resets = kind == "gru" and layer.get("reset", "after") == "after"
    new = functions[last](u[last] + (first * v[last] if resets else v[last]))
    if kind == "rnn":
        return new, c
    if kind == "gru":
        return mean(sigmoid(u[1] + v[1]), h, new), c
    return (mean(first, h, new) if kind == "ligru" else mean(first, new, h)), c


class Layer:
    """A recurrent layer's matrices and vectors on their grids."""

    def __init__(self, layer, parameters, inputs, site, formats):
        self.layer, self.shown = layer, formats["hidden"]
        self.fractions = [{"sigmoid": GATE, "tanh": TANH, "relu": self.shown}[f] for _, f in gates(layer)]
        self.input = [(p, site(parameters[p.parameter]), self.biases(p, parameters)) for p in input_products(layer, inputs)]
        products = recurrent_products(layer)
        self.recurrent = [(p, site(parameters[p.parameter]), self.recurrent_biases(p, parameters)) for p in products]
        self.projection = site(parameters["projection"]) if "projection" in layer else None
        self.peepholes = np.zeros((0, directions(layer), layer["hidden"]))
        if layer.get("peepholes"):
            p = parameters["peepholes"]
            self.peepholes = rounded(p, finest(np.abs(p).max())).low.reshape(-1, *self.peepholes.shape[1:])

    def biases(self, product, parameters):
        """[directions, gates · hidden]."""
        b = parameters[product.parameter.replace("weight", "bias")].reshape(directions(self.layer), -1)
        return np.stack([on_grids(Interval.point(row[None]), self.of(product)).low[0] for row in b])

    def recurrent_biases(self, product, parameters):
        b = np.zeros((directions(self.layer), len(product.gates), self.layer["hidden"]))
        if "recurrent_bias" in parameters and 2 in product.gates:
            b[:, 2 - product.gates.start] = rounded(parameters["recurrent_bias"], TANH).low.reshape(len(b), -1)
        return b.reshape(len(b), -1)

    def of(self, product):
        """Fraction bits of one direction's columns."""
        return [self.fractions[gate] for gate in product.gates for _ in range(self.layer["hidden"])]

    def multiply(self, of_product, values, direction):
        """One direction's columns, [rows, gates, hidden]."""
        product, site, biases = of_product
        fractions, bias = self.of(product), Interval.point(biases[direction][None])
        results = site.product(values, fractions, bias, direction * len(fractions))
        return results.reshape(len(values.low), len(product.gates), self.layer["hidden"])

    def recurrent_results(self, u, shown, h, direction):
        v = Interval.point(np.zeros_like(u.low))
        for of_product in self.recurrent:
            gates_of = of_product[0].gates
            read = sigmoid(u[0] + v[0]) * h if of_product[0].gated else shown
            v[gates_of.start : gates_of.stop] = self.multiply(of_product, read.reshape(1, -1), direction)[0]
        return v

    def through_time(self, x, direction):
        """h of one direction and sequence in its order of time."""
        hidden, zeros = self.layer["hidden"], lambda width: Interval.point(np.zeros(width))
        if self.layer.get("window", 1) == 2:
            before = Interval.joined([zeros((1, x.low.shape[1])), x[:-1]], 0)
            x = Interval.joined([before, x], 1)
        u = Interval.joined([self.multiply(of_product, x, direction) for of_product in self.input], 1)
        h, c, shown = zeros(hidden), zeros(hidden), zeros(self.layer.get("projection", hidden))
        outputs = []
        for t in range(len(x.low)):
            v = self.recurrent_results(u[t], shown, h, direction)
            h, c = unit(self.layer, u[t], v, self.peepholes[:, direction], h, c)
            shown = h
            if self.projection is not None:
                fractions = [self.shown] * self.layer["projection"]
                shown = self.projection.product(h.reshape(1, -1), fractions, None, direction * len(fractions))[0]
            outputs.append(shown.reshape(1, -1))
        return Interval.joined(outputs, 0)


def recurrent(layer, parameters, x, lengths, site, formats):
    ready = Layer(layer, parameters, x.low.shape[1], site, formats)
    width = layer.get("projection", layer["hidden"])
    h = Interval.point(np.zeros((len(x.low), directions(layer), width)))
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for d in range(directions(layer) if length else 0):
            rows = np.arange(first, first + length)[:: -1 if d else 1]
            h[rows, d] = ready.through_time(x[rows], d)
    return h.reshape(len(x.low), -1)


def affine(layer, parameters, x, lengths, site, formats):
    """A linear layer, or a convolution."""
    if layer["kind"] == "conv1d":
        x = Interval(*(windows(layer, end, lengths) for end in (x.low, x.high)))
    fractions = [formats["output"]] * layer["outputs"]
    return site(parameters["weight"]).product(x, fractions, rounded(parameters["bias"], formats["output"]))


def embedding(layer, parameters, x, lengths, site, formats):
    rows = Interval.point(site(parameters["weight"]).weights[x.low[:, 0].astype(int)])
    return fixed_grid(rows, formats["output"])


def layernorm(layer, parameters, x, lengths, site, formats):
    gain = rounded(parameters["gain"], gain_fraction(parameters["gain"])).low
    return normalised(x).times(gain) + rounded(parameters["bias"], formats["output"])


KINDS = {"sru": sru, "linear": affine, "conv1d": affine, "embedding": embedding, "layernorm": layernorm} | dict.fromkeys(
    RECURRENT, recurrent
)


def enclose(layers, parameters, calibration, features, lengths, spec):
    """The interval of every output, [frames, outputs]."""
    sites = iter(list(zip(calibration["sites"], spec, strict=True)))
    x = Interval.point(features.astype(np.float64))
    for layer, name, formats in zip(layers, names(layers), calibration["layers"], strict=True):
        if layer["kind"] in FUNCTIONS:
            x = FUNCTIONS[layer["kind"]](x)
            continue
        site = lambda weight: Site(weight, *next(sites))
        x = KINDS[layer["kind"]](layer, own(parameters, name), x, lengths, site, formats)
        lengths = [shapes.frames(layer, length) for length in lengths]
    return x


def distance(interval, codes, fraction):
    """Largest distance of a value in `interval` from what `codes` stand for, in steps."""
    scaled = [end * 2.0**fraction - codes for end in (interval.low, interval.high)]
    return float(np.abs(scaled).max())


def step_of_last_input(layers, parameters, calibration, spec, fraction):
    """By how many output steps a single code of the last product's input moves an output, at most.

    None where something follows the last product.
    """
    if layers[-1]["kind"] != "linear":
        return None
    (weight_bits, input_bits), site = spec[-1], calibration["sites"][-1]
    (step,) = operand_scales(site["input"], input_bits)
    weight = own(parameters, list(names(layers))[-1])["weight"]
    return float(np.abs(weights(weight, site["weight"], weight_bits)).max()) * step * 2.0**fraction
