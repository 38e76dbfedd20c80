"""What layers are made of, read off their descriptions: names, gates, products, parameters and widths. No arithmetic."""
from dataclasses import dataclass

RECURRENT = ("rnn", "lstm", "gru", "ligru", "mgu", "qrnn")
STEMS = {"linear": "fc", "conv1d": "conv", "layernorm": "norm", "sru": "l"} | dict.fromkeys(RECURRENT, "l")
S, T = "sigmoid", "tanh"


@dataclass(frozen=True)
class Product:
    """Matrices of some gates side by side. `site` and `parameter`: its names behind the layer's. `gated`: it reads the
    hidden output times the first gate."""

    site: str
    parameter: str
    gates: range
    gated: bool = False


def names(layers):
    """The name of every layer, as mohaq counts them."""
    linear = sum(layer["kind"] == "linear" for layer in layers)
    seen = {}
    for layer in layers:
        stem = STEMS.get(layer["kind"], layer["kind"])
        index = seen.setdefault(stem, 0)
        seen[stem] += 1
        alone = stem == "embedding" or (stem == "fc" and linear == 1)
        yield stem if alone else f"{stem}{index}"


def own(parameters, name):
    """The parameters of one layer, by their last names."""
    return {key.split(".", 1)[1]: value for key, value in parameters.items() if key.startswith(f"{name}.")}


def directions(layer):
    return 2 if layer.get("bidirectional") else 1


def skip_of(layer, inputs):
    """What the highway of simple recurrent units carries: none, identity or matrix."""
    skip = layer.get("skip", "auto")
    width = layer["hidden"] * directions(layer)
    return ("identity" if inputs == width else "none") if skip == "auto" else skip


def gates(layer):
    """Name and function of every gate of a recurrent cell, in the order of a product's columns."""
    return {
        "rnn": [("h", layer.get("activation", T))],
        "lstm": [("i", S), ("g", T), ("o", S)] if layer.get("coupled") else [("i", S), ("f", S), ("g", T), ("o", S)],
        "gru": [("r", S), ("z", S), ("n", T)],
        "ligru": [("z", S), ("a", "relu")],
        "mgu": [("f", S), ("n", T)],
        "qrnn": [("z", T), ("f", S)] + ([("o", S)] if layer.get("pooling", "fo") == "fo" else []),
    }[layer["kind"]]


def shows_relu(layer):
    """Whether nothing bounds the hidden output."""
    return layer["kind"] in RECURRENT and "relu" in dict(gates(layer)).values()


def part_names(layer, inputs):
    """The columns of a layer's product, by what they are for."""
    if layer["kind"] == "sru":
        return ["candidate", "forget", "reset", "skip"][: 4 if skip_of(layer, inputs) == "matrix" else 3]
    return [name for name, _ in gates(layer)]


def input_products(layer, inputs):
    parts = part_names(layer, inputs)
    if not layer.get("per_gate"):
        return [Product("", "weight", range(len(parts)))]
    return [Product(part, f"weight.{part}", range(i, i + 1)) for i, part in enumerate(parts)]


def recurrent_products(layer):
    """Products of the hidden output, in the order in which they are made."""
    if layer["kind"] == "qrnn":
        return []
    every = gates(layer)
    count, before = len(every), layer["kind"] == "mgu" or layer.get("reset") == "before"
    runs = [range(count - 1), range(count - 1, count)] if before else [range(count)]
    if layer.get("per_gate"):
        runs = [range(gate, gate + 1) for gate in range(count)]
    named = lambda run: "recurrent" + (f".{every[run.start][0]}" if layer.get("per_gate") or run.start else "")
    return [Product(named(run), named(run), run, before and run.stop == count) for run in runs]


def norm_of(mine):
    """The parameters of a layer's own normalisation."""
    return {last: mine[f"norm.{last}"] for last in ("gain", "bias")}


def sites(layer, inputs):
    """Site and parameter, named behind the layer, of all that is multiplied, in the order in which data meets them."""
    kind = layer["kind"]
    projection = [("projection", "projection")] if "projection" in layer else []
    if kind == "sru":
        return projection + [(product.site, product.parameter) for product in input_products(layer, inputs)]
    if kind in RECURRENT:
        products = input_products(layer, inputs) + recurrent_products(layer)
        return [(product.site, product.parameter) for product in products] + projection
    return [("", "weight")] if kind in ("linear", "conv1d", "embedding") else []


def width(layer, inputs):
    """Length of the output."""
    if layer["kind"] == "sru":
        return directions(layer) * layer["hidden"]
    if layer["kind"] in RECURRENT:
        return directions(layer) * layer.get("projection", layer["hidden"])
    return layer.get("outputs", inputs)


def frames(layer, count):
    """Frames that come out where `count` go in."""
    if layer["kind"] != "conv1d":
        return count
    padded = count + sum(layer.get("padding", [0, 0]))
    return 0 if count == 0 or padded < layer["kernel"] else (padded - layer["kernel"]) // layer.get("stride", 1) + 1


def parameters(layer, inputs):
    """Name, rows, columns and sort (weight, vector or bias) of every parameter, in mohaq's order."""
    kind, units = layer["kind"], layer.get("hidden", 0) * directions(layer)
    if kind == "sru":
        inner = layer.get("projection", inputs)
        projection = [("projection", inputs, inner, "weight")] if "projection" in layer else []
        products = [(p.parameter, inner, len(p.gates) * units, "weight") for p in input_products(layer, inputs)]
        norm = [("norm.gain", 1, inputs, "vector"), ("norm.bias", 1, inputs, "bias")] if layer.get("layer_norm") else []
        return projection + products + [("vectors", 2, units, "vector"), ("bias", 2, units, "bias")] + norm
    if kind in RECURRENT:
        return recurrent_parameters(layer, inputs)
    return {
        "linear": lambda: [("weight", inputs, layer["outputs"], "weight"), ("bias", 1, layer["outputs"], "bias")],
        "conv1d": lambda: [("weight", layer["kernel"] * inputs, layer["outputs"], "weight"),
                           ("bias", 1, layer["outputs"], "bias")],
        "embedding": lambda: [("weight", layer["vocabulary"], layer["outputs"], "weight")],
        "layernorm": lambda: [("gain", 1, inputs, "vector"), ("bias", 1, inputs, "bias")],
    }.get(kind, list)()


def recurrent_parameters(layer, inputs):
    units, both = layer["hidden"] * directions(layer), input_products(layer, inputs)
    rows = layer.get("window", 1) * inputs
    shown = layer.get("projection", layer["hidden"])
    found = [(p.parameter, rows, len(p.gates) * units, "weight") for p in both]
    found += [(p.parameter, shown, len(p.gates) * units, "weight") for p in recurrent_products(layer)]
    if "projection" in layer:
        found.append(("projection", layer["hidden"], width(layer, inputs), "weight"))
    found += [(p.parameter.replace("weight", "bias"), 1, len(p.gates) * units, "bias") for p in both]
    if layer["kind"] == "gru" and layer.get("reset", "after") == "after":
        found.append(("recurrent_bias", 1, units, "bias"))
    if layer.get("peepholes"):
        found.append(("peepholes", len(gates(layer)) - 1, units, "vector"))
    return found
