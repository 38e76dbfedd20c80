#!/usr/bin/env python3
"""Makes the goldens of this folder: a stack of simple recurrent units with every skip, run by its equations in float64.

    python3 make.py      # Python 3.11, numpy 2.4, safetensors 0.8; seed below

stack.safetensors: a network as `Network::save` writes it. stack.io.safetensors: x [frames, inputs], y [frames, outputs],
starts [sequences + 1]. Written from Lei et al. 2018, equations 1-4, one frame and one direction at a time, without a
look at the Rust code's loops.
"""
import json
import os

import numpy as np
from safetensors.numpy import save_file

SEED = 20261124
LENGTHS = [7, 1, 12]
INPUTS = 6
# (hidden, bidirectional, projection, highway bias, rescale, skip)
LAYERS = [
    (5, True, None, -1.0, True, "matrix"),
    (5, True, 4, -1.0, True, "identity"),
    (7, False, None, 0.5, True, "none"),
    (7, False, 3, 0.0, False, "identity"),
]
OUTPUTS = 4


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def direction(x_hat, x, w, v, b, skip, scale):
    """h of one sequence in one direction of time; w: list of matrices, v and b: (forget, reset)."""
    c, h = np.zeros(w[0].shape[1]), []
    for x_hat_t, x_t in zip(x_hat, x):
        f = sigmoid(x_hat_t @ w[1] + v[0] * c + b[0])
        r = sigmoid(x_hat_t @ w[2] + v[1] * c + b[1])
        c = f * c + (1 - f) * (x_hat_t @ w[0])
        highway = {"none": 0.0, "identity": scale * x_t, "matrix": x_hat_t @ w[3] if skip == "matrix" else 0.0}[skip]
        h.append(r * c + (1 - r) * highway)
    return np.array(h)


def layer(x, p, hidden, bidirectional, projection, bias, rescale, skip):
    k = 4 if skip == "matrix" else 3
    scale = np.sqrt(1 + 2 * np.exp(bias)) if rescale else 1.0
    x_hat = x @ p["projection"] if projection else x
    halves = []
    for d in range(2 if bidirectional else 1):
        part = slice(d * hidden, (d + 1) * hidden)
        w = [p["weight"][:, (d * k + m) * hidden:(d * k + m + 1) * hidden] for m in range(k)]
        x_d = x[:, part] if skip == "identity" else np.zeros((len(x), hidden))
        turn = slice(None, None, -1 if d else 1)
        halves.append(direction(x_hat[turn], x_d[turn], w, p["vectors"][:, part], p["bias"][:, part], skip, scale)[turn])
    return np.concatenate(halves, axis=1)


def main():
    rng = np.random.default_rng(SEED)
    draw = lambda rows, cols, a: rng.uniform(-a, a, (rows, cols)).astype(np.float32)
    tensors, described, inputs = {}, [], INPUTS
    for i, (hidden, bidirectional, projection, bias, rescale, skip) in enumerate(LAYERS):
        width = hidden * (2 if bidirectional else 1)
        if projection:
            tensors[f"l{i}.projection"] = draw(inputs, projection, 1.0)
        tensors[f"l{i}.weight"] = draw(projection or inputs, width * (4 if skip == "matrix" else 3), 0.8)
        tensors[f"l{i}.vectors"] = draw(2, width, 1.2)
        tensors[f"l{i}.bias"] = draw(2, width, 1.0)
        described.append({"kind": "sru", "hidden": hidden, "bidirectional": bidirectional, "highway_bias": bias,
                          "rescale": rescale, "skip": skip} | ({"projection": projection} if projection else {}))
        inputs = width
    tensors["fc.weight"], tensors["fc.bias"] = draw(inputs, OUTPUTS, 0.8), draw(1, OUTPUTS, 0.5)
    described.append({"kind": "linear", "outputs": OUTPUTS})

    starts = np.cumsum([0] + LENGTHS)
    x = rng.standard_normal((starts[-1], INPUTS)).astype(np.float32)
    y = []
    for begin, end in zip(starts, starts[1:]):
        h = x[begin:end].astype(np.float64)
        for i, options in enumerate(LAYERS):
            p = {name.split(".")[1]: t.astype(np.float64) for name, t in tensors.items() if name.startswith(f"l{i}.")}
            h = layer(h, p, *options)
        y.append(h @ tensors["fc.weight"].astype(np.float64) + tensors["fc.bias"])
    folder = os.path.dirname(os.path.abspath(__file__))
    note = json.dumps({"kind": "network 1", "description": {"input": INPUTS, "layers": described}})
    save_file(tensors, os.path.join(folder, "stack.safetensors"), {"mohaq": note})
    io = {"x": x, "y": np.concatenate(y), "starts": starts.astype(np.int64)}
    save_file(io, os.path.join(folder, "stack.io.safetensors"), {"made_by": f"make.py, numpy {np.__version__}, seed {SEED}"})


if __name__ == "__main__":
    main()
