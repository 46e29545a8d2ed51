"""Cost of a training step of All-CNN-C with sampled functions, relative to ReLU, on this machine.

    python benchmarks/activations/step_cost.py [--functions 31] [--batch 32] [--steps 5] [--seed 0] [--jit]

Functions are valid ones of PANGAEA's process. Each is timed next to ReLU, steps alternating, so that other load on the
machine hits both; the ratio is that of the fastest steps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import keras
import numpy as np

from gondwana import activations
from gondwana.activations import GraphActivation
from gondwana.tasks import architectures
from gondwana.tasks.base import Head, TaskInfo

INFO = TaskInfo(
    name="cifar10",
    input_shape=(32, 32, 3),
    heads=(Head("class", 10, "softmax", "sparse_categorical_crossentropy", "accuracy", 0.1),),
)


def stepper(text: str, batch: int, jit: bool) -> Callable[[], float]:
    """Return a function that makes one training step and returns its seconds."""
    model = architectures.build(
        "all_cnn_c", INFO, activation=lambda name: GraphActivation(text, name=name), seed=0
    )
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=jit)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, 32, 32, 3)).astype("float32")
    y = rng.integers(0, 10, batch)
    model.train_on_batch(x, y)

    def step() -> float:
        started = time.perf_counter()
        model.train_on_batch(x, y)
        return time.perf_counter() - started

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=31)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jit", action="store_true")
    options = parser.parse_args()
    relu = stepper("relu(x)", options.batch, options.jit)
    rows = []
    for graph in activations.sample(np.random.default_rng(options.seed), options.functions, valid=True):
        step = stepper(str(graph), options.batch, options.jit)
        pairs = np.array([(relu(), step()) for _ in range(options.steps)])
        rows.append((pairs[:, 1].min() / pairs[:, 0].min(), 1e3 * pairs[:, 1].min(), str(graph)))
        print(f"{rows[-1][0]:6.2f} {rows[-1][1]:9.1f} ms  {graph}", flush=True)
        keras.utils.clear_session()
    ratios = np.array([row[0] for row in rows])
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    print(f"ratio to ReLU over {len(rows)} functions: median {middle:.2f}, quartiles {low:.2f} to {high:.2f}, "
          f"largest {ratios.max():.2f}; ReLU {1e3 * min(relu() for _ in range(3)):.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
