"""Checks and runs every model of a folder: `run_onnx.py CHECK.PY FOLDER`.

`cases.json` is a list of {model, inputs, lengths}, lengths being frames of each sequence; `MODEL.in` has the input, 32 bit floats or
64 bit integers. All outputs go to `MODEL.out`, 32 bit floats. CHECK.PY is the program that is exported beside a model.
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(sys.argv[1]).parent))
import check  # noqa: E402

folder = pathlib.Path(sys.argv[2])
for case in json.loads((folder / "cases.json").read_text()):
    network = check.Network(folder / f"{case['model']}.onnx")
    given = np.fromfile(folder / f"{case['model']}.in", np.int64 if network.rows else np.float32)
    given = given if network.rows else given.reshape(-1, case["inputs"])
    outputs, first = [], 0
    for length in case["lengths"]:
        if length >= network.least_frames:
            outputs.append(network.run(given[None, first : first + length]).reshape(-1))
        first += length
    np.concatenate(outputs).astype(np.float32).tofile(folder / f"{case['model']}.out")
