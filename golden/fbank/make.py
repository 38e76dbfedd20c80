"""Writes fbank.json: log-mel filterbanks by Python's kaldi-native-fbank, for crates/mohaq-speech.

Made with kaldi-native-fbank 1.23.0, numpy 2.4.6, seed 20260101:  python3 golden/fbank/make.py
"""
import json
import pathlib

import kaldi_native_fbank as knf
import numpy as np

generator = np.random.default_rng(20260101)


def chirp(rate, seconds, low, high, level, noise):
    """A linear chirp from `low` to `high` Hz with white noise and an offset of 40, as 16 bit integers.

    The noise keeps every filter within 70 dB of the frame's strongest. Below 100 dB the single precision Fourier
    transform of kaldi-native-fbank itself is off by 3e-3 (against the same formulas in double precision).
    """
    t = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * (low * t + (high - low) * t * t / (2 * seconds))
    signal = level * np.sin(phase) + noise * generator.standard_normal(t.size) + 40
    return np.clip(np.rint(signal), -32768, 32767).astype(int).tolist()


signals = {
    "chirp8": (8000, chirp(8000, 0.16, 80, 3800, 6000, 400)),
    "chirp16": (16000, chirp(16000, 0.12, 60, 7900, 12000, 800)),
    "loud16": (16000, chirp(16000, 0.06, 300, 500, 40000, 500)),
    "quiet8": (8000, chirp(8000, 0.06, 200, 900, 3, 1)),
    "window16": (16000, chirp(16000, 0.025, 500, 2500, 8000, 10)),
    "short8": (8000, chirp(8000, 0.012, 500, 2500, 8000, 10)),
}
# signal, bins, snip_edges, low_hz, high_hz
cases = [
    ("chirp8", 23, True, 20, 0),
    ("chirp8", 40, True, 20, 0),
    ("chirp8", 23, False, 100, -200),
    ("chirp16", 23, True, 20, 0),
    ("chirp16", 40, True, 20, 0),
    ("chirp16", 40, False, 20, 7600),
    ("loud16", 40, True, 20, 0),
    ("quiet8", 23, True, 20, 0),
    ("window16", 40, True, 20, 0),
    ("short8", 23, False, 20, 0),
]


def fbank(name, bins, snip_edges, low_hz, high_hz):
    rate, samples = signals[name]
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = rate
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = snip_edges
    options.mel_opts.num_bins = bins
    options.mel_opts.low_freq = low_hz
    options.mel_opts.high_freq = high_hz
    extractor = knf.OnlineFbank(options)
    extractor.accept_waveform(rate, samples)
    extractor.input_finished()
    frames = [extractor.get_frame(t) for t in range(extractor.num_frames_ready)]
    return [[float(f"{value:.6g}") for value in frame] for frame in frames]


document = {
    "signals": {name: {"sample_rate": rate, "samples": samples} for name, (rate, samples) in signals.items()},
    "cases": [
        {"signal": name, "bins": bins, "snip_edges": snip, "low_hz": low, "high_hz": high,
         "features": fbank(name, bins, snip, low, high)}
        for name, bins, snip, low, high in cases
    ],
}
path = pathlib.Path(__file__).with_name("fbank.json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
print(path.stat().st_size, [len(case["features"]) for case in document["cases"]])
