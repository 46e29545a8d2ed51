"""Plan: what a model's signals will be, and how each weight has to be drawn for it (Algorithm 1). Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np

from gondwana.autoinit.draws import check_distribution
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.chosen import LayerChoice, choose
from gondwana.autoinit.frontends.keras.data import Data, examples, expected
from gondwana.autoinit.frontends.keras.graph import Graph, trace
from gondwana.autoinit.frontends.statistics import Statistic, per_input
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.planned import Plan, PlannedCall, PlannedWeight
from gondwana.autoinit.registry import Rule, Scale, check_rules, has_rule
from gondwana.autoinit.settings import Direction, OnUnknown, Propagation, Settings
from gondwana.autoinit.signals.samples import measured_signal
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import positions
from gondwana.autoinit.walk import Given, Walk

__all__ = ["Plan", "PlannedCall", "PlannedWeight", "plan"]


def plan(
    model: keras.Model,
    *,
    input_mean: Statistic | None = None,
    input_variance: Statistic | None = None,
    data: Data | None = None,
    layers: LayerChoice | None = None,
    propagation: Propagation = "exact",
    signal_variance: float = 1.0,
    distribution: str = "truncated_normal",
    on_unknown: OnUnknown = "simulate",
    rules: Mapping[type, Rule] | None = None,
    samples: int = 4096,
    seed: int = 0,
    weights: Literal["scaled", "actual"] = "scaled",
    direction: Direction = "forward",
    output_variance: float | None = None,
) -> Plan:
    """Predict the signals of ``model`` and the scale of its weights. The model is not changed.

    Layers that keep their weights, because they are frozen (``trainable=False``) or ``layers`` leaves them out, are run
    on a few examples with the weights that they have: what follows them is scaled for what they really put out.

    Args:
        model: built Keras model.
        input_mean, input_variance: of the entries of the inputs, one for all or one per input. Not given: 0 and 1; for
            an input that goes into an adapted ``Normalization``, what that was adapted to; for one that a ``Rescaling``
            of pixels takes, those of pixels from 0 to 255.
        data: examples instead of mean and variance: an array, a DataFrame, a ``tf.data.Dataset`` or another iterable
            of batches (of which the first are read), or one of these per input, in a list or by name.
        layers: which layers are drawn: names, globs (``"head*"``), layers, functions of a layer, or a list of these.
            None: all that are trainable. Frozen layers, LoRA and quantized ones keep their weights in any case.
        propagation: ``"exact"`` (mean-field theory) or ``"paper"`` (Appendix A).
        signal_variance: wanted variance after each layer with weights.
        distribution: ``truncated_normal``, ``untruncated_normal``, ``uniform``, ``orthogonal`` or
            ``delta_orthogonal``.
        on_unknown: what to do with layers that have no rule: ``"simulate"`` them on seeded draws, ``"warn"`` and pass
            their signal through, ``"passthrough"``, or ``"error"``.
        rules: rules by class that take precedence over the registered ones.
        samples: entries per simulation, where one is needed (recurrent layers).
        seed: of these simulations.
        weights: ``"actual"`` predicts the signals of the model as it is, without scaling.
        direction: whether weights keep the variance of signals (``"forward"``), of gradients (``"backward"``), or a
            compromise (``"both"``).
        output_variance: wanted variance of the layers that make the outputs, before their activation; None for
            ``signal_variance``. A classifier whose outputs start near 0 (0.01) starts at the loss of a guess.

    Raises:
        ModelError: if the model cannot be walked.
        UnsupportedLayerError: for an unknown layer with ``on_unknown="error"``.
        NotIntegrableError: if an activation has no finite variance, with ``on_unknown="error"``; else it is simulated.
        AutoInitError: if a layer cannot be scaled because it receives only zeros, or an argument makes no sense.
    """
    settings = Settings(
        propagation, signal_variance, on_unknown, samples, seed, weights, direction, output_variance
    )
    chosen = check_distribution(distribution)
    extra = check_rules(rules)
    choice = choose(model, layers)
    graph = trace(model, lambda operation: has_rule(operation, extra))
    arrays = _examples(graph, data, input_mean, input_variance, seed)
    walk = Walk(graph, Given(settings, choice, extra, arrays))
    walk.run(_input_signals(graph, settings, input_mean, input_variance, arrays))
    planned = _planned_weights(model, walk.scales)
    return Plan(model.name, walk.calls_with_gradients(), planned, settings, chosen)


def _examples(
    graph: Graph, data: Data | None, means: Statistic | None, variances: Statistic | None, seed: int
) -> dict[int, Array]:
    """Return the examples that are given, or those that the model's own preprocessing was made for."""
    if data is None:
        return expected(graph, seed) if means is None and variances is None else {}
    if means is not None or variances is not None:
        raise AutoInitError(
            "data= gives the mean and variance of the inputs. Received also: input_mean or input_variance"
        )
    return examples(graph, data)


def _input_signals(
    graph: Graph,
    settings: Settings,
    means: Statistic | None,
    variances: Statistic | None,
    arrays: Mapping[int, Array],
) -> list[Signal]:
    pairs = zip(
        per_input("input_mean", 0.0 if means is None else means, graph.names),
        per_input("input_variance", 1.0 if variances is None else variances, graph.names),
        strict=True,
    )
    signals = []
    for (mean, variance), index in zip(pairs, graph.inputs, strict=True):
        if index in arrays and keras.backend.is_float_dtype(graph.dtypes[index]):
            signals.append(measured_signal(arrays[index], exact=settings.exact))
            continue
        # Entries of an image or a text are independent; what has one position only shares it with itself.
        single = settings.exact and positions(graph.shapes[index][1:-1]) == 1
        signals.append(Signal(mean, variance, variance if single else 0.0))
    return signals


def _planned_weights(model: Any, scales: Mapping[int, Scale]) -> tuple[PlannedWeight, ...]:
    planned = []
    for index, weight in enumerate(model.weights):
        scale = scales.get(id(weight))
        if scale is not None:
            _require_representable(weight, scale.deviation)
            shape = tuple(weight.shape)
            planned.append(PlannedWeight(index, weight.path, shape, scale.deviation, scale.fan_in))
    return tuple(planned)


def _require_representable(weight: Any, deviation: float) -> None:
    """Refuse a scale at which the weights would all be 0, or infinite, in the precision of the variable."""
    precision = np.finfo(np.float16 if weight.dtype == "float16" else np.float32)
    low, high = 32 * float(precision.smallest_subnormal), float(precision.max) / 32
    if not low <= deviation <= high and deviation != 0:
        raise AutoInitError(
            f"weight {weight.path} needs a standard deviation of {deviation:.3g}, which {weight.dtype} cannot hold. "
            "Rescale the inputs of the model, or give it another dtype"
        )
