"""The other uses of the package, in one line each: ``initialize``, ``sample_functions``, ``compare``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from gondwana.activations import Graph
    from gondwana.nas.statistics import Comparison


def initialize(
    model: keras.Model, strategy: str = "autoinit", *, seed: int = 0, **options: Any
) -> keras.Model:
    """Initialize the weights of a network anew by a strategy and return it.

    Args:
        model: built model, drawn in place; ``autoinit++`` returns a new one.
        strategy: one of ``gondwana.autoinit.STRATEGIES``.
        seed: of all weights.
        options: as of :func:`gondwana.autoinit.initialize`: ``input_mean``, ``input_variance``, ``data``, ``layers``,
            ``options``.

    Raises:
        ValueError: for an unknown strategy or option, or a model that cannot be planned.
    """
    from gondwana import autoinit

    return autoinit.initialize(model, strategy, seed=seed, **options)


def sample_functions(n: int, seed: int = 0, *, unique: bool = True, valid: bool = True) -> list[Graph]:
    """Return ``n`` random activation functions of PANGAEA's space; equal seeds give equal functions.

    Args:
        n: how many.
        seed: of every choice.
        unique: leave out functions that equal an earlier one.
        valid: leave out functions that cannot be used as they are.

    Raises:
        ValueError: if ``n`` or ``seed`` is negative.
    """
    import numpy as np

    from gondwana import activations

    return list(activations.sample(np.random.default_rng(seed), n, unique=unique, valid=valid))


def compare(groups: Mapping[str, Any], **options: Any) -> Comparison:
    """Compare groups of outcomes, larger being better: tests, intervals, and a sentence for each pair.

    Args:
        groups: outcomes by name.
        options: as of :func:`gondwana.nas.statistics.compare`, such as ``paired``, ``chance``, ``correction``.

    Raises:
        ValueError: if there is nothing to compare, or an option is wrong.
    """
    from gondwana.nas.statistics import compare as compared

    return compared(groups, **options)
