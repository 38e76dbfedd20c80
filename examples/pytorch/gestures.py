#!/usr/bin/env python3
"""An nn.LSTM as anyone trains it, and the three files that mohaq takes from PyTorch.

    python3 gestures.py    # PyTorch 2 with onnx; about a minute on two cores

The task: which of five gestures a wrist made, from 60 frames of six noisy channels of a motion sensor. Replace the data and the
model by yours; what stands under "What mohaq takes" is all there is to it.
"""
import numpy as np
import torch
from torch import nn

FRAMES, CHANNELS, GESTURES = 60, 6, 5


def record(rng, gesture):
    """[frames, channels]: a path of the gesture's own frequency and phases, at a random speed and angle, and noise."""
    own = np.random.default_rng(gesture)
    frequency, phases = own.uniform(1, 3), own.uniform(0, 2 * np.pi, CHANNELS)
    time = np.linspace(0, 1, FRAMES)[:, None] * rng.uniform(0.8, 1.25)
    path = np.sin(2 * np.pi * frequency * time + phases + rng.normal(0, 0.5))
    return (rng.uniform(0.5, 1.5) * path + rng.normal(0, 1.4, path.shape)).astype(np.float32)


def dataset(rng, count):
    y = rng.integers(0, GESTURES, count)
    return np.stack([record(rng, gesture) for gesture in y]), y


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(CHANNELS, 48, num_layers=2, batch_first=True)
        self.head = nn.Linear(48, GESTURES)

    def forward(self, x):  # [batch, time, channels]
        h, _ = self.lstm(x)
        return self.head(h[:, -1])


rng = np.random.default_rng(1)
splits = {"train": dataset(rng, 800), "valid": dataset(rng, 300), "test": dataset(rng, 300)}

torch.manual_seed(1)
model = Model()
optimizer = torch.optim.Adam(model.parameters(), 3e-3)
x, y = (torch.from_numpy(part) for part in splits["train"])
for epoch in range(12):
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
model.eval()
x, y = (torch.from_numpy(part) for part in splits["test"])
with torch.no_grad():
    print(f"PyTorch: test error {100 * (model(x).argmax(1) != y).float().mean():.2f} %")

# What mohaq takes: the data, the model, and inputs with their outputs to check the import with.
arrays = {}
for split, (features, labels) in splits.items():
    for i, (one, label) in enumerate(zip(features, labels)):
        arrays |= {f"{split}/{i:04}.x": one, f"{split}/{i:04}.y": label}
np.savez("gestures.npz", **arrays)
axes = {"x": {0: "batch", 1: "time"}}
torch.onnx.export(model, (x[:1],), "gestures.onnx", input_names=["x"], output_names=["y"], dynamic_axes=axes, dynamo=False)
np.savez("outputs.npz", x=x[:8].numpy(), y=model(x[:8]).detach().numpy())
