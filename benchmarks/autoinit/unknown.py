"""Plan every network of keras.applications in both modes, and fail if a layer of any of them has no rule."""

from __future__ import annotations

import argparse
import gc
import inspect
import sys
import time
import warnings
from collections.abc import Callable

import keras

from gondwana import autoinit

MODES = ("paper", "exact")
SIZES = (32, 64, 75, 96, 224, 331)
"""Smallest inputs that some family of networks accepts."""


def networks() -> dict[str, Callable[..., keras.Model]]:
    """Return the public constructors of keras.applications by name."""
    return {
        name: function
        for name, function in sorted(vars(keras.applications).items())
        if inspect.isfunction(function)
    }


def smallest(make: Callable[..., keras.Model]) -> tuple[keras.Model, int]:
    """Build a network with its classifier, on the smallest images that it accepts."""
    refused: Exception | None = None
    for size in SIZES:
        try:
            return make(weights=None, input_shape=(size, size, 3)), size
        except ValueError as error:  # too small
            refused = error
    raise ValueError(f"{make.__name__} accepts none of the sizes {SIZES}: {refused}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", help="names in keras.applications; all if none is given")
    arguments = parser.parse_args()
    warnings.simplefilter("error", category=UserWarning)
    makers = networks()
    absent = sorted(set(arguments.networks) - set(makers))
    if absent:
        parser.error(f"not in keras.applications: {', '.join(absent)}")
    print(f"{'network':22}{'size':>5}{'calls':>7}{'weights':>9}{'paper s':>9}{'exact s':>9}")
    failed, kinds = [], set()
    for name in arguments.networks or makers:
        model, size = smallest(makers[name])
        seconds = []
        try:
            for mode in MODES:
                start = time.perf_counter()
                plan = autoinit.plan(model, propagation=mode, on_unknown="error")
                seconds.append(time.perf_counter() - start)
        except autoinit.AutoInitError as error:
            failed.append(name)
            print(f"{name:22}{size:5}  {error}", flush=True)
            continue
        kinds.update(call.kind for call in plan.calls)
        times = "".join(f"{one:9.3f}" for one in seconds)
        print(f"{name:22}{size:5}{len(plan.calls):7}{len(plan.weights):9}{times}", flush=True)
        del model, plan
        keras.backend.clear_session()
        gc.collect()
    print(f"\n{len(kinds)} classes of layers and operations: {', '.join(sorted(kinds))}")
    print(f"networks that could not be planned: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
