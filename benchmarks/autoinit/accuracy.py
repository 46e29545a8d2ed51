"""Predicted against measured variance after every layer of keras.applications networks."""

from __future__ import annotations

import argparse
import sys
import time
import warnings

import keras
import numpy as np

from gondwana import autoinit
from gondwana.autoinit.diagnostics.measure import Measurement, measure

TARGETS = (
    "VGG16",
    "ResNet50",
    "ResNet50V2",
    "MobileNetV2",
    "DenseNet121",
    "MobileNetV3Small",
    "EfficientNetV2B0",
)
PIXELS = ("MobileNetV3", "EfficientNet", "ConvNeXt")
LIMIT = 0.10


def excess(predicted: float, measured: Measurement) -> float:
    """By how much |ln(predicted / measured)| exceeds two standard errors of the measured mean."""
    mean = measured.variances.mean()
    if max(mean, predicted) < 1e-12:
        return 0.0
    error = measured.variances.std(ddof=1) / np.sqrt(len(measured.variances)) / mean
    return float(max(abs(np.log(max(predicted, 1e-30) / mean)) - 2 * error, 0.0))


def quantile(
    model: keras.Model, mode: str, mean: float, variance: float, draws: int
) -> tuple[float, float, float]:
    """90th percentile and median of the excess over layers, and seconds of planning."""
    start = time.perf_counter()
    plan = autoinit.plan(
        model, propagation=mode, input_mean=mean, input_variance=variance, on_unknown="error"
    )
    seconds = time.perf_counter() - start
    rows = measure(model, plan, draws=draws, batch=32, seed=1, input_mean=mean, input_variance=variance)
    found = [excess(call.outputs[0].variance, row) for call, row in zip(plan.calls, rows, strict=True)]
    return float(np.quantile(found, 0.9)), float(np.median(found)), seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=TARGETS)
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument("--unit-inputs", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'network':20}{'size':>5}{'exact':>8}{'median':>8}{'plan s':>8}{'paper':>8}{'median':>8}{'plan s':>8}"
    )
    worst = 0.0
    for name in arguments.networks:
        size = 96 if name in ("InceptionV3", "InceptionResNetV2", "Xception") else 64
        model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))
        pixels = name.startswith(PIXELS) and not arguments.unit_inputs
        mean, variance = (127.5, 64.0**2) if pixels else (0.0, 1.0)
        cells = [quantile(model, mode, mean, variance, arguments.draws) for mode in ("exact", "paper")]
        print(f"{name:20}{size:5}" + "".join(f"{a:8.3f}{b:8.3f}{s:8.2f}" for a, b, s in cells), flush=True)
        worst = max(worst, cells[0][0] if name in TARGETS else 0.0)
    print(f"\nexact: worst 90th percentile {worst:.3f}, target {LIMIT}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
