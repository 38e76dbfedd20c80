#!/usr/bin/env python3
"""Writes network.mohaq and network.txt beside this file: an image, and what its network computes.

    python3 golden/image/make.py

Shares no code with the crate and needs no packages (Python 3.8 or later). The format is that of the module `image` of
mohaq-rt, the arithmetic that of the book's chapter "Numerics", in Python's integers of any length and, for the tables, its
doubles. Random numbers are those of random.Random(3).

network.txt has lines of a name and numbers: `starts`, the first frame of each sequence and the number of frames; `inputs` and
`outputs`, codes frame by frame; `clipped`, how many of how many codes on the way were clipped."""
import math
import pathlib
import random
import struct
import zlib

rng = random.Random(3)
count = {"clipped": 0, "total": 0}


def round_shift(value, shift):
    """value / 2^shift, half to even."""
    floor, rest = value >> shift, value & ((1 << shift) - 1)
    twice = 2 * rest
    return floor + (twice > 1 << shift or (twice == 1 << shift and floor % 2 == 1))


def saturate(value, bits):
    code = max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, value))
    count["clipped"] += code != value
    count["total"] += 1
    return code


def table(function, step):
    """512 pieces of 128 codes: the value at each end, in Q1.14."""
    return [round(function((piece - 256) * 128 * step) * 16384) for piece in range(513)]


SIGMOID = table(lambda z: 1 / (1 + math.exp(-z)), 1 / 2048)
TANH = table(math.tanh, 1 / 4096)


def at(ends, code):
    piece, part = divmod(code + 32768, 128)
    return round_shift((ends[piece] << 7) + (ends[piece + 1] - ends[piece]) * part, 7)


class Site:
    def __init__(self, inputs, columns, weight, activation, requantizers, spread, biased):
        self.inputs, self.columns, self.weight, self.activation = inputs, columns, weight, activation
        low, high = -(1 << (weight - 1)), (1 << (weight - 1)) - 1
        self.weights = [[rng.randint(low, high) for _ in range(inputs)] for _ in range(columns)]
        # 2^(activation − 16) and a bit more: the largest inputs saturate.
        self.input = (rng.randint(2_200_000, 2_500_000), 21 + 16 - activation)
        typical = int(math.log2(math.sqrt(inputs) * 2 ** (weight + activation - 3)))
        self.requantizers = [(rng.randint(1 << 21, (1 << 22) - 1), 21 + typical - spread) for _ in range(requantizers)]
        self.biases = [rng.randint(-4000, 4000) for _ in range(columns)] if biased else []

    def operands(self, codes):
        return [saturate(round_shift(code * self.input[0], self.input[1]), self.activation) for code in codes]

    def column(self, column, operands, part):
        multiplier, shift = self.requantizers[column if len(self.requantizers) == self.columns else part]
        total = sum(weight * operand for weight, operand in zip(self.weights[column], operands))
        bias = self.biases[column] if self.biases else 0
        return saturate(round_shift(total * multiplier, shift) + bias, 16)

    def run(self, codes):
        operands = self.operands(codes)
        return [self.column(column, operands, 0) for column in range(self.columns)]

    def tensors(self):
        def row(codes):
            bits = sum((code & ((1 << self.weight) - 1)) << (place * self.weight) for place, code in enumerate(codes))
            size = -(-len(codes) * self.weight // 8)
            return bits.to_bytes(-(-size // 4) * 4, "little")

        yield "weights", b"".join(row(codes) for codes in self.weights)
        yield "requantizers", b"".join(struct.pack("<iI", *parts) for parts in self.requantizers)
        if self.biases:
            yield "biases", struct.pack(f"<{self.columns}h", *self.biases)

    def record(self, places):
        return struct.pack(
            "<BBBxiIIIIII", self.weight, self.activation, self.input[1], self.input[0], self.inputs, self.columns,
            places["weights"], places["requantizers"], len(self.requantizers), places.get("biases", 0))


class Sru:
    def __init__(self, inputs, hidden, directions, highway, projection, site, gate_shift, hidden_shift, factor=(0, 0)):
        self.inputs, self.hidden, self.directions, self.highway = inputs, hidden, directions, highway
        self.projection, self.site, self.factor = projection, site, factor
        self.gate_shift, self.hidden_shift = gate_shift, hidden_shift
        self.outputs = directions * hidden
        self.vectors = [[rng.randint(-32768, 32767) for _ in range(self.outputs)] for _ in range(2)]

    def run(self, frames, starts):
        projected = [self.projection.run(frame) if self.projection else frame for frame in frames]
        operands = [self.site.operands(frame) for frame in projected]
        outputs = [[0] * self.outputs for _ in frames]
        for direction in range(self.directions):
            for first, end in zip(starts, starts[1:]):
                state = [0] * self.hidden
                order = range(first, end) if direction == 0 else reversed(range(first, end))
                for frame in order:
                    for unit in range(self.hidden):
                        h = self.unit(direction, unit, frames[frame], operands[frame], state)
                        outputs[frame][direction * self.hidden + unit] = h
        return outputs

    def unit(self, direction, unit, inputs, operands, state):
        place, parts = direction * self.hidden + unit, 4 if self.highway == 1 else 3
        products = [
            self.site.column((direction * parts + part) * self.hidden + unit, operands, part) for part in range(parts)
        ]
        skip = [0, products[-1], 0][self.highway]
        if self.highway == 2:
            skip = saturate(round_shift(inputs[place] * self.factor[0], self.factor[1]), 16)
        # Both gates look at the state before this frame.
        f, r = [self.gate(self.vectors[gate][place], products[1 + gate], state[unit]) for gate in range(2)]
        state[unit] = round_shift(f * state[unit] + (16384 - f) * products[0], 14)
        return round_shift(r * round_shift(state[unit], self.hidden_shift) + (16384 - r) * skip, 14)

    def gate(self, vector, product, state):
        total = vector * state + (product << self.gate_shift)
        return at(SIGMOID, saturate(round_shift(total, self.gate_shift), 16))

    def sites(self):
        return [self.projection, self.site] if self.projection else [self.site]

    def own_tensor(self):
        return struct.pack(f"<{2 * self.outputs}h", *self.vectors[0], *self.vectors[1])

    def record(self, first, vectors):
        return record(
            1, self, first, directions=self.directions, highway=self.highway, projected=self.projection is not None,
            gate_shift=self.gate_shift, hidden_shift=self.hidden_shift, hidden=self.hidden, vectors=vectors,
            factor=self.factor)


def mix(weight, a, b):
    return round_shift((16384 - weight) * a + weight * b, 14)


# Number, gates and their functions of every cell.
CELLS = {
    "rnn_tanh": (1, "t"), "rnn_relu": (2, "r"), "lstm": (3, "sstS"), "coupled": (4, "stS"), "gru_after": (5, "sst"),
    "gru_before": (6, "sst"), "ligru": (7, "sr"), "mgu": (8, "st"), "qrnn_f": (9, "ts"), "qrnn_fo": (10, "tss"),
}


class Recurrent:
    """Cells that multiply their hidden output: one product for all gates, or with `split` one for each."""

    def __init__(self, cell, inputs, hidden, directions, widths, window=1, split=False, projection=None, fraction=14, peep=None):
        self.cell, self.inputs, self.hidden, self.directions, self.window, self.split = cell, inputs, hidden, directions, window, split
        self.number, functions = CELLS[cell]
        self.gates, self.fraction, self.peep = len(functions), fraction, peep
        self.width = projection or hidden
        self.outputs = directions * self.width
        units, gated = directions * hidden, cell in ("gru_before", "mgu")
        ranges = [[gate] for gate in range(self.gates)] if split else [list(range(self.gates))]
        hidden_ranges = ranges
        if cell.startswith("qrnn"):
            hidden_ranges = []
        elif gated and not split:
            hidden_ranges = [list(range(self.gates - 1)), [self.gates - 1]]

        def site(inputs, gates, biased):
            weight, activation = widths[self.made % len(widths)]
            self.made += 1
            return Site(inputs, len(gates) * units, weight, activation, len(gates), 13, biased)

        self.made = 0
        self.input = [(gates, site(window * inputs, gates, True)) for gates in ranges]
        self.recurrent = [(gates, site(self.width, gates, self.made % 2 == 0)) for gates in hidden_ranges]
        self.projection = Site(hidden, directions * projection, 4, 8, 1, 14, False) if projection else None
        looks = {"lstm": 3, "coupled": 2}.get(cell, 0) if peep is not None else 0
        self.peepholes = [[rng.randint(-32768, 32767) for _ in range(units)] for _ in range(looks)]
        self.gated = gated

    def run(self, frames, starts):
        outputs = [[0] * self.outputs for _ in frames]
        for direction in range(self.directions):
            for first, end in zip(starts, starts[1:]):
                h, c, before = [0] * self.width, [0] * self.hidden, [0] * self.inputs
                for frame in range(first, end) if direction == 0 else reversed(range(first, end)):
                    x = before + frames[frame] if self.window == 2 else frames[frame]
                    before = frames[frame]
                    h, c = self.step(direction, x, h, c)
                    outputs[frame][direction * self.width:(direction + 1) * self.width] = h
        return outputs

    def multiply(self, site, gates, direction, codes, counted=True):
        kept = dict(count)
        operands = site.operands(codes)
        if not counted:
            count.update(kept)
        base = direction * len(gates) * self.hidden
        return {
            gate: [site.column(base + part * self.hidden + unit, operands, part) for unit in range(self.hidden)]
            for part, gate in enumerate(gates)
        }

    def step(self, direction, x, h, c):
        u, v = {}, {gate: [0] * self.hidden for gate in range(self.gates)}
        for gates, site in self.input:
            # Both directions read the same operands, which count once.
            u.update(self.multiply(site, gates, direction, x, direction == 0 or self.window == 2))
        for index, (gates, site) in enumerate(self.recurrent):
            read = h
            if self.gated and index + 1 == len(self.recurrent):
                kept = dict(count)
                first = [at(SIGMOID, saturate(a + b, 16)) for a, b in zip(u[0], v[0])]
                count.update(kept)
                read = [round_shift(gate * code, 14) for gate, code in zip(first, h)]
            v.update(self.multiply(site, gates, direction, read))
        shown, states = [], []
        for unit in range(self.hidden):
            peep = [vector[direction * self.hidden + unit] for vector in self.peepholes]
            a, b = self.unit([u[gate][unit] for gate in range(self.gates)], [v[gate][unit] for gate in range(self.gates)],
                             peep, h[unit] if unit < len(h) else 0, c[unit])
            shown.append(a)
            states.append(b)
        if self.projection:
            operands = self.projection.operands(shown)
            shown = [self.projection.column(direction * self.width + column, operands, 0) for column in range(self.width)]
        return shown, states

    def unit(self, u, v, peep, h, c):
        def arg(gate):
            return saturate(u[gate] + v[gate], 16)

        def look(argument, vector, state):
            kept = dict(count)
            product = saturate(round_shift(vector * state, self.peep), 16)
            count.update(kept)
            return saturate(argument + product, 16)

        sigma, tanh = (lambda code: at(SIGMOID, code)), (lambda code: at(TANH, code))
        if self.cell == "rnn_tanh":
            return tanh(arg(0)), c
        if self.cell == "rnn_relu":
            return max(arg(0), 0), c
        if self.cell in ("lstm", "coupled"):
            full = self.cell == "lstm"
            args = [arg(gate) for gate in range(self.gates)]
            if peep:
                args[0] = look(args[0], peep[0], c)
                if full:
                    args[1] = look(args[1], peep[1], c)
            i = sigma(args[0])
            f = sigma(args[1]) if full else 16384 - i
            c = saturate(round_shift(f * c + round_shift(i * tanh(args[-2]), 14 - self.fraction), 14), 16)
            if peep:
                args[-1] = look(args[-1], peep[-1], c)
            kept = dict(count)
            shown = saturate(c << (12 - self.fraction) if self.fraction < 12 else round_shift(c, self.fraction - 12), 16)
            count.update(kept)
            return round_shift(sigma(args[-1]) * tanh(shown), 14), c
        if self.cell == "gru_after":
            r, z = sigma(arg(0)), sigma(arg(1))
            return mix(z, tanh(saturate(u[2] + round_shift(r * v[2], 14), 16)), h), c
        if self.cell == "gru_before":
            arg(0)
            z = sigma(arg(1))
            return mix(z, tanh(arg(2)), h), c
        if self.cell == "ligru":
            z = sigma(arg(0))
            return mix(z, max(arg(1), 0), h), c
        if self.cell == "mgu":
            f = sigma(arg(0))
            return mix(f, h, tanh(arg(1))), c
        c = mix(sigma(u[1]), tanh(u[0]), c)
        return (c if self.cell == "qrnn_f" else round_shift(sigma(u[2]) * c, 14)), c

    def sites(self):
        return [site for _, site in self.input + self.recurrent] + ([self.projection] if self.projection else [])

    def own_tensor(self):
        return b"".join(struct.pack(f"<{len(vector)}h", *vector) for vector in self.peepholes)

    def record(self, first, vectors):
        return record(
            4, self, first, function=self.number, directions=self.directions, projected=self.projection is not None,
            split=self.split, hidden=self.hidden, vectors=vectors, fraction=self.fraction, peepholes=bool(self.peepholes),
            peephole_shift=self.peep or 0, window=self.window)


class Conv1d:
    def __init__(self, site, inputs, kernel, stride, padding):
        self.site, self.inputs, self.outputs = site, inputs, site.columns
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def run(self, frames, starts):
        outputs, ends = [], [0]
        for first, end in zip(starts, starts[1:]):
            padded = [[0] * self.inputs] * self.padding[0] + frames[first:end] + [[0] * self.inputs] * self.padding[1]
            if end > first:
                for at_frame in range(0, len(padded) - self.kernel + 1, self.stride):
                    outputs.append(self.site.run(sum(padded[at_frame:at_frame + self.kernel], [])))
            ends.append(len(outputs))
        starts[:] = ends
        return outputs

    def sites(self):
        return [self.site]

    def own_tensor(self):
        return b""

    def record(self, first, vectors):
        return record(5, self, first, kernel=self.kernel, stride=self.stride, padding=self.padding)


class Norm:
    def __init__(self, width, epsilon, shift):
        self.inputs = self.outputs = width
        self.epsilon, self.shift = epsilon, shift
        self.vectors = [[rng.randint(-20000, 20000) for _ in range(width)] for _ in range(2)]

    def run(self, frames, _):
        return [self.normalise(frame) for frame in frames]

    def normalise(self, codes):
        n = len(codes)
        distances = [n * code - sum(codes) for code in codes]
        scale = max(max(map(abs, distances)).bit_length() - 23, 0)
        variance = sum((d >> scale) ** 2 for d in distances) // n
        root = max(math.isqrt((variance << 8) + ((self.epsilon * n * n) >> (2 * scale))), 1)
        outputs = []
        for d, gain, bias in zip(distances, *self.vectors):
            divisor = root << scale
            magnitude = ((abs(d) << 15) + divisor // 2) // divisor
            normal = saturate(-magnitude if d < 0 else magnitude, 16)
            outputs.append(saturate(round_shift(normal * gain, self.shift) + bias, 16))
        return outputs

    def sites(self):
        return []

    def own_tensor(self):
        return struct.pack(f"<{2 * self.inputs}h", *self.vectors[0], *self.vectors[1])

    def record(self, first, vectors):
        return record(7, self, first, vectors=vectors, epsilon=self.epsilon, norm_shift=self.shift)


class Linear:
    def __init__(self, site):
        self.site, self.inputs, self.outputs = site, site.inputs, site.columns

    def run(self, frames, _):
        return [self.site.run(frame) for frame in frames]

    def sites(self):
        return [self.site]

    def own_tensor(self):
        return b""

    def record(self, first, _):
        return record(2, self, first)


class Tanh:
    def __init__(self, width):
        self.inputs = self.outputs = width

    def run(self, frames, _):
        return [[at(TANH, code) for code in frame] for frame in frames]

    def sites(self):
        return []

    def own_tensor(self):
        return b""

    def record(self, first, _):
        return record(3, self, first, function=2)


def record(kind, layer, first, function=0, directions=0, highway=0, projected=False, split=False, gate_shift=0,
           hidden_shift=0, hidden=0, vectors=0, factor=(0, 0), fraction=0, peepholes=False, peephole_shift=0, window=0,
           kernel=0, stride=0, padding=(0, 0), epsilon=0, norm_shift=0):
    return struct.pack(
        "<BBBBBBBBIIIIhBBBBBxHHHHIB3xI12x", kind, function, directions, highway, projected, split, gate_shift, hidden_shift,
        layer.inputs, layer.outputs, hidden, vectors, factor[0], factor[1], fraction, peepholes, peephole_shift, window,
        kernel, stride, *padding, epsilon, norm_shift, first if layer.sites() else 0)


def image(layers):
    """The file: tensors first, as records have their places."""
    records, products, tensors = b"", b"", b""
    count_of_products = sum(len(layer.sites()) for layer in layers)
    base = 64 + 64 * len(layers) + 32 * count_of_products

    def place(tensor):
        nonlocal tensors
        tensors += bytes(-(base + len(tensors)) % 64)
        offset = base + len(tensors)
        tensors += tensor
        return offset

    first = 0
    for layer in layers:
        own = layer.own_tensor()
        records += layer.record(first, place(own) if own else 0)
        for site in layer.sites():
            products += site.record({tensor: place(content) for tensor, content in site.tensors()})
            first += 1
    body = records + products + tensors
    head = struct.pack("<IIIIBB2xI24x", 64 + len(body), len(layers), layers[0].inputs, layers[-1].outputs, 12, 10, first)
    checked = head + body
    return b"\x89mohaq\r\n" + struct.pack("<II", 2, zlib.crc32(checked)) + checked


def main():
    every = [(2, 8), (8, 4), (4, 16), (16, 8), (8, 8)]
    layers = [
        Sru(5, 17, 2, 1, Site(5, 6, 4, 16, 1, 13, False), Site(6, 2 * 4 * 17, 2, 8, 4, 13, True), 12, 1),
        Sru(34, 34, 1, 2, None, Site(34, 3 * 34, 8, 4, 3 * 34, 13, True), 14, 0, (-23_170, 14)),
        Conv1d(Site(3 * 34, 18, 4, 8, 1, 14, True), 34, 3, 2, (1, 1)),
        Norm(18, 3000, 14),
        Recurrent("lstm", 18, 17, 2, every, projection=3, fraction=11, peep=16),
        Recurrent("coupled", 6, 5, 1, every, split=True, fraction=13),
        Recurrent("gru_after", 5, 17, 2, every),
        Recurrent("gru_before", 34, 4, 2, every, split=True),
        Recurrent("mgu", 8, 16, 1, every),
        Recurrent("qrnn_fo", 16, 5, 2, every, window=2),
        Recurrent("ligru", 10, 6, 1, every),
        Recurrent("qrnn_f", 6, 7, 1, every, split=True),
        Recurrent("rnn_relu", 7, 8, 2, every),
        Recurrent("rnn_tanh", 16, 9, 1, every),
        Tanh(9),
        Linear(Site(9, 5, 16, 16, 5, 13, True)),
    ]
    starts = [0, 7, 7, 8, 12]
    frames = [[rng.choice([-32768, 32767, *[rng.randint(-9000, 9000)] * 6]) for _ in range(5)] for _ in range(starts[-1])]
    values, inner = frames, list(starts)
    for layer in layers:
        # A convolution changes the starts.
        values = layer.run(values, inner)
    folder = pathlib.Path(__file__).parent
    (folder / "network.mohaq").write_bytes(image(layers))
    lines = [("starts", starts), ("inputs", sum(frames, [])), ("outputs", sum(values, [])), ("clipped", count.values())]
    text = "".join(" ".join([name, *map(str, numbers)]) + "\n" for name, numbers in lines)
    (folder / "network.txt").write_text(text)


main()
