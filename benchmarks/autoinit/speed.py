"""Time of planning and applying against building, and memory over many initializations."""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
import warnings

import keras
import numpy as np
from accuracy import TARGETS
from stability import INFO, activation

from gondwana import autoinit
from gondwana.tasks.architectures.registry import build

MODES = ("paper", "exact")
LIMIT = 0.5


def seconds(function, *arguments, **keywords):
    """Wall seconds of a call, and what it returns."""
    start = time.perf_counter()
    result = function(*arguments, **keywords)
    return time.perf_counter() - start, result


def measured(name: str) -> list[float]:
    """Seconds of building a network, planning and applying, for each mode with a network of its own."""
    times = []
    for mode in MODES:
        gc.collect()
        built, model = seconds(getattr(keras.applications, name), weights=None, input_shape=(64, 64, 3))
        planned, plan = seconds(autoinit.plan, model, propagation=mode)
        applied, _ = seconds(autoinit.apply, plan, model, seed=0)
        times += [built, planned, applied]
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--initializations", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5, help="runs per network, of which the median counts")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for mode in MODES:  # the first use of anything pays for imports and warming up
        model = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3))
        autoinit.apply(autoinit.plan(model, propagation=mode), model, seed=0)
    print(
        f"{'network':20}{'build s':>9}"
        + "".join(f"{mode + ' s':>9}{'apply s':>9}{'ratio':>7}" for mode in MODES)
    )
    worst = 0.0
    for name in TARGETS:
        rows = np.array([measured(name) for _ in range(arguments.repeats)])
        middle = np.median(rows, axis=0).reshape(len(MODES), 3)
        slow = middle[:, 0].mean()
        cells = []
        for _, planned, applied in middle:
            worst = max(worst, (planned + applied) / slow)
            cells.append(f"{planned:9.3f}{applied:9.3f}{(planned + applied) / slow:7.2f}")
        print(f"{name:20}{slow:9.2f}" + "".join(cells), flush=True)
    print(f"worst ratio {worst:.2f}, target {LIMIT}; medians of {arguments.repeats} runs")
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
    return int(worst > LIMIT or max(deep.values()) > 5 or grown > 20)


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
