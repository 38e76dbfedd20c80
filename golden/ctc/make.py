#!/usr/bin/env python3
"""Makes ctc.json: losses and gradients of connectionist temporal classification, by PyTorch.

    python3 golden/ctc/make.py      # Python 3.11, torch 2.15.0; seed SEED

Each case has logits [frames, classes], labels, the blank, −ln p(labels) and the gradient of it by the logits, by
torch.nn.functional.log_softmax and ctc_loss in float64.
"""
import json
from pathlib import Path

import torch
from torch.nn.functional import ctc_loss, log_softmax

SEED = 11
# Frames, classes, blank, labels.
CASES = [
    (7, 4, 0, [1, 2, 3]),
    (7, 4, 0, [1, 1, 1]),
    (5, 3, 0, [2, 2, 1]),
    (9, 5, 4, [0, 3, 3, 0]),
    (6, 3, 1, []),
    (12, 6, 0, [5, 4, 3, 2, 1, 1]),
]


def case(frames, classes, blank, labels):
    logits = (2.0 * torch.randn(frames, classes, dtype=torch.float64)).requires_grad_()
    loss = ctc_loss(
        log_softmax(logits, 1).unsqueeze(1),
        torch.tensor([labels], dtype=torch.long).reshape(1, len(labels)),
        torch.tensor([frames]),
        torch.tensor([len(labels)]),
        blank=blank,
        reduction="sum",
    )
    loss.backward()
    return {
        "classes": classes,
        "blank": blank,
        "labels": labels,
        "logits": logits.detach().flatten().tolist(),
        "loss": loss.item(),
        "gradient": logits.grad.flatten().tolist(),
    }


torch.manual_seed(SEED)
cases = [case(*one) for one in CASES]
Path(__file__).with_name("ctc.json").write_text(json.dumps(cases) + "\n")
