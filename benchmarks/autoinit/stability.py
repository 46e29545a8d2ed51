"""Variance after every layer with weights: default initialization against AutoInit (the paper's Figures 2 and 3)."""

from __future__ import annotations

import argparse
import sys
import warnings

import keras
import numpy as np

import autoinit
from autoinit.diagnostics import measure
from tasks.architectures.registry import build
from tasks.base import Head, TaskInfo

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
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def activation(name: str):
    return lambda label: keras.layers.Activation(name, name=label)


def spread(model: keras.Model, mode: str | None, draws: int, batch: int) -> tuple[float, float]:
    """Smallest and largest variance after a convolution, each the mean over draws."""
    autoinit.initialize(model, "default", seed=0)
    plan = None if mode is None else autoinit.plan(model, propagation=mode)
    with np.errstate(all="ignore"):
        rows = measure(model, plan, draws=draws, batch=batch)
    found = [row.variances.mean() for row in rows if row.kind == "Conv2D"]
    return float(np.min(found)), float(np.max(found))


def line(label: str, model: keras.Model, draws: int, batch: int) -> bool:
    cells = [spread(model, mode, draws, batch) for mode in (None, "paper", "exact")]
    print(f"{label:28}" + "".join(f"{low:12.3g}{high:10.3g}" for low, high in cells), flush=True)
    return all(low >= 0.5 and high <= 2 for low, high in cells[1:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    # The inner layers of a bottleneck are 16 wide: one draw scatters by a factor of three.
    parser.add_argument("--draws", type=int, default=48, help="draws of weights per residual network")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'variance after weights':28}"
        + "".join(f"{name + ' min':>12}{'max':>10}" for name in ("default", "paper", "exact"))
    )
    good = True
    for name in ACTIVATIONS:
        model = build("all_cnn_c", INFO, activation=activation(name), seed=0, final_activation=False)
        good &= line(f"All-CNN-C {name}", model, 8, 16)
    for rate in RATES:
        model = build(
            "all_cnn_c", INFO, activation=activation("relu"), seed=0, dropout=rate, final_activation=False
        )
        good &= line(f"All-CNN-C dropout {rate}", model, 8, 16)
    for depth in (56, 164, 812):
        model = build("resnet", INFO, activation=activation("relu"), seed=0, depth=depth, normalization=False)
        good &= line(f"ResNet-{depth}", model, arguments.draws, 4)
        keras.backend.clear_session()
    print("\nall between 0.5 and 2" if good else "\nsome outside 0.5 to 2")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
