"""Checks every model of a folder and runs it: `run_onnx.py FOLDER`.

`cases.json` is a list of {model, inputs, lengths}, lengths being frames that go in and that come out of each sequence, and
`MODEL.in` the input, 32 bit floats or 64 bit integers. All outputs go to `MODEL.out`, 32 bit floats.

QDQ models run in onnxruntime. Models of QONNX run in the reference evaluator of ONNX, with the `quant` of the package qonnx.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from qonnx.custom_op.general.quant import quant


class Quant(OpRun):
    op_domain = "qonnx.custom_op.general"

    def _run(self, x, scale, zero, width, signed=None, narrow=None, rounding_mode=None):
        return (np.asarray(quant(x, scale, zero, width, signed, narrow, rounding_mode), np.float32),)


def runner(path):
    model = onnx.load(path)
    if any(set.domain == Quant.op_domain for set in model.opset_import):
        return ReferenceEvaluator(model, new_ops=[Quant]).run
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run


folder = pathlib.Path(sys.argv[1])
for case in json.loads((folder / "cases.json").read_text()):
    path = folder / f"{case['model']}.onnx"
    onnx.checker.check_model(path, full_check=True)
    run = runner(path)
    (wanted,) = onnx.load(path).graph.input
    rows = wanted.type.tensor_type.elem_type == onnx.TensorProto.INT64
    given = np.fromfile(path.with_suffix(".in"), np.int64 if rows else np.float32)
    given = given if rows else given.reshape(-1, case["inputs"])
    outputs, first = [], 0
    for length, expected in case["lengths"]:
        # Neither a loop nor a convolution takes a sequence of which nothing comes out.
        if expected > 0:
            (output,) = run(None, {wanted.name: given[None, first : first + length]})
            outputs.append(output.reshape(-1))
        first += length
    np.concatenate(outputs).astype(np.float32).tofile(path.with_suffix(".out"))
