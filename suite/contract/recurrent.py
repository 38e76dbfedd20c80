"""All cells but simple recurrent units."""
import numpy as np
from shapes import directions, gates, input_products, recurrent_products

from .numbers import GATE, TANH, UNIT, finest, fixed, look_up, round_shift
from .product import mix

ONE = 1 << UNIT


class Cell:
    """One layer's units: what is elementwise. `c`, `h`: the state and the hidden output of a unit before a frame."""

    def __init__(self, layer, mine, formats, counts):
        self.layer, self.counts = layer, counts
        self.f_c = formats.get("state", UNIT)
        assert self.f_c <= UNIT, "a state finer than its gates is refused"
        self.peepholes = np.zeros((0, directions(layer), layer["hidden"]), dtype=np.int64)
        if layer.get("peepholes"):
            f_p = finest(np.abs(mine["peepholes"]).max())
            self.shift = f_p + self.f_c - GATE
            assert self.shift >= 0, "peepholes are refused"
            self.peepholes = fixed(mine["peepholes"], f_p).reshape(-1, *self.peepholes.shape[1:])

    def step(self, u, v, direction, unit, h, c):
        """h and c of a unit after a frame; u, v: of every gate."""
        peepholes = [int(p) for p in self.peepholes[:, direction, unit]]
        return getattr(self, self.layer["kind"])([int(x) for x in u], [int(x) for x in v], peepholes, int(h), int(c))

    def add(self, a, b):
        return self.counts.saturate(a + b, "arguments")

    def gated(self, u, v, h):
        """A hidden output times its first gate, whose argument is counted where the cell uses it again."""
        gate = look_up("sigmoid", self.counts.saturate(int(u) + int(v), None))
        return round_shift(gate * int(h), UNIT)

    def rnn(self, u, v, _, h, c):
        argument = self.add(u[0], v[0])
        return (max(argument, 0) if self.layer.get("activation") == "relu" else look_up("tanh", argument)), c

    def look(self, argument, peephole, c):
        return self.add(argument, self.counts.saturate(round_shift(peephole * c, self.shift), None))

    def lstm(self, u, v, peepholes, h, c):
        arguments = [self.add(a, b) for a, b in zip(u, v)]
        for gate, peephole in enumerate(peepholes[:-1]):
            arguments[gate] = self.look(arguments[gate], peephole, c)
        i = look_up("sigmoid", arguments[0])
        f = ONE - i if self.layer.get("coupled") else look_up("sigmoid", arguments[1])
        new = round_shift(i * look_up("tanh", arguments[-2]), UNIT - self.f_c)
        c = self.counts.saturate(round_shift(f * c + new, UNIT), "states")
        if peepholes:
            arguments[-1] = self.look(arguments[-1], peepholes[-1], c)
        seen = c << TANH - self.f_c if self.f_c < TANH else round_shift(c, self.f_c - TANH)
        shown = look_up("tanh", self.counts.saturate(seen, None))
        return round_shift(look_up("sigmoid", arguments[-1]) * shown, UNIT), c

    def gru(self, u, v, _, h, c):
        r, z = (look_up("sigmoid", self.add(u[gate], v[gate])) for gate in range(2))
        inner = v[2] if self.layer.get("reset") == "before" else round_shift(r * v[2], UNIT)
        return mix(z, look_up("tanh", self.add(u[2], inner)), h), c

    def ligru(self, u, v, _, h, c):
        z = look_up("sigmoid", self.add(u[0], v[0]))
        return mix(z, max(self.add(u[1], v[1]), 0), h), c

    def mgu(self, u, v, _, h, c):
        f = look_up("sigmoid", self.add(u[0], v[0]))
        return mix(f, h, look_up("tanh", self.add(u[1], v[1]))), c

    def qrnn(self, u, _, __, h, c):
        c = mix(look_up("sigmoid", u[1]), look_up("tanh", u[0]), c)
        return (round_shift(look_up("sigmoid", u[2]) * c, UNIT) if len(u) == 3 else c), c


class Layer:
    """A layer at its precisions: products of the input, of the hidden output, and a projection."""

    def __init__(self, layer, mine, inputs, site, formats, counts):
        self.layer, self.formats = layer, formats
        self.fractions = [{"sigmoid": GATE, "tanh": TANH, "relu": formats["hidden"]}[f] for _, f in gates(layer)]
        self.input = [(p, site(mine[p.parameter]), self.biases(p, mine)) for p in input_products(layer, inputs)]
        products = recurrent_products(layer)
        self.recurrent = [(p, site(mine[p.parameter]), self.recurrent_biases(p, mine)) for p in products]
        self.projection = site(mine["projection"]) if "projection" in layer else None
        self.cell = Cell(layer, mine, formats, counts)

    def biases(self, product, mine):
        """Codes [directions, gates, hidden], each gate's in the format of its function."""
        b = mine[product.parameter.replace("weight", "bias")]
        b = b.reshape(directions(self.layer), len(product.gates), self.layer["hidden"])
        codes = [fixed(b[:, place], self.fractions[gate]) for place, gate in enumerate(product.gates)]
        return np.stack(codes, axis=1)

    def recurrent_biases(self, product, mine):
        codes = np.zeros((directions(self.layer), len(product.gates), self.layer["hidden"]), dtype=np.int64)
        if "recurrent_bias" in mine and 2 in product.gates:
            codes[:, 2 - product.gates.start] = fixed(mine["recurrent_bias"], TANH).reshape(codes.shape[0], -1)
        return codes

    def results(self, product, site, biases, operands, direction):
        """One direction's columns of a product, [rows, gates, hidden]."""
        columns = [
            (self.fractions[gate], biases[direction, place, unit], place)
            for place, gate in enumerate(product.gates)
            for unit in range(self.layer["hidden"])
        ]
        results = site.results(operands, columns, direction * len(columns))
        return results.reshape(len(operands), len(product.gates), self.layer["hidden"])

    def input_results(self, codes, fraction, lengths):
        """u of all gates, [frames, directions, gates, hidden]. Operands are made once, but for windows, which differ by
        direction."""
        u = []
        for product, site, biases in self.input:
            of_directions = []
            for direction in range(directions(self.layer)):
                if self.layer.get("window", 1) == 2:
                    operands = site.operands(windows(codes, lengths, direction), fraction)
                elif direction == 0:
                    operands = site.operands(codes, fraction)
                of_directions.append(self.results(product, site, biases, operands, direction))
            u.append(np.stack(of_directions, axis=1))
        return np.concatenate(u, axis=2)

    def recurrent_results(self, u, shown, h, direction):
        """v of all gates in one frame, [gates, hidden]; zeros where no hidden output is multiplied."""
        v = np.zeros_like(u)
        for product, site, biases in self.recurrent:
            read = [self.cell.gated(*of) for of in zip(u[0], v[0], h)] if product.gated else shown
            operands = site.operands(np.array([read], dtype=np.int64), self.formats["hidden"])
            v[product.gates.start : product.gates.stop] = self.results(product, site, biases, operands, direction)[0]
        return v

    def show(self, h, direction):
        """The hidden output in its width."""
        if self.projection is None:
            return h
        columns = [(self.formats["hidden"], 0, 0)] * self.layer["projection"]
        operands = self.projection.operands(np.array([h], dtype=np.int64), UNIT)
        return self.projection.results(operands, columns, direction * len(columns))[0]

    def through_time(self, u, direction):
        """h of one direction and sequence in its order of time, [frames, width]; u: [frames, gates, hidden]."""
        hidden = self.layer["hidden"]
        h, c = [0] * hidden, [0] * hidden
        shown = [0] * self.layer.get("projection", hidden)
        outputs = []
        for of_frame in u:
            v = self.recurrent_results(of_frame, shown, h, direction)
            for unit in range(hidden):
                arriving = (of_frame[:, unit], v[:, unit])
                h[unit], c[unit] = self.cell.step(*arriving, direction, unit, h[unit], c[unit])
            shown = self.show(h, direction)
            outputs.append(list(shown))
        return outputs


def windows(codes, lengths, direction):
    """Every frame behind the one that its direction has met before, zeros at the beginning."""
    before, step = np.zeros_like(codes), -1 if direction == 0 else 1
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for frame in range(first, first + length):
            if first <= frame + step < first + length:
                before[frame] = codes[frame + step]
    return np.concatenate([before, codes], axis=1)


def recurrent(layer, mine, codes, fraction, lengths, site, formats, counts):
    """Codes and fraction bits of the output; `site` prepares the next matrix."""
    ready = Layer(layer, mine, codes.shape[1], site, formats, counts)
    u = ready.input_results(codes, fraction, lengths)
    width = layer.get("projection", layer["hidden"])
    h = np.zeros((len(codes), directions(layer), width), dtype=np.int64)
    for first, length in zip(np.cumsum([0, *lengths]), lengths):
        for direction in range(directions(layer) if length else 0):
            rows = np.arange(first, first + length)[:: -1 if direction else 1]
            h[rows, direction] = ready.through_time(u[rows, direction], direction)
    return h.reshape(len(codes), -1), formats["hidden"]
