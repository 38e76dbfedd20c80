"""Runs a network of mohaq in onnxruntime.

    check.py MODEL.onnx                     its test vector beside it: how far outputs are from the codes of a device
    check.py MODEL.onnx SEQUENCES OUTPUTS   a file of sequences of codes, and one for the codes that come out

A code q stands for q / 2^fraction; both fractions are in the model's metadata. Files of codes have this machine's byte order: the
number of sequences, then of each its frames (32 bits) and codes (16 bits). Needs onnx, onnxruntime and numpy; for a model of
QONNX also the package qonnx, whose `quant` the reference evaluator of ONNX is given.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

QONNX = "qonnx.custom_op.general"
# Mean distance from the device, as a share of the outputs' mean magnitude, that rounding does not explain.
UNLIKE = 1 / 16


def reference(model):
    """A function that runs a model of QONNX."""
    from qonnx.custom_op.general.quant import quant

    class Quant(OpRun):
        op_domain = QONNX

        def _run(self, x, scale, zero, width, signed=None, narrow=None, rounding_mode=None):
            return (np.asarray(quant(x, scale, zero, width, signed, narrow, rounding_mode), np.float32),)

    return ReferenceEvaluator(model, new_ops=[Quant]).run


class Network:
    """A model that has been checked."""

    def __init__(self, path):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        facts = {fact.key: fact.value for fact in model.metadata_props}
        self.input_step = 2.0 ** -int(facts["mohaq.input_fraction"])
        self.output_step = 2.0 ** -int(facts["mohaq.output_fraction"])
        self.least_frames = int(facts["mohaq.least_frames"])
        (wanted,) = model.graph.input
        kind = wanted.type.tensor_type
        self.name = wanted.name
        self.rows = kind.elem_type == onnx.TensorProto.INT64
        self.inputs = 1 if self.rows else kind.shape.dim[2].dim_value
        if any(operators.domain == QONNX for operators in model.opset_import):
            self.session = reference(model)
        else:
            self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run

    def run(self, values):
        """Outputs of `values`, [batch, frames, inputs] or, of a table, [batch, frames]."""
        (outputs,) = self.session(None, {self.name: values})
        return outputs

    def codes(self, codes):
        """Output codes of one sequence of input codes, [frames, inputs]."""
        if len(codes) < self.least_frames:
            return np.zeros(0, np.int16)
        values = codes[:, 0].astype(np.int64) if self.rows else codes.astype(np.float32) * np.float32(self.input_step)
        return np.rint(self.run(values[None]) / self.output_step).astype(np.int16)


def sequences(path, inputs):
    """Sequences of a file of codes."""
    bytes_ = path.read_bytes()
    (count,) = np.frombuffer(bytes_, np.uint32, 1)
    at = 4
    for _ in range(count):
        (frames,) = np.frombuffer(bytes_, np.uint32, 1, at)
        codes = np.frombuffer(bytes_, np.int16, frames * inputs, at + 4)
        at += 4 + codes.nbytes
        yield codes.reshape(-1, inputs)


def check(path):
    """Prints how far the outputs of the test vector are from those of a device; whether they are near."""
    folder = path.parent / "test_data_set_0"
    given, expected = (
        numpy_helper.to_array(onnx.load_tensor(folder / f"{name}_0.pb")) for name in ("input", "output")
    )
    network = Network(path)
    got = network.run(given)
    if got.shape != expected.shape:
        print(f"outputs {got.shape}, expected {expected.shape}")
        return False
    steps = np.abs(got - expected) / network.output_step
    print(f"{np.count_nonzero(steps)} of {steps.size} codes differ: {steps.mean():.2f} steps at the mean, {steps.max():.0f} at most")
    return bool(np.abs(got - expected).mean() <= UNLIKE * np.abs(expected).mean())


def main(arguments):
    path = pathlib.Path(arguments[0])
    if len(arguments) == 1:
        return 0 if check(path) else 1
    network = Network(path)
    source, to = map(pathlib.Path, arguments[1:])
    outputs = [network.codes(codes).reshape(-1) for codes in sequences(source, network.inputs)]
    np.concatenate([np.zeros(0, np.int16), *outputs]).tofile(to)
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
