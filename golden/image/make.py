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
        return [("projection", self.projection), ("product", self.site)] if self.projection else [("product", self.site)]

    def own_tensors(self):
        yield "vectors", struct.pack(f"<{2 * self.outputs}h", *self.vectors[0], *self.vectors[1])

    def record(self, places):
        head = struct.pack(
            "<BBBBBBBBIIIIh6x", 1, 0, self.directions, self.highway, self.projection is not None, self.gate_shift,
            self.hidden_shift, self.factor[1], self.inputs, self.outputs, self.hidden, places["vectors"], self.factor[0])
        projection = self.projection.record(places["projection"]) if self.projection else bytes(32)
        return head + self.site.record(places["product"]) + projection


class Linear:
    def __init__(self, site):
        self.site, self.inputs, self.outputs = site, site.inputs, site.columns

    def run(self, frames, _):
        return [self.site.run(frame) for frame in frames]

    def sites(self):
        return [("product", self.site)]

    def own_tensors(self):
        return []

    def record(self, places):
        head = struct.pack("<B7xIIII8x", 2, self.inputs, self.outputs, 0, 0)
        return head + self.site.record(places["product"]) + bytes(32)


class Tanh:
    def __init__(self, width):
        self.inputs = self.outputs = width

    def run(self, frames, _):
        return [[at(TANH, code) for code in frame] for frame in frames]

    def sites(self):
        return []

    def own_tensors(self):
        return []

    def record(self, _):
        return struct.pack("<BB6xIIII8x", 3, 2, self.inputs, self.outputs, 0, 0) + bytes(64)


def image(layers):
    """The file: tensors first, as records have their places."""
    records, tensors = b"", b""
    base = 64 + 96 * len(layers)

    def place(tensor):
        nonlocal tensors
        tensors += bytes(-(base + len(tensors)) % 64)
        offset = base + len(tensors)
        tensors += tensor
        return offset

    for layer in layers:
        places = {name: place(tensor) for name, tensor in layer.own_tensors()}
        for name, site in layer.sites():
            places[name] = {tensor: place(content) for tensor, content in site.tensors()}
        records += layer.record(places)
    body = records + tensors
    checked = struct.pack("<IIIIBB30x", 64 + len(body), len(layers), layers[0].inputs, layers[-1].outputs, 12, 10) + body
    return b"\x89mohaq\r\n" + struct.pack("<II", 1, zlib.crc32(checked)) + checked


def main():
    layers = [
        Sru(5, 17, 2, 1, Site(5, 6, 4, 16, 1, 13, False), Site(6, 2 * 4 * 17, 2, 8, 4, 13, True), 12, 1),
        Sru(34, 34, 1, 2, None, Site(34, 3 * 34, 8, 4, 3 * 34, 13, True), 14, 0, (-23_170, 14)),
        Tanh(34),
        Linear(Site(34, 5, 16, 16, 5, 13, True)),
    ]
    starts = [0, 7, 7, 8, 12]
    frames = [[rng.choice([-32768, 32767, *[rng.randint(-9000, 9000)] * 6]) for _ in range(5)] for _ in range(starts[-1])]
    values = frames
    for layer in layers:
        values = layer.run(values, starts)
    folder = pathlib.Path(__file__).parent
    (folder / "network.mohaq").write_bytes(image(layers))
    lines = [("starts", starts), ("inputs", sum(frames, [])), ("outputs", sum(values, [])), ("clipped", count.values())]
    text = "".join(" ".join([name, *map(str, numbers)]) + "\n" for name, numbers in lines)
    (folder / "network.txt").write_text(text)


main()
