"""Variance after every layer with weights: default initialization against AutoInit (the paper's Figures 2 and 3)."""

from __future__ import annotations

import argparse
import sys
import warnings

import keras
import numpy as np

from gondwana import autoinit
from gondwana.autoinit.diagnostics.measure import measure
from gondwana.tasks.architectures.registry import build
from gondwana.tasks.base import Head, TaskInfo

INFO = TaskInfo(
    "cifar10",
    (32, 32, 3),
    (Head("class", 10, "softmax", "sparse_categorical_crossentropy", "accuracy", 0.1),),
)
ACTIVATIONS = (
    "relu",
    "tanh",
    "elu",
    "selu",
    "silu",
    "sigmoid",
    "softplus",
    "softsign",
    "gelu",
    "hard_sigmoid",
)
LOW, HIGH = 0.5, 2.0
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def activation(name: str):
    return lambda label: keras.layers.Activation(name, name=label)


def spread(model: keras.Model, mode: str | None, draws: int, batch: int) -> tuple[float, float, int]:
    """Smallest and largest variance after a convolution, each the mean over draws, and how many layers are outside.

    A layer is outside when its mean lies beyond the bounds by more than two standard errors: the inner layers of a
    bottleneck are 16 wide, and the largest of hundreds of means is far from its expectation by chance.
    """
    autoinit.initialize(model, "default", seed=0)
    plan = None if mode is None else autoinit.plan(model, propagation=mode)
    with np.errstate(all="ignore"):
        rows = [
            row.variances for row in measure(model, plan, draws=draws, batch=batch) if row.kind == "Conv2D"
        ]
    means = np.array([row.mean() for row in rows])
    errors = np.array([row.std(ddof=1) / np.sqrt(len(row)) for row in rows])
    outside = (means + 2 * errors < LOW) | (means - 2 * errors > HIGH)
    return float(means.min()), float(means.max()), int(outside.sum())


def line(label: str, model: keras.Model, draws: int, batch: int) -> bool:
    cells = [spread(model, mode, draws, batch) for mode in (None, "paper", "exact")]
    print(
        f"{label:28}" + "".join(f"{low:12.3g}{high:10.3g}{outside:8}" for low, high, outside in cells),
        flush=True,
    )
    return all(outside == 0 for _, _, outside in cells[1:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=48, help="draws of weights per residual network")
    parser.add_argument("--residual-only", action="store_true")
    parser.add_argument("--depths", type=int, nargs="*", default=[56, 164, 812])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'variance after weights':28}"
        + "".join(f"{name + ' min':>12}{'max':>10}{'outside':>8}" for name in ("default", "paper", "exact"))
    )
    good = True
    for name in () if arguments.residual_only else ACTIVATIONS:
        model = build("all_cnn_c", INFO, activation=activation(name), seed=0, final_activation=False)
        good &= line(f"All-CNN-C {name}", model, 8, 16)
    for rate in () if arguments.residual_only else RATES:
        model = build(
            "all_cnn_c", INFO, activation=activation("relu"), seed=0, dropout=rate, final_activation=False
        )
        good &= line(f"All-CNN-C dropout {rate}", model, 8, 16)
    for depth in arguments.depths:
        model = build("resnet", INFO, activation=activation("relu"), seed=0, depth=depth, normalization=False)
        good &= line(f"ResNet-{depth}", model, arguments.draws, 4)
        keras.backend.clear_session()
    print("\nall between 0.5 and 2, within two standard errors" if good else "\nsome outside 0.5 to 2")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
