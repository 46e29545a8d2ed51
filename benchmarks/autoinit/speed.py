"""Time of planning and applying against building, and memory over many initializations."""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
import warnings

import keras
from accuracy import TARGETS
from stability import INFO, activation

import autoinit
from tasks.architectures.registry import build


def seconds(function, *arguments, **keywords):
    """Wall seconds of a call, and what it returns."""
    start = time.perf_counter()
    result = function(*arguments, **keywords)
    return time.perf_counter() - start, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--initializations", type=int, default=1000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3))  # the first build pays for imports
    print(f"{'network':20}{'mode':>7}{'build s':>9}{'plan s':>9}{'apply s':>9}{'ratio':>7}")
    worst = 0.0
    for name in TARGETS:
        for mode in ("paper", "exact"):
            gc.collect()
            make = getattr(keras.applications, name)
            built, model = seconds(make, weights=None, input_shape=(64, 64, 3))
            planned, plan = seconds(autoinit.plan, model, propagation=mode)
            applied, _ = seconds(autoinit.apply, plan, model, seed=0)
            ratio = (planned + applied) / built
            worst = max(worst, ratio) if mode == "paper" else worst
            print(f"{name:20}{mode:>7}{built:9.2f}{planned:9.3f}{applied:9.3f}{ratio:7.2f}", flush=True)
    built, model = seconds(
        build, "resnet", INFO, activation=activation("relu"), seed=0, depth=812, normalization=False
    )
    deep = {mode: seconds(autoinit.plan, model, propagation=mode)[0] for mode in ("paper", "exact")}
    print(
        f"ResNet-812: built in {built:.2f} s, planned in {deep['paper']:.2f} s (paper), {deep['exact']:.2f} s (exact)"
    )
    grown = growth(arguments.initializations)
    print(
        f"peak memory grew by {grown:.1f} MiB over the last half of {arguments.initializations} initializations"
    )
    return int(worst > 0.5 or max(deep.values()) > 5 or grown > 20)


def growth(count: int) -> float:
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    half = 0
    for number in range(count):
        autoinit.AutoInit(seed=number, propagation="exact" if number % 2 else "paper").initialize_model(model)
        if number == count // 2:
            half = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - half) / 1024


if __name__ == "__main__":
    sys.exit(main())
