"""Plan: what a module's signals will be, and how each parameter has to be drawn for it. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch

import gondwana.autoinit.torch.rules.aten
import gondwana.autoinit.torch.rules.contractions
import gondwana.autoinit.torch.rules.functions
import gondwana.autoinit.torch.rules.moves
import gondwana.autoinit.torch.rules.noise  # noqa: F401 (these register the rules)
from gondwana.autoinit.draws import check_distribution, check_seed
from gondwana.autoinit.errors import AutoInitError, ModelError, warn_user
from gondwana.autoinit.frontends.statistics import Statistic, per_input
from gondwana.autoinit.frontends.torch.chosen import LayerChoice, kept_parameters
from gondwana.autoinit.frontends.torch.export import exported
from gondwana.autoinit.frontends.torch.graph import Graph
from gondwana.autoinit.frontends.torch.inputs import Data, examples
from gondwana.autoinit.frontends.torch.modes import check_module
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.planned import Plan, PlannedWeight
from gondwana.autoinit.settings import Direction, OnUnknown, Propagation, Settings
from gondwana.autoinit.signals.samples import measured_signal
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Rule, Scale, check_rules, whole_classes
from gondwana.autoinit.torch.hooks import planned_by_hooks
from gondwana.autoinit.torch.placement import order_of
from gondwana.autoinit.torch.walk import Given, Walk

Biases = Literal["zero", "keep"]


def plan(
    module: torch.nn.Module,
    example_inputs: Any,
    *,
    input_mean: Statistic | None = None,
    input_variance: Statistic | None = None,
    data: Data | None = None,
    layers: LayerChoice | None = None,
    propagation: Propagation = "exact",
    signal_variance: float = 1.0,
    distribution: str = "truncated_normal",
    on_unknown: OnUnknown = "simulate",
    rules: Mapping[str | type, Rule] | None = None,
    samples: int = 4096,
    seed: int = 0,
    weights: Literal["scaled", "actual"] = "scaled",
    direction: Direction = "forward",
    output_variance: float | None = None,
    biases: Biases = "zero",
) -> Plan:
    """Predict the signals of ``module`` and the scale of its parameters. The module is not changed.

    The module is read with ``torch.export``, as it trains (dropout and batch statistics on). One that cannot be
    exported is run once with forward hooks on its leaf modules, which a warning says. Linear and convolution weights
    and embeddings are drawn; recurrent layers, normalization and buffers keep what they hold, and so do parameters with
    ``requires_grad=False``, which enter with their actual values.

    Args:
        module: to be initialized, before ``torch.compile``, DDP or FSDP wrap it.
        example_inputs: a tensor, a tuple of the arguments of ``forward``, or a mapping of named ones. Their shapes and
            dtypes count; of integers that are not looked up in an embedding, their values too.
        input_mean, input_variance: of the entries of the inputs, one for all or one per input; 0 and 1 if not given.
        data: examples instead of mean and variance: a tensor, a ``DataLoader`` or another iterable of batches, or a
            tuple or mapping of tensors, one per input.
        layers: which parts are drawn: paths, globs (``"encoder.*"``), modules, functions of a module, or a list of
            these. None: all that are trainable.
        propagation: ``"exact"`` (mean-field theory) or ``"paper"`` (Appendix A).
        signal_variance: wanted variance after each layer with weights.
        distribution: ``truncated_normal``, ``untruncated_normal``, ``uniform``, ``orthogonal`` or
            ``delta_orthogonal``.
        on_unknown: what to do with operations that have no rule: ``"simulate"`` them on seeded draws, ``"warn"`` and
            pass their signal through, ``"passthrough"``, or ``"error"``.
        rules: rules by operation (``"aten.relu"``) or class of modules that take precedence over the registered ones.
        samples, seed: of simulations; ``samples`` is there for the sake of the Keras side and has no effect here.
        weights: ``"actual"`` predicts the signals of the module as it is, without scaling.
        direction: whether weights keep the variance of signals (``"forward"``), of gradients (``"backward"``), or a
            compromise (``"both"``).
        output_variance: wanted variance of the layers that make the outputs, before their activation; None for
            ``signal_variance``. A classifier whose outputs start near 0 (0.01) starts at the loss of a guess.
        biases: whether the biases of layers whose weights are drawn become 0, as in Keras and in the paper, or keep
            the random values that PyTorch has given them.

    Raises:
        ModelError: if the module is wrapped, without storage or parametrized, or fails on the example inputs.
        UnsupportedLayerError: for an unknown operation with ``on_unknown="error"``.
        AutoInitError: if a layer cannot be scaled because it receives only zeros, or an argument makes no sense.
    """
    check_seed(seed)
    settings = Settings(
        propagation, signal_variance, on_unknown, samples, seed, weights, direction, output_variance
    )
    chosen, extra = check_distribution(distribution), check_rules(rules)
    if biases not in ("zero", "keep"):
        raise AutoInitError(f"biases must be 'zero' or 'keep'. Received: {biases!r}")
    check_module(module)
    kept = kept_parameters(module, layers)
    means, variances = _statistics(data, input_mean, input_variance)
    try:
        graph = exported(module, example_inputs, whole_classes(module, extra))
    except ModelError as error:
        inputs = (example_inputs, means, variances, data)
        found = planned_by_hooks(module, inputs, settings, kept, zeroed=biases == "zero", error=error)
        done = "The plan was made by one pass with hooks on its leaf modules, in the order of their calls"
        unseen = "" if output_variance is None else ". output_variance has no effect: outputs are not seen so"
        warn_user(f"{error}. {done}{unseen}")
        return Plan(type(module).__name__, found[0], _planned_weights(module, found[1]), settings, chosen)
    arrays = {} if data is None else examples(graph, data)
    walk = Walk(graph, Given(settings, kept, biases == "zero", extra, arrays))
    walk.run(_input_signals(graph, settings, means, variances, arrays))
    scales = {} if weights == "actual" else walk.scales
    return Plan(graph.name, walk.calls_with_gradients(), _planned_weights(module, scales), settings, chosen)


def _statistics(data: Data | None, means: Statistic | None, variances: Statistic | None) -> tuple[Any, Any]:
    if data is not None and (means is not None or variances is not None):
        raise AutoInitError(
            "data= gives the mean and variance of the inputs. Received also: input_mean or input_variance"
        )
    return 0.0 if means is None else means, 1.0 if variances is None else variances


def _input_signals(
    graph: Graph, settings: Settings, means: Any, variances: Any, arrays: Mapping[int, Array]
) -> list[Signal]:
    pairs = zip(
        per_input("input_mean", means, graph.names),
        per_input("input_variance", variances, graph.names),
        strict=True,
    )
    signals = []
    for (mean, variance), index in zip(pairs, graph.inputs, strict=True):
        if index in arrays and graph.is_float(index):
            rows = arrays[index]
            if rows.ndim > 1:
                layout = graph.layouts[index]
                rows = np.moveaxis(rows, (layout.batch, layout.channel), (0, rows.ndim - 1))
            signals.append(measured_signal(rows, exact=settings.exact))
            continue
        # Entries of an image or a text are independent; what has one position only shares it with itself.
        single = settings.exact and int(np.prod(graph.lasting(index)[:-1])) == 1
        signals.append(Signal(mean, variance, variance if single else 0.0))
    return signals


def _planned_weights(module: Any, scales: Mapping[int, Scale]) -> tuple[PlannedWeight, ...]:
    planned = []
    for index, (path, parameter) in enumerate(module.named_parameters()):
        scale = scales.get(id(parameter))
        if scale is not None:
            _require_representable(path, parameter, scale.deviation)
            shape = tuple(parameter.shape)
            planned.append(PlannedWeight(index, path, shape, scale.deviation, scale.fan_in, order_of(scale)))
    return tuple(planned)


def _require_representable(path: str, parameter: Any, deviation: float) -> None:
    """Refuse a scale at which the weights would all be 0, or infinite, in the precision of the parameter."""
    precision = torch.finfo(parameter.dtype)
    low, high = 32 * precision.smallest_normal * precision.eps, precision.max / 32
    if not low <= deviation <= high and deviation != 0:
        raise AutoInitError(
            f"{path} needs a standard deviation of {deviation:.3g}, which {parameter.dtype} cannot hold. "
            "Rescale the inputs of the module, or give it another dtype"
        )
