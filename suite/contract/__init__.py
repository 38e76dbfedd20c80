"""The integer contract of mohaq, a second time: written from `book/src/numerics.md` alone, not from the Rust.

Codes are integers of Python or numpy, never floats; a value beyond what a product of 64 bits holds is a Python integer.
`run` computes the codes of a whole network for one spec, sequence by sequence and frame by frame, the slow and plain way.

    numbers     rounding, formats, scales, tables
    product     one site, and what saturates in a layer
    simple      simple recurrent units
    recurrent   all other cells
    frames      convolution, table, normalisation
    run         a network

A layer is a dictionary with the keys of mohaq's network description, parameters are `{name: float32 matrix}`, and a
calibration has the fields of `mohaq::quant::Calibration`.
"""
