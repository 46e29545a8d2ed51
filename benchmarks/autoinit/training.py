"""Unnormalized ResNet-56 on 5,000 CIFAR-10 images: which learning rates train (the paper's Figure 4a, smaller)."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from stability import activation

from gondwana import autoinit, tasks
from gondwana.tasks.architectures.registry import build
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.recipe import Recipe

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1)


def accuracy(strategy: str, rate: float, task, data, epochs: int, depth: int) -> float:
    """Validation accuracy after a few epochs; chance if the loss was not finite."""
    info = task.info
    model = build("resnet", info, activation=activation("relu"), seed=0, depth=depth, normalization=False)
    model = autoinit.initialize(
        model, strategy, seed=0, input_mean=info.input_mean, input_variance=info.input_variance
    )
    recipe = Recipe(epochs=epochs, batch_size=128, optimizer="sgd", momentum=0.9, learning_rate=rate)
    try:
        train(model, data, info, recipe, 0)
    except tasks.training.Diverged:
        return info.chance
    return score(model, data.validation, info)["fitness"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--depth", type=int, default=56)
    parser.add_argument("--strategies", nargs="*", default=["default", "autoinit"])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    task = tasks.get("cifar10", train_size=5000, validation_size=1000)
    data = task.search_data(arguments.data_dir)
    print(f"{'learning rate':>16}" + "".join(f"{s:>12}" for s in arguments.strategies))
    threshold = task.info.chance + 5 * np.sqrt(0.1 * 0.9 / 1000)  # five standard errors above chance
    trained = dict.fromkeys(arguments.strategies, 0)
    for rate in RATES:
        row = [accuracy(s, rate, task, data, arguments.epochs, arguments.depth) for s in arguments.strategies]
        for strategy, value in zip(arguments.strategies, row, strict=True):
            trained[strategy] += value > threshold
        print(f"{rate:16g}" + "".join(f"{value:12.3f}" for value in row), flush=True)
    print(f"\nrates above {threshold:.3f}: " + ", ".join(f"{s} {n}" for s, n in trained.items()))
    return int(trained["autoinit"] <= max(n for s, n in trained.items() if s != "autoinit"))


if __name__ == "__main__":
    sys.exit(main())
