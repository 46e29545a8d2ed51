"""What the pages on signal propagation (Figures 2 and 3) share: draws of weights and images, variances, bands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from gondwana import autoinit
from gondwana.activations import GraphActivation
from gondwana.tasks import architectures
from gondwana.tasks.base import TaskInfo

LOGITS = "logits"


def build(name: str, info: TaskInfo, seed: int, activation: str = "relu(x)", **options: Any) -> keras.Model:
    """Return a network of ``tasks`` with an activation function given as text."""
    return architectures.build(
        name, info, activation=lambda label: GraphActivation(activation, name=label), seed=seed, **options
    )


def drawn(
    model: keras.Model, strategy: str, info: TaskInfo, *, draws: int, images: int, seed: int
) -> Iterator[tuple[keras.Model, np.ndarray]]:
    """Yield the model with fresh weights and a batch of standard Gaussian images, ``draws`` times."""
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        batch = rng.standard_normal((images, *info.input_shape)).astype("float32")
        model = autoinit.initialize(
            model, strategy, seed=seed + draw, input_mean=info.input_mean, input_variance=info.input_variance
        )
        yield model, batch


def variance(signal: Any) -> float:
    """Return the variance over all entries; infinite if one is not finite, which is what is measured then."""
    with np.errstate(all="ignore"):
        value = float(np.var(np.asarray(signal, dtype=np.float64)))
    return value if math.isfinite(value) else math.inf


def band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return geometric mean, least and largest over draws (the first axis)."""
    with np.errstate(divide="ignore"):
        return np.exp(np.log(values).mean(axis=0)), values.min(axis=0), values.max(axis=0)


def words(values: np.ndarray) -> str:
    """Return geometric mean, least and largest of one figure over draws, as it stands in a table."""
    mean, low, high = band(values)
    return f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def plot_band(panel: Any, places: np.ndarray, variances: np.ndarray, label: str) -> None:
    """Draw the geometric mean and the spread over draws; places with an overflow are left out."""
    finite = np.isfinite(variances).all(axis=0)
    mean, low, high = band(np.where(finite, variances, 1.0))
    line = panel.plot(places, np.where(finite, mean, np.nan), label=label)[0]
    panel.fill_between(places, low, high, where=finite, color=line.get_color(), alpha=0.25)
