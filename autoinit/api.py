"""AutoInit, the class that users of the package published with the paper know."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from numbers import Real
from typing import Any

import keras

from gondwana.autoinit.draws import check_seed
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.chosen import LayerChoice, choose
from gondwana.autoinit.frontends.keras.data import Data
from gondwana.autoinit.frontends.keras.graph import functional_core
from gondwana.autoinit.frontends.keras.rebuild import copied_layer, rebuilt
from gondwana.autoinit.frontends.statistics import Statistic
from gondwana.autoinit.planning import Plan, plan
from gondwana.autoinit.registry import Rule, check_rules
from gondwana.autoinit.settings import OnUnknown, Propagation
from gondwana.autoinit.strategies.plusplus import centered
from gondwana.autoinit.weights.apply import apply
from gondwana.autoinit.weights.constraints import constrain

_COUNTS = ("monte_carlo_samples", "recurrent_monte_carlo_samples")
_CONFIG_KEYS = ("distribution", "direction", "constrain_weights", *_COUNTS)


class AutoInit:
    """Analytic, signal-preserving weight initialization.

    Args:
        weight_init_config: any of
            ``distribution`` (``truncated_normal``, ``untruncated_normal``, ``uniform``, ``orthogonal``,
            ``delta_orthogonal``);
            ``direction`` (``forward``, ``backward``, ``both``: whether the weights keep the variance of signals, of
            gradients, or a compromise);
            ``constrain_weights`` (True: weights keep mean 0 and their scale throughout training);
            ``monte_carlo_samples`` and ``recurrent_monte_carlo_samples`` (entries per simulation, of an activation
            that is not elementwise and of a recurrent layer; nothing else is simulated here; the larger one counts).
        input_data_mean: mean of the entries of the inputs; a number, or one per input. None: 0, or what a preprocessing
            layer at the input was made for, see :func:`autoinit.plan`.
        input_data_var: their variance, likewise.
        custom_distribution_estimators: rules by layer class, see :func:`autoinit.rule`.
        signal_variance: wanted variance after each layer with weights.
        propagation: ``"exact"`` (mean-field theory) or ``"paper"`` (Appendix A).
        plusplus: make every hidden activation zero-mean first (AutoInit++).
        seed: of the weights; None draws one from the operating system.
        on_unknown: what to do with layers that have no rule: ``"simulate"``, ``"warn"``, ``"passthrough"`` or
            ``"error"``.
        output_variance: wanted variance of the layers that make the outputs; None for ``signal_variance``.

    Raises:
        AutoInitError: if an argument is not one of those above.

    Examples:
        >>> model = AutoInit(seed=1).initialize_model(model)     # doctest: +SKIP
    """

    def __init__(
        self,
        weight_init_config: Mapping[str, Any] | None = None,
        input_data_mean: Statistic | None = None,
        input_data_var: Statistic | None = None,
        custom_distribution_estimators: Mapping[type, Rule] | None = None,
        signal_variance: float = 1.0,
        *,
        propagation: Propagation = "exact",
        plusplus: bool = False,
        seed: int | None = None,
        on_unknown: OnUnknown = "simulate",
        output_variance: float | None = None,
    ) -> None:
        self._config = _checked(weight_init_config)
        self._constrain = self._config.pop("constrain_weights", False)
        counts = [self._config.pop(key) for key in _COUNTS if key in self._config]
        if counts:
            self._config["samples"] = max(counts)
        self._arguments: dict[str, Any] = {
            "input_mean": input_data_mean,
            "input_variance": input_data_var,
            "rules": check_rules(custom_distribution_estimators),
            "signal_variance": signal_variance,
            "propagation": propagation,
            "on_unknown": on_unknown,
            "output_variance": output_variance,
        }
        self._plusplus = plusplus
        self._seed = secrets.randbelow(2**31) if seed is None else check_seed(seed)

    def plan(
        self, model: keras.Model, *, layers: LayerChoice | None = None, data: Data | None = None
    ) -> Plan:
        """Return what would be done to ``model``; see :func:`autoinit.plan` for ``layers``, ``data`` and the errors."""
        return plan(model, seed=self._seed, layers=layers, data=data, **self._arguments, **self._config)

    def initialize_model(
        self,
        model: keras.Model | Mapping[str, Any] | str,
        return_estimates: bool = False,
        custom_objects: Mapping[str, Any] | None = None,
        *,
        in_place: bool = True,
        layers: LayerChoice | None = None,
        data: Data | None = None,
    ) -> Any:
        """Initialize a model and return it.

        Only the kernels and embeddings of layers with weights are drawn; biases, normalization statistics and recurrent
        layers keep their values, and so do layers that are frozen (``trainable=False``).

        Args:
            model: a built Keras model, or the configuration of one (a dict, or JSON text).
            return_estimates: return ``(model, {layer name: (mean, variance)})`` instead.
            custom_objects: classes and functions that the configuration names.
            in_place: draw the weights of the model that was passed; otherwise of a copy. AutoInit++ always makes a
                copy, because it changes activations.
            layers: which layers are drawn, by name, glob, layer or function; None for all that are trainable.
            data: examples of the inputs, in place of their mean and variance.

        Raises:
            ModelError: if the model is not built or cannot be walked.
            AutoInitError: if the text is not the JSON of a model; and what :func:`autoinit.plan` raises.
        """
        target = _as_model(model, custom_objects)
        # by path, since a copy has other layers of the same names
        only = None if layers is None else choose(target, layers).paths
        if self._plusplus:
            target = centered(target, variance=self._arguments["signal_variance"], layers=only)
        elif not in_place and target is model:
            target = _copied(target)
        planned = self.plan(target, layers=only, data=data)
        apply(planned, target, seed=self._seed)
        if self._constrain:
            constrain(target, planned)
        return (target, planned.estimates) if return_estimates else target


def _checked(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of ``weight_init_config``; its values that this file uses itself are of the right type."""
    given = {} if config is None else config
    if not isinstance(given, Mapping):
        raise AutoInitError(f"weight_init_config is a mapping. Received: {given!r}")
    unknown = sorted(str(key) for key in set(given) - set(_CONFIG_KEYS))
    if unknown:
        raise AutoInitError(
            f"unknown keys in weight_init_config: {', '.join(unknown)}. Known: {', '.join(_CONFIG_KEYS)}"
        )
    if not isinstance(given.get("constrain_weights", False), bool):
        raise AutoInitError(f"constrain_weights is True or False. Received: {given['constrain_weights']!r}")
    counts = {key: given[key] for key in _COUNTS if key in given}
    for key, count in counts.items():
        if not isinstance(count, Real) or count != count // 1:  # 1e5 is a whole number too
            raise AutoInitError(f"{key} is a whole number, at least 1. Received: {count!r}")
    return {**given, **{key: int(count) for key, count in counts.items()}}


def _as_model(model: Any, custom_objects: Mapping[str, Any] | None) -> keras.Model:
    if isinstance(model, keras.Model):
        return model
    try:
        config = json.loads(model) if isinstance(model, str) else model
    except json.JSONDecodeError as error:
        raise AutoInitError(f"the model text is not JSON: {error}") from error
    if not isinstance(config, Mapping) or not ("class_name" in config or {"name", "layers"} <= set(config)):
        raise AutoInitError(
            "a model is a keras.Model, or what model.to_json() or model.get_config() returns, as text or as a dict. "
            f"Received: {type(model).__name__}"
        )
    if not isinstance(custom_objects, Mapping | None):
        raise AutoInitError(f"custom_objects is a mapping from names. Received: {custom_objects!r}")
    try:
        with keras.saving.custom_object_scope(dict(custom_objects or {})):
            return _deserialized(config)
    except (
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        ImportError,
    ) as error:  # all that Keras may find wrong
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise AutoInitError(
            f"Keras cannot build a model from this configuration: {reason} Classes and functions of your own "
            "go into custom_objects; a model with a Lambda layer has to be passed as a model"
        ) from error


def _deserialized(config: Mapping[str, Any]) -> Any:
    if "class_name" in config:
        return keras.models.model_from_json(json.dumps(config))
    kind = keras.Model if "input_layers" in config else keras.Sequential
    return kind.from_config(json.loads(json.dumps(config)))


def _copied(model: keras.Model) -> keras.Model:
    if functional_core(model) is None:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        return copy
    return rebuilt(model, copied_layer)
