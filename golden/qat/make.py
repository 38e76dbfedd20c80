#!/usr/bin/env python3
"""Makes qat.safetensors and qat.json: a network trained with quantized weights and activations, by PyTorch.

    python3 golden/qat/make.py      # Python 3.11, torch 2.15, numpy 2.4, safetensors 0.8; seed SEED

Quantizers are PyTorch's own, gradients its autograd's: torch.fake_quantize_per_tensor_affine where clips stay, and
torch._fake_quantize_learnable_per_tensor_affine (Esser et al. 2020) where they are learned. Weights, inputs of products,
results of products, recurrent vectors and biases are on their grids; the recurrence is a loop in float32.

qat.json: description (TOML), bits, calibration, lengths, labels, loss (mean, nats), loss of STEPS steps of Adam on the same
batch. qat.safetensors: the parameters under mohaq's names, features, and for each way the gradients `WAY.NAME` at the first
step, with those of the logarithms of clips as `learned.SITE.weight_clip` and `learned.SITE.input_clip`.
The script fails where an operand lies so near the border of two codes that the order of a sum could decide. On the 16 bit
grids, whose steps are 2^-10 or finer, a few numbers always do, and the bounds of the test leave room for them.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent.parent / "suite"))
from contract import GATE, vector_fraction  # noqa: E402

SEED, STEPS, RATE = 4, 5, 2e-3
LENGTHS = [7, 1, 12]
BITS = [(4, 8), (2, 4), (2, 8), (8, 4)]
STATE, HIDDEN, PROJECTED, OUTPUT, FEATURES = 11, 11, 11, 10, 12
# Share of a step, above what the order of a sum of twelve products changes in float32 (about 1e-6).
BORDER = 1e-5
DESCRIPTION = """input = 5
layers = [
    { kind = "sru", name = "a", hidden = 6, bidirectional = true, skip = "matrix" },
    { kind = "sru", name = "b", hidden = 6, bidirectional = true, projection = 4 },
    { kind = "linear", name = "out", outputs = 4 },
]
"""
SITES = ["a", "b.projection", "b", "out"]
nearest_border = [1.0]


def note_border(values, scale):
    code = (values.detach().double() / float(scale)).numpy()
    nearest_border[0] = min(nearest_border[0], float(np.abs(code - np.floor(code) - 0.5).min(initial=1.0)))


def fixed(values, fraction):
    return torch.fake_quantize_per_tensor_affine(values, 2.0**-fraction, 0, -32768, 32767)


def integer(values, bits, clip):
    """`clip`: a number, or the logarithm of one as a parameter."""
    top = 2 ** (bits - 1) - 1
    if isinstance(clip, float):
        note_border(values, clip / top)
        return torch.fake_quantize_per_tensor_affine(values, clip / top, 0, -top - 1, top)
    scale = torch.exp(clip) / top
    note_border(values, scale.item())
    zero = torch.zeros(1)
    return torch._fake_quantize_learnable_per_tensor_affine(values, scale, zero, -top - 1, top, 1.0)


def straight(values, fraction):
    """Recurrent vectors and biases: rounded, never saturated."""
    rounded = torch.round(values.detach() * 2.0**fraction) * 2.0**-fraction
    return values + (rounded - values.detach())


def draw():
    rng = np.random.default_rng(SEED)
    normal = lambda *shape, scale: (scale * rng.standard_normal(shape)).astype(np.float32)
    parameters = {
        "a.weight": normal(5, 2 * 4 * 6, scale=0.5),
        "a.vectors": normal(2, 12, scale=0.4),
        "a.bias": normal(2, 12, scale=0.5),
        "b.projection": normal(12, 4, scale=0.5),
        "b.weight": normal(4, 2 * 3 * 6, scale=0.7),
        "b.vectors": normal(2, 12, scale=0.4),
        "b.bias": normal(2, 12, scale=0.5),
        "out.weight": normal(12, 4, scale=0.6),
        "out.bias": normal(1, 4, scale=0.3),
    }
    frames = sum(LENGTHS)
    features = np.clip(normal(frames, 5, scale=1.2), -4, 4)
    return parameters, features, rng.integers(0, 4, frames).tolist()


def weight_name(site):
    return site if site.endswith(".projection") else f"{site}.weight"


def calibration(parameters):
    """Clips well inside the ranges, so that a good share saturates."""
    input_clips = {"a": 2.0131, "b.projection": 0.9377, "b": 0.8171, "out": 1.1133}
    sites = []
    for site in SITES:
        largest = float(np.abs(parameters[weight_name(site)]).max())
        ranges = lambda clip: {f"clip{bits}": [float(np.float32(clip * share))] for bits, share in ((2, 0.5), (4, 0.8), (8, 1.0))}
        weight = ranges(0.8317 * largest) | {"fraction16": 10}
        sites.append({"site": site, "weight": weight, "input": ranges(input_clips[site]) | {"fraction16": 10}})
    layers = [
        {"kind": "sru", "state": STATE, "hidden": HIDDEN},
        {"kind": "sru", "projected": PROJECTED, "state": STATE, "hidden": HIDDEN},
        {"kind": "linear", "output": OUTPUT},
    ]
    settings = {"weight_clip": "mmse", "activation_clip": "mmse", "per_channel": False, "calibration_sequences": 1}
    return {"settings": settings, "sequences": 1, "sites": sites, "input_fraction": FEATURES, "layers": layers}


def forward(p, features, clips, highway):
    grids = dict(zip(SITES, BITS))

    def product(x, site):
        weight_bits, input_bits = grids[site]
        weight_clip, input_clip = clips[site]
        return integer(x, input_bits, input_clip) @ integer(p[weight_name(site)], weight_bits, weight_clip)

    def layer(x, inner, name, skip):
        parts = 4 if skip == "matrix" else 3
        u = product(inner, name).view(-1, 2, parts, 6)
        formats = [STATE, GATE, GATE, HIDDEN][:parts]
        u = torch.stack([fixed(u[:, :, i], fraction) for i, fraction in enumerate(formats)], dim=2)
        v = straight(p[f"{name}.vectors"], vector_fraction(p[f"{name}.vectors"].detach().numpy(), STATE)).view(2, 2, 6)
        b = straight(p[f"{name}.bias"], GATE).view(2, 2, 6)
        over = u[:, :, 3] if skip == "matrix" else highway * x.view(-1, 2, 6)
        h = [[None, None] for _ in range(len(x))]
        first = 0
        for length in LENGTHS:
            for d in range(2):
                c = torch.zeros(6)
                for t in range(first, first + length)[:: -1 if d else 1]:
                    f = torch.sigmoid(u[t, d, 1] + v[0, d] * c + b[0, d])
                    r = torch.sigmoid(u[t, d, 2] + v[1, d] * c + b[1, d])
                    c = f * c + (1 - f) * u[t, d, 0]
                    h[t][d] = r * c + (1 - r) * over[t, d]
            first += length
        return torch.stack([torch.cat(row) for row in h])

    a = layer(features, features, "a", "matrix")
    projected = fixed(product(a, "b.projection"), PROJECTED)
    b = layer(a, projected, "b", "identity")
    return fixed(product(b, "out") + straight(p["out.bias"], OUTPUT), OUTPUT)


def train(parameters, features, labels, ranges, learned):
    p = {name: torch.nn.Parameter(torch.from_numpy(values.copy())) for name, values in parameters.items()}
    clips, logarithms = {}, {}
    for site, (weight_bits, input_bits), entry in zip(SITES, BITS, ranges["sites"]):
        pair = entry["weight"][f"clip{weight_bits}"][0], entry["input"][f"clip{input_bits}"][0]
        if learned:
            pair = tuple(torch.nn.Parameter(torch.log(torch.tensor([clip]))) for clip in pair)
            logarithms |= {f"{site}.weight_clip": pair[0], f"{site}.input_clip": pair[1]}
        clips[site] = pair
    every = p | logarithms
    optimiser = torch.optim.Adam(every.values(), lr=RATE)
    highway = float(np.sqrt(1 + 2 * np.exp(0.0)))
    losses, gradients = [], {}
    for _ in range(STEPS + 1):
        optimiser.zero_grad()
        out = forward(p, torch.from_numpy(features), clips, highway)
        loss = torch.nn.functional.cross_entropy(out, torch.tensor(labels))
        loss.backward()
        losses.append(loss.item())
        gradients = gradients or {name: values.grad.numpy().copy() for name, values in every.items()}
        optimiser.step()
    return losses, gradients


def main():
    torch.set_num_threads(1)
    parameters, features, labels = draw()
    ranges = calibration(parameters)
    tensors = parameters | {"features": features}
    losses = {}
    for way in ("static", "learned"):
        losses[way], gradients = train(parameters, features, labels, ranges, way == "learned")
        tensors |= {f"{way}.{name}": values.reshape(1, -1) if values.ndim == 1 else values for name, values in gradients.items()}
        print(way, [round(loss, 6) for loss in losses[way]], "nearest border", nearest_border[0])
    if nearest_border[0] < BORDER:
        sys.exit(f"a number lies within {nearest_border[0]} steps of a border: another seed is needed")
    save_file(tensors, HERE / "qat.safetensors")
    bits = " ".join(f"{w}x{a}" for w, a in BITS)
    document = {"description": DESCRIPTION, "bits": bits, "calibration": ranges, "lengths": LENGTHS, "labels": labels, "learning_rate": RATE, "losses": losses}
    (HERE / "qat.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
