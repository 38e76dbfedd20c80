#!/usr/bin/env python3
"""Makes the suite: of each case NAME.toml and NAME.safetensors, byte for byte the same every time.

    python3 suite/make.py          # Python 3.11, numpy 2.4, safetensors 0.8; a case's seed is SEED and its name
    python3 suite/make.py --check  # says what differs from the files that are there, or is no case's, and fails

NAME.toml has the network, its ranges (the fields of `mohaq::quant::Calibration`), the lengths of the sequences and the
specs, each with its bounds and saturations. NAME.safetensors has the parameters under mohaq's names, and
    features  f32 [frames, inputs]           sequences one after the other
    outputs   f32 [frames, outputs]          the network in float64 (reference.py), rounded
    codes     i16 [specs, frames, outputs]   the integer contract (contract/)
where a convolution may make fewer frames than it gets. The bound of the fake-quantized network is an enclosure in interval
arithmetic (fake.py), not a measurement.
"""
import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save

sys.dont_write_bytecode = True  # nothing but cases is left in this folder

import contract.run
import fake
import reference
from case import calibrate, draw
from cell_cases import CELL_CASES
from frame_cases import FRAME_CASES
from simple_cases import SIMPLE_CASES

SEED = 20261124
FOLDER = Path(__file__).resolve().parent


def value(item):
    """TOML of a value. Floats are float32: their shortest decimal reads back as the same float32."""
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, float):
        return repr(float(str(np.float32(item))))
    if isinstance(item, list):
        return f"[{', '.join(value(part) for part in item)}]"
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {value(part)}" for key, part in item.items()) + " }" if item else "{}"
    return json.dumps(item)


def rows(name, items):
    return f"{name} = [\n" + "".join(f"    {value(item)},\n" for item in items) + "]\n"


def parse(spec, sites):
    """One pair a site, and how a file says it: pairs that are fewer take turns."""
    given = spec.split()
    turns = [given[site % len(given)] for site in range(sites)]
    pairs = [tuple(int(bits) for bits in pair.split("x")) for pair in turns]
    return pairs, spec if len(given) == 1 else " ".join(turns)


def document(case, calibration, specs):
    network = rows("layers", case.layers)
    sites = rows("sites", calibration["sites"]) + rows("layers", calibration["layers"])
    return (
        f"# Made by suite/make.py with seed {SEED}; do not edit.\n"
        f"about = {value(case.about)}\nlengths = {value(case.lengths)}\n\n"
        f"[network]\ninput = {case.input}\n{network}\n"
        f"[calibration]\nsequences = {len(case.lengths)}\ninput_fraction = {calibration['input_fraction']}\n{sites}"
        f"settings = {value({'per_channel': case.per_channel})}\n" + "".join(specs)
    )


def spec_document(spec, steps, flip, counts):
    """`clipped`: of each layer the codes that saturated, as `contract.product.Counts` has them; what is left out is 0."""
    counts = [{counter: count for counter, count in of_layer.items() if count} for of_layer in counts]
    comment = "" if flip is None else f"  # one code of the last product's input moves an output by up to {flip:.1f}"
    return f"\n[[specs]]\nbits = {value(spec)}\nfake_steps = {steps}{comment}\n{rows('clipped', counts)}"


def make(case):
    """The bytes of both files. Drawn from the case's name: another case changes nothing here."""
    rng = np.random.default_rng([SEED, zlib.crc32(case.name.encode())])
    parameters, features = draw(case, rng)
    outputs, seen = reference.run(case.layers, parameters, features, case.lengths)
    calibration = calibrate(case, parameters, features, seen)
    network = (case.layers, parameters, calibration, features, case.lengths)
    codes, specs = [], []
    for spec in case.specs:
        pairs, spec = parse(spec, len(calibration["sites"]))
        got, fraction, counts = contract.run.run(*network, pairs)
        steps = math.ceil(100 * fake.distance(fake.enclose(*network, pairs), got, fraction)) / 100
        flip = fake.step_of_last_input(case.layers, parameters, calibration, pairs, fraction)
        codes.append(got)
        specs.append(spec_document(spec, steps, flip, counts))
        print(f"{case.name:20} {spec:24} {got.shape} fake within {steps}")
    tensors = parameters | {"features": features, "outputs": outputs.astype(np.float32), "codes": np.stack(codes)}
    note = {"made_by": f"suite/make.py, numpy {np.__version__}, seed {SEED}"}
    return document(case, calibration, specs).encode(), save(tensors, note)


def main():
    check, wrong, made = "--check" in sys.argv[1:], [], {}
    for case in SIMPLE_CASES + CELL_CASES + FRAME_CASES:
        files = zip(("toml", "safetensors"), make(case))
        made |= {f"{case.name}.{ending}": data for ending, data in files}
    for name, data in made.items():
        path = FOLDER / name
        if not check:
            path.write_bytes(data)
        elif not path.exists() or path.read_bytes() != data:
            wrong.append(name)
    there = {path.name for ending in ("toml", "safetensors") for path in FOLDER.glob(f"*.{ending}")}
    wrong += sorted(there - made.keys())
    print(f"{sum(map(len, made.values()))} bytes")
    if wrong:
        sys.exit(f"differ from what make.py makes: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
