#!/usr/bin/env python3
"""Makes the goldens of this folder but those of Keras: models as PyTorch's exporters and hand-written ONNX have them.

    python3 make.py      # Python 3.11, torch 2.15, onnx 1.23, onnxscript 0.7, onnxruntime 1.32, safetensors 0.8,
                           # sru 2.6; seed below

NAME.npz: x, y and, where there are any, the final states, all from onnxruntime (from PyTorch for a state_dict).
NAME.legacy.onnx: TorchScript exporter. NAME.dynamo.onnx: torch.export exporter, its metadata removed. NAME.onnx: written
with onnx.helper. NAME.safetensors: the state_dict, with a NAME.toml where it is put together as described.
"""
import io
import json
import os
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from sru import SRU
from torch import nn

SEED = 20261124
HERE = os.path.dirname(os.path.abspath(__file__))
warnings.filterwarnings("ignore")


def path(name):
    return os.path.join(HERE, name)


def run(model, x):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})


def close(name, got, want):
    error = np.abs(got - want).max()
    assert error < 2e-6, (name, error)


class Tagger(nn.Module):
    """Two bidirectional LSTMs, batch first, and a matrix."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.lstm(x)[0])


class Front(nn.Module):
    """The usual front end: a convolution with a stride, batch norms, a GRU, a layer norm and a softmax."""

    def __init__(self):
        super().__init__()
        self.input_norm = nn.BatchNorm1d(5)
        self.conv = nn.Conv1d(5, 6, 3, stride=2)
        self.bn = nn.BatchNorm1d(6)
        self.gru = nn.GRU(6, 7, batch_first=True)
        self.norm = nn.LayerNorm(7)
        self.fc = nn.Linear(7, 3)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(self.input_norm(x.transpose(1, 2)))))
        return torch.softmax(self.fc(self.norm(self.gru(x.transpose(1, 2))[0])), dim=-1)


class Language(nn.Module):
    """A table, an RNN of ReLUs, and a log-softmax."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(9, 5)
        self.rnn = nn.RNN(5, 6, nonlinearity="relu")
        self.out = nn.Linear(6, 9)

    def forward(self, x):
        return torch.log_softmax(self.out(self.rnn(self.embed(x))[0]), dim=-1)


class LastState(nn.Module):
    """The last state of the second layer, and a small perceptron on it."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 4, num_layers=2, batch_first=True)
        self.fc1 = nn.Linear(4, 6)
        self.fc2 = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(self.lstm(x)[1][0][-1])))


class BothLast(nn.Module):
    """The last states of both directions, side by side."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 4, num_layers=2, bidirectional=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        states = self.gru(x)[1]
        return self.fc(torch.cat([states[-2], states[-1]], dim=1))


class LastFrame(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.gru(x)[0][-1])


class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 4, batch_first=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.gru(x)[0].mean(dim=1))


class Causal(nn.Module):
    """Frames of zeros in front of a convolution, and features scaled by hand."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(5, 4, 3, bias=False)
        self.lstm = nn.LSTM(4, 4, bias=False)
        self.register_buffer("deviation", torch.rand(5) + 0.5)

    def forward(self, x):
        x = x / self.deviation
        x = nn.functional.pad(x.permute(1, 2, 0), (2, 0))
        return self.lstm(torch.sigmoid(self.conv(x)).permute(2, 0, 1))[0]


def shake(module):
    """Batch norms after some training."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias)
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
        if isinstance(part, nn.LayerNorm):
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)


def legacy(module, x, opset, folding=True):
    file = io.BytesIO()
    axes = {"x": {0: "a", 1: "b"}}
    torch.onnx.export(
        module, (x,), file, input_names=["x"], output_names=["y"], dynamic_axes=axes, opset_version=opset,
        do_constant_folding=folding, dynamo=False,
    )
    return file.getvalue()


def dynamo(module, x, dynamic):
    shapes = ({0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC},) if dynamic else None
    program = torch.onnx.export(module, (x,), dynamo=True, input_names=["x"], output_names=["y"], dynamic_shapes=shapes, verbose=False)
    proto = program.model_proto
    del proto.metadata_props[:]
    for part in [proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.initializer, *proto.graph.input, *proto.graph.output]:
        del part.metadata_props[:]
    del proto.graph.value_info[:]
    return proto.SerializeToString()


def exported(name, module, x, opset=17, folding=True, dynamic=True, description=None, batch_first=True):
    module.eval()
    shake(module)
    with torch.no_grad():
        y = module(x).numpy()
    models = {"legacy": legacy(module, x, opset, folding)}
    try:
        models["dynamo"] = dynamo(module, x, dynamic)
    except Exception as error:  # the exporter's own limits
        print(name, "dynamo:", str(error).splitlines()[0][:100])
    for kind, model in models.items():
        close((name, kind), run(model, x.numpy())[0], y)
        with open(path(f"{name}.{kind}.onnx"), "wb") as file:
            file.write(model)
    np.savez(path(f"{name}.npz"), x=x.numpy(), y=y)
    if description is not None:
        # A state_dict ends with the last matrix, and arrays lie as PyTorch's modules have them.
        logits = []
        handle = list(module.children())[-1].register_forward_hook(lambda module, inputs, output: logits.append(output))
        with torch.no_grad():
            module(x)
        handle.remove()
        first = {"batch_first": np.array([1])} if batch_first else {}
        np.savez(path(f"{name}_state.npz"), x=x.numpy(), y=logits[0].numpy(), **first)
        save_file(module.state_dict(), path(f"{name}_state.safetensors"))
        with open(path(f"{name}_state.toml"), "w") as file:
            file.write(description)


def layers(inputs, *all):
    def text(value):
        return f'"{value}"' if isinstance(value, str) else str(value).lower()

    lines = [f"input = {inputs}"]
    for layer in all:
        lines += ["", "[[layers]]"] + [f"{key} = {text(value)}" for key, value in layer.items()]
    return "\n".join(lines) + "\n"


def states():
    """A stack of LSTMs with its final states, as a state_dict in several widths of float."""
    module = nn.LSTM(5, 4, num_layers=2, bidirectional=True)
    x = torch.randn(7, 2, 5)
    for name, kind in [("states16", torch.float16), ("states_bf16", torch.bfloat16), ("states64", torch.float64)]:
        stored = {key: value.to(kind).contiguous() for key, value in module.state_dict().items()}
        save_file(stored, path(f"{name}.safetensors"))
        module.load_state_dict({key: value.float() for key, value in stored.items()})
        with torch.no_grad():
            y, (h_n, c_n) = module(x)
        np.savez(path(f"{name}.npz"), x=x.numpy(), y=y.numpy(), h_n=h_n.numpy(), c_n=c_n.numpy())


def simple_units():
    """Layers of the package sru with the layer norms it has: in front of the matrices, where the highway goes round it, and
    behind the units. Their arguments are metadata of the file."""
    torch.manual_seed(SEED)
    for name, inputs, hidden, options in [
        ("sru_norm", 6, 6, {}),
        ("sru_norm_wide", 5, 4, {"bidirectional": True, "projection_size": 3}),
        ("sru_norm_behind", 6, 3, {"bidirectional": True, "normalize_after": True}),
    ]:
        options = options | {"layer_norm": True}
        module = SRU(inputs, hidden, num_layers=2, highway_bias=-1.0, rescale=True, **options).eval()
        for key, value in module.state_dict().items():
            if "layer_norm" in key or "bias" in key:
                value += 0.3 * torch.randn_like(value)
        x = torch.randn(7, 2, inputs)
        with torch.no_grad():
            y, c_n = module(x)
        stored = {key: value.contiguous() for key, value in module.state_dict().items()}
        save_file(stored, path(f"{name}.safetensors"), {"sru": json.dumps(options)})
        np.savez(path(f"{name}.npz"), x=x.numpy(), y=y.numpy(), c_n=c_n.numpy())


def written(name, nodes, weights, x, inputs, opset=15):
    """A model put together by hand."""
    tensor = lambda name, value: numpy_helper.from_array(np.ascontiguousarray(value), name)
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["a", "b", "c"])],
        [tensor(key, value) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="onnx.helper")
    onnx.checker.check_model(model)
    bytes_ = model.SerializeToString()
    np.savez(path(f"{name}.npz"), x=x, y=run(bytes_, x)[0])
    with open(path(f"{name}.onnx"), "wb") as file:
        file.write(bytes_)
    return model


def by_hand(random):
    def weights(gates, inputs, hidden, directions=1, bias=True, suffix=""):
        draw = lambda *shape: (0.5 * random.standard_normal(shape)).astype(np.float32)
        made = {f"W{suffix}": draw(directions, gates * hidden, inputs), f"R{suffix}": draw(directions, gates * hidden, hidden)}
        if bias:
            made[f"B{suffix}"] = draw(directions, 2 * gates * hidden)
        return made

    node = helper.make_node
    x = random.standard_normal((7, 2, 5)).astype(np.float32)
    batch_first = np.ascontiguousarray(x.transpose(1, 0, 2))
    ints = lambda *values: np.array(values, dtype=np.int64)

    # As tf2onnx writes Keras 2: batch first, directions squeezed away, a dense layer over merged frames.
    nodes = [
        node("Transpose", ["x"], ["time"], "t1", perm=[1, 0, 2]),
        node("GRU", ["time", "W", "R", "B"], ["all", "last"], "gru", hidden_size=4, activations=["Sigmoid", "Tanh"], direction="forward", linear_before_reset=0),
        node("Squeeze", ["all", "one"], ["frames"], "s"),
        node("Transpose", ["frames"], ["batch"], "t2", perm=[1, 0, 2]),
        node("Reshape", ["batch", "flat"], ["rows"], "r1"),
        node("MatMul", ["rows", "D"], ["product"], "dense"),
        node("Add", ["product", "b"], ["biased"], "bias"),
        node("Shape", ["batch"], ["shape"], "shape"),
        node("Slice", ["shape", "zero", "two"], ["front"], "front"),
        node("Concat", ["front", "three"], ["back"], "back", axis=0),
        node("Reshape", ["biased", "back"], ["logits"], "r2"),
        node("Softmax", ["logits"], ["y"], "softmax", axis=-1),
    ]
    dense = {"D": random.standard_normal((4, 3)).astype(np.float32), "b": random.standard_normal(3).astype(np.float32)}
    numbers = {"one": ints(1), "zero": ints(0), "two": ints(2), "three": ints(3), "flat": ints(-1, 4)}
    written("gru_before", nodes, weights(3, 5, 4) | dense | numbers, batch_first, ["n", "t", 5])

    # The same cell with its reset gate behind the product, both ways, in the other layout of operator set 14.
    nodes = [
        node("GRU", ["x", "W", "R", "B"], ["all"], "gru", hidden_size=4, direction="bidirectional", linear_before_reset=1, layout=0),
        node("Transpose", ["all"], ["turned"], "t", perm=[0, 2, 1, 3]),
        node("Reshape", ["turned", "shape"], ["y"], "r"),
    ]
    written("gru_after_bi", nodes, weights(3, 5, 4, 2) | {"shape": ints(0, 0, 8)}, x, ["t", "n", 5])

    # Peepholes and a coupled gate.
    for name, coupled in [("peepholes", 0), ("coupled", 1)]:
        peepholes = {"P": random.standard_normal((1, 12)).astype(np.float32)} if not coupled else {}
        inputs = ["x", "W", "R", "B"] + (["", "", "", "P"] if peepholes else [])
        nodes = [
            node("LSTM", inputs, ["all"], "lstm", hidden_size=4, input_forget=coupled),
            node("Squeeze", ["all", "one"], ["y"], "s"),
        ]
        written(name, nodes, weights(4, 5, 4) | peepholes | {"one": ints(1)}, x, ["t", "n", 5])

    # Two layers, one forward and one backward, as exporters write them that do not know of both at once.
    nodes = [
        node("LSTM", ["x", "W1", "R1", "B1"], ["a"], "forward", hidden_size=4),
        node("LSTM", ["x", "W2", "R2", "B2"], ["b"], "backward", hidden_size=4, direction="reverse"),
        node("Squeeze", ["a", "one"], ["af"], "s1"),
        node("Squeeze", ["b", "one"], ["bf"], "s2"),
        node("Concat", ["af", "bf"], ["y"], "both", axis=2),
    ]
    written("pair", nodes, weights(4, 5, 4, suffix="1") | weights(4, 5, 4, suffix="2") | {"one": ints(1)}, x, ["t", "n", 5])

    # The same with frames turned round before and after, and without a bias.
    nodes = [
        node("RNN", ["x", "W1", "R1"], ["a"], "forward", hidden_size=4, activations=["Relu"]),
        node("Shape", ["x"], ["shape"], "shape"),
        node("Gather", ["shape", "zero"], ["frames"], "frames"),
        node("Gather", ["shape", "one"], ["count"], "count"),
        node("Expand", ["frames", "count"], ["spans"], "spans"),
        node("ReverseSequence", ["x", "spans"], ["turned"], "turn", time_axis=0, batch_axis=1),
        node("RNN", ["turned", "W2", "R2"], ["b"], "backward", hidden_size=4, activations=["Relu"]),
        node("Squeeze", ["a", "one"], ["af"], "s1"),
        node("Squeeze", ["b", "one"], ["bs"], "s2"),
        node("ReverseSequence", ["bs", "spans"], ["bf"], "back", time_axis=0, batch_axis=1),
        node("Concat", ["af", "bf"], ["y"], "both", axis=2),
    ]
    both = weights(1, 5, 4, bias=False, suffix="1") | weights(1, 5, 4, bias=False, suffix="2")
    written("turned_pair", nodes, both | {"one": ints(1), "zero": ints(0)}, x, ["t", "n", 5])

    # Weights in a file of their own.
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["all"], "lstm", hidden_size=4), node("Squeeze", ["all", "one"], ["y"], "s")]
    model = written("external", nodes, weights(4, 5, 4) | {"one": ints(1)}, x, ["t", "n", 5])
    data = path("external.weights")
    if os.path.exists(data):
        os.remove(data)
    onnx.save_model(model, path("external.onnx"), save_as_external_data=True, location="external.weights", size_threshold=0)


def main():
    torch.manual_seed(SEED)
    batch_first, time_first = torch.randn(2, 7, 5), torch.randn(7, 2, 5)
    recurrent = dict(kind="lstm", hidden=4, bidirectional=True)
    exported("tagger", Tagger(), batch_first, description=layers(
        5, dict(recurrent, name="lstm_l0"), dict(recurrent, name="lstm_l1"), dict(kind="linear", name="fc", outputs=3)))
    exported("front", Front(), torch.randn(2, 15, 5), description=layers(
        5, dict(kind="batchnorm", name="input_norm"), dict(kind="conv1d", name="conv", outputs=6, kernel=3, stride=2),
        dict(kind="batchnorm", name="bn"), dict(kind="relu"), dict(kind="gru", name="gru", hidden=7),
        dict(kind="layernorm", name="norm"), dict(kind="linear", name="fc", outputs=3)))
    exported("language", Language(), torch.randint(0, 9, (7, 2)), description=layers(
        1, dict(kind="embedding", name="embed", vocabulary=9, outputs=5), dict(kind="rnn", name="rnn", hidden=6, activation="relu"),
        dict(kind="linear", name="out", outputs=9)), batch_first=False)
    exported("last_state", LastState(), batch_first)
    exported("both_last", BothLast(), time_first)
    exported("last_frame", LastFrame(), time_first)
    exported("mean", Mean(), batch_first)
    exported("causal", Causal(), time_first, opset=13)
    exported("old", Tagger(), batch_first, opset=9, folding=False, dynamic=False)
    states()
    by_hand(np.random.default_rng(SEED))
    simple_units()


main()
