#!/usr/bin/env python3
"""Makes the goldens of this folder that Keras wrote: keras2_NAME by Keras 2, keras3_NAME by Keras 3, both through tf2onnx.

    python3 make_keras.py      # Python 3.11, tensorflow-cpu 2.21, keras 3.15, tf-keras 2.21, tf2onnx 1.17, onnxruntime 1.32

NAME.npz: x, and y from onnxruntime. Keras 3 writes GRU and SimpleRNN as loops, and both do so where the reset gate stands
before the product: those are refused. The seed is below.
"""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
import tf_keras

SEED = 20261124
HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, model, x):
    file = os.path.join(HERE, f"{name}.onnx")
    with open(file, "wb") as out:
        out.write(model.SerializeToString())
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    np.savez(os.path.join(HERE, f"{name}.npz"), x=x, y=session.run(None, {session.get_inputs()[0].name: x})[0])


def norms(model):
    """Batch norms after some training."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            random = np.random.default_rng(SEED)
            layer.set_weights([np.abs(random.standard_normal(weight.shape)) + 0.5 for weight in layer.get_weights()])


def two(name, layers, shape, x):
    tf_keras.utils.set_random_seed(SEED)
    model = tf_keras.Sequential([tf_keras.Input(shape), *layers])
    norms(model)
    spec = [tf.TensorSpec((None, *shape), tf.float32, name="x")]
    save(f"keras2_{name}", tf2onnx.convert.from_keras(model, spec, opset=15)[0], x)


def three(name, layers, shape, x):
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([keras.Input(shape), *layers])
    model(x)
    norms(model)
    file = os.path.join(HERE, f"keras3_{name}.onnx")
    model.export(file, format="onnx", verbose=False)
    save(f"keras3_{name}", onnx.load(file), x)


def main():
    random = np.random.default_rng(SEED)
    x = random.standard_normal((2, 7, 5)).astype(np.float32)
    frames, old, new = (None, 5), tf_keras.layers, keras.layers
    two("gru", [old.GRU(4, return_sequences=True), old.Dense(3, activation="softmax")], frames, x)
    both = [old.Bidirectional(old.GRU(4, return_sequences=True)), old.Bidirectional(old.LSTM(3, return_sequences=True))]
    two("both_ways", [*both, old.Dense(3)], frames, x)
    two("both_last", [old.Bidirectional(old.LSTM(4)), old.Dense(3)], frames, x)
    two("fixed", [old.LSTM(4, return_sequences=True), old.Dense(3, activation="tanh")], (7, 5), x)
    three("lstm", [new.LSTM(4, return_sequences=True), new.LSTM(3, return_sequences=True), new.Dense(3)], frames, x)
    three("last", [new.LSTM(4), new.Dense(3, activation="relu"), new.Dense(2)], frames, x)
    conv = [new.Conv1D(6, 3, padding="causal", activation="relu"), new.BatchNormalization()]
    three("causal", [*conv, new.LSTM(4, return_sequences=True)], frames, x)
    conv = [new.Conv1D(6, 3, strides=2, padding="same"), new.BatchNormalization(), new.ReLU()]
    three("front", [*conv, new.LSTM(4, return_sequences=True)], (8, 5), random.standard_normal((2, 8, 5)).astype(np.float32))
    rows = random.integers(0, 9, (2, 7)).astype(np.float32)
    three("words", [new.Embedding(9, 5), new.LSTM(4, return_sequences=True), new.Dense(9)], (None,), rows)
    three("refused_gru", [new.GRU(4, return_sequences=True)], frames, x)


main()
