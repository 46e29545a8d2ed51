"""Initialization strategies by name, for searches and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras

from gondwana.autoinit.diagnostics.measure import gaussian_inputs
from gondwana.autoinit.draws import check_seed, generator
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.plan import plan
from gondwana.autoinit.registry import Call
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.strategies.lsuv import lsuv
from gondwana.autoinit.strategies.plusplus import centered
from gondwana.autoinit.weights.apply import apply
from gondwana.autoinit.weights.initializers import KERNELS, sample, variables_with_initializers

_KERAS = {
    "glorot_uniform": keras.initializers.GlorotUniform,
    "glorot_normal": keras.initializers.GlorotNormal,
    "he_uniform": keras.initializers.HeUniform,
    "he_normal": keras.initializers.HeNormal,
    "lecun_uniform": keras.initializers.LecunUniform,
    "lecun_normal": keras.initializers.LecunNormal,
    "orthogonal": keras.initializers.Orthogonal,
}
_LSUV_BATCH = 64
_OPTIONS = frozenset(
    {"propagation", "distribution", "signal_variance", "on_unknown", "direction", "dropout_adjustment"}
)
_DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)

STRATEGIES: tuple[str, ...] = ("default", *_KERAS, "lsuv", "autoinit", "autoinit++")
"""Names that :func:`initialize` knows."""


def initialize(
    model: keras.Model,
    strategy: str,
    *,
    seed: int,
    input_mean: float | Mapping[str, float] = 0.0,
    input_variance: float | Mapping[str, float] = 1.0,
    options: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Initialize every weight of ``model`` anew, as a function of ``seed`` alone, and return the model.

    Weights, biases, embeddings, recurrent kernels and statistics are drawn with their layers' own initializers; the
    strategy then decides about the kernels. What the weights were before does not matter. Only weights of custom layers
    that have no ``<name>_initializer`` attribute keep their values. ``lsuv`` measures on a batch of Gaussian inputs
    of the given mean and variance; :func:`autoinit.lsuv` takes a batch of data.

    Args:
        model: built model; drawn in place. ``autoinit++`` returns a new model beside it.
        strategy: one of :data:`STRATEGIES`.
        seed: of all weights.
        input_mean, input_variance: of the inputs (``autoinit`` strategies).
        options: of the ``autoinit`` strategies: ``propagation``, ``distribution``, ``signal_variance``,
            ``on_unknown``, ``direction``, and ``dropout_adjustment``, True unless given: False plans as if there were
            no dropout, as in the paper's Section 7. The other strategies have none.

    Raises:
        AutoInitError: for an unknown strategy or option; and what :func:`autoinit.plan` raises.
    """
    given = dict(options or {})
    _check(strategy, given)
    check_seed(seed)
    adjust = given.pop("dropout_adjustment", True)
    kernel = _KERAS[strategy]() if strategy in _KERAS else None
    _draw_all(model, seed, kernel)
    if strategy == "autoinit++":  # after drawing, since what is subtracted may depend on a PReLU's slopes
        model = centered(model, variance=given.get("signal_variance", 1.0))
    if strategy == "lsuv":
        lsuv(model, _gaussian_batch(model, input_mean, input_variance, seed), seed=seed)
    if strategy.startswith("autoinit"):
        rules = {} if adjust else dict.fromkeys(_DROPOUTS, _unchanged)
        planned = plan(
            model, input_mean=input_mean, input_variance=input_variance, seed=seed, rules=rules, **given
        )
        apply(planned, model, seed=seed)
    return model


def _unchanged(call: Call, x: Signal) -> Signal:
    """Pass a signal through: the rule of dropout where it is left out of account."""
    return x


def _draw_all(model: keras.Model, seed: int, kernel: Any | None) -> None:
    """Draw every weight with its own initializer, kernels with ``kernel`` if given."""
    weights = model.weights
    for index, (_, own) in sorted(variables_with_initializers(model).items()):
        variable = weights[index]
        initializer = kernel if kernel is not None and variable.name in KERNELS else own
        variable.assign(sample(initializer, tuple(variable.shape), generator(seed, index, 1)))


def _gaussian_batch(model: keras.Model, mean: Any, variance: Any, seed: int) -> list[Any]:
    rng = generator(seed, len(model.weights), 2)
    batch = gaussian_inputs(model, _LSUV_BATCH, rng)
    means, variances = (value if isinstance(value, Mapping) else {} for value in (mean, variance))
    return [
        x if x.dtype.kind == "i" else means.get(t.name, mean) + variances.get(t.name, variance) ** 0.5 * x
        for x, t in zip(batch, model.inputs, strict=True)
    ]


def _check(strategy: str, options: Mapping[str, Any]) -> None:
    if strategy not in STRATEGIES:
        raise AutoInitError(f"strategy must be one of {', '.join(STRATEGIES)}. Received: {strategy!r}")
    allowed = _OPTIONS if strategy.startswith("autoinit") else frozenset[str]()
    unknown = sorted(set(options) - allowed)
    if unknown:
        known = ", ".join(sorted(allowed)) or "none"
        raise AutoInitError(f"unknown options of strategy {strategy!r}: {', '.join(unknown)}. Known: {known}")
    if not isinstance(options.get("dropout_adjustment", True), bool):
        raise AutoInitError(
            f"dropout_adjustment must be true or false. Received: {options['dropout_adjustment']!r}"
        )


OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: _OPTIONS if name.startswith("autoinit") else frozenset() for name in STRATEGIES}
)
"""Options that each strategy knows."""
