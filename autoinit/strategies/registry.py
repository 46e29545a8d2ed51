"""Initialization strategies by name, for searches and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras

from gondwana.autoinit.diagnostics.calibration import calibrate, gaussian_inputs_of
from gondwana.autoinit.draws import check_seed, generator
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.chosen import Choice, LayerChoice, choose
from gondwana.autoinit.frontends.keras.data import Data
from gondwana.autoinit.frontends.statistics import Statistic
from gondwana.autoinit.planning import plan
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
    {
        "propagation",
        "distribution",
        "signal_variance",
        "output_variance",
        "on_unknown",
        "direction",
        "dropout_adjustment",
    }
)
_DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)

STRATEGIES: tuple[str, ...] = (
    "default",
    *_KERAS,
    "lsuv",
    "autoinit",
    "autoinit-paper",
    "autoinit++",
    "autoinit-calibrated",
)
"""Names that :func:`initialize` knows."""


def _options_of(strategy: str) -> frozenset[str]:
    if not strategy.startswith("autoinit"):
        return frozenset()
    return _OPTIONS - {"propagation"} if strategy == "autoinit-paper" else _OPTIONS


OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType({name: _options_of(name) for name in STRATEGIES})
"""Options that each strategy knows."""


def initialize(
    model: keras.Model,
    strategy: str,
    *,
    seed: int,
    input_mean: Statistic | None = None,
    input_variance: Statistic | None = None,
    options: Mapping[str, Any] | None = None,
    layers: LayerChoice | None = None,
    data: Data | None = None,
) -> keras.Model:
    """Initialize the weights of ``model`` anew, as a function of ``seed`` alone, and return the model.

    Layers that are frozen (``trainable=False``), and those that ``layers`` leaves out, keep everything. Of the others,
    weights, biases, embeddings, recurrent kernels and statistics are drawn with their layers' own initializers; the
    strategy then decides about the kernels. What the weights were before does not matter. Only weights of custom layers
    that have no ``<name>_initializer`` attribute keep their values. ``lsuv`` and ``autoinit-calibrated`` measure on
    ``data`` or, without it, on a batch of Gaussian inputs of the given mean and variance.

    Args:
        model: built model; drawn in place. ``autoinit++`` returns a new model beside it.
        strategy: one of :data:`STRATEGIES`; ``autoinit-paper`` is ``autoinit`` with ``propagation="paper"``.
        seed: of all weights.
        input_mean, input_variance: of the inputs, see :func:`autoinit.plan` (``lsuv`` and ``autoinit`` strategies).
        options: of the ``autoinit`` strategies: ``propagation``, ``distribution``, ``signal_variance``,
            ``output_variance``, ``on_unknown``, ``direction``, and ``dropout_adjustment``, True unless given: False
            plans as if there were no dropout, as in the paper's Section 7. The other strategies have none.
        layers: which layers are initialized; None for all that are trainable, see :func:`autoinit.plan`.
        data: examples of the inputs in place of their mean and variance, see :func:`autoinit.plan`.

    Raises:
        AutoInitError: for an unknown strategy or option; and what :func:`autoinit.plan` raises.
    """
    given = dict(options or {})
    _check(strategy, given)
    check_seed(seed)
    adjust = given.pop("dropout_adjustment", True)
    if strategy == "autoinit-paper":
        given["propagation"] = "paper"
    kernel = _KERAS[strategy]() if strategy in _KERAS else None
    choice = choose(model, layers)
    only = None if layers is None else choice.paths
    _draw_all(model, seed, kernel, choice)
    if strategy == "autoinit++":  # after drawing, since what is subtracted may depend on a PReLU's slopes
        model = centered(model, variance=given.get("signal_variance", 1.0), layers=only)
    about: dict[str, Any] = {"input_mean": input_mean, "input_variance": input_variance, "layers": only}
    if strategy == "lsuv":
        batch = gaussian_inputs_of(model, _LSUV_BATCH, seed, input_mean, input_variance, data)
        lsuv(model, batch, seed=seed, layers=only)
    if strategy.startswith("autoinit"):
        about["rules"] = {} if adjust else dict.fromkeys(_DROPOUTS, _unchanged)
        if strategy == "autoinit-calibrated":
            calibrate(model, data, seed=seed, **about, **given)
        else:
            apply(plan(model, seed=seed, data=data, **about, **given), model, seed=seed)
    return model


def _unchanged(call: Call, x: Signal) -> Signal:
    """Pass a signal through: the rule of dropout where it is left out of account."""
    return x


def _draw_all(model: keras.Model, seed: int, kernel: Any | None, choice: Choice) -> None:
    """Draw every weight that is not kept with its own initializer, kernels with ``kernel`` if given."""
    weights = model.weights
    for index, (_, own) in sorted(variables_with_initializers(model).items()):
        variable = weights[index]
        if id(variable) in choice.reasons:
            continue
        initializer = kernel if kernel is not None and variable.name in KERNELS else own
        variable.assign(sample(initializer, tuple(variable.shape), generator(seed, index, 1)))


def _check(strategy: str, options: Mapping[str, Any]) -> None:
    if strategy not in STRATEGIES:
        raise AutoInitError(f"strategy must be one of {', '.join(STRATEGIES)}. Received: {strategy!r}")
    allowed = OPTIONS[strategy]
    unknown = sorted(set(options) - allowed)
    if unknown:
        known = ", ".join(sorted(allowed)) or "none"
        raise AutoInitError(f"unknown options of strategy {strategy!r}: {', '.join(unknown)}. Known: {known}")
    if not isinstance(options.get("dropout_adjustment", True), bool):
        raise AutoInitError(
            f"dropout_adjustment must be true or false. Received: {options['dropout_adjustment']!r}"
        )
