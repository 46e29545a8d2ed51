"""What an operation puts out: by its rule, or on draws where the rule, or its integral, does not exist."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from gondwana.autoinit.errors import AutoInitError, NotIntegrableError, UnsupportedLayerError, warn_user
from gondwana.autoinit.frontends.keras.graph import Step
from gondwana.autoinit.registry import Call, Result, Rule, Weighted, pass_through, simulate
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.simulation.simulator import Simulation


def outcome(simulation: Simulation, step: Step, call: Call, rule: Rule, given: Sequence[Signal]) -> Result:
    """Return what the rule says or, where it says nothing, what draws say; a plan does not fail of one operation.

    Args:
        simulation: of the walk.
        step: what is called.
        call: the same for the rule.
        rule: of the operation, or one that stands for its absence.
        given: signals of the inputs.

    Raises:
        NotIntegrableError: if an integral does not exist, with ``on_unknown="error"`` only.
        AutoInitError: if a layer cannot be scaled.
    """
    chosen = call.settings.on_unknown
    if rule is simulate:
        return _simulated(simulation, step, call, given)
    if chosen == "simulate" and step.outputs[0] in simulation.kept:
        return _kept(simulation, step, call, given, rule)
    if chosen == "simulate" and simulation.needs(step):
        return _simulated(simulation, step, call, given, rule)
    try:
        return rule(call, *given)
    except NotIntegrableError:
        if chosen == "error":
            raise
        return _activated(simulation, step, call, rule, given)
    except (UnsupportedLayerError, ArithmeticError, TypeError, LookupError):
        # A call that its rule did not foresee, such as a kernel that the model computes.
        if chosen == "error" or not _is_ours(rule):
            raise
        return _simulated(simulation, step, call, given)


def _is_ours(rule: Rule) -> bool:
    """Whether a rule belongs to this package: what a user's rule raises is for the user."""
    return rule.__module__.startswith(__name__.rpartition(".simulation.")[0])


def before_activation(call: Call, rule: Rule, given: Sequence[Signal]) -> Result:
    """Return what a layer puts out without its activation."""
    return rule(replace(call, operation=_WithoutActivation(call.operation)), *given)


def _activated(simulation: Simulation, step: Step, call: Call, rule: Rule, given: Sequence[Signal]) -> Result:
    """Return the result of a layer whose activation has no moments under a Gaussian: its values on draws have."""
    if not callable(getattr(step.operation, "activation", None)):
        return _simulated(simulation, step, call, given)
    before = before_activation(call, rule, given)
    if not isinstance(before, Weighted):
        return _simulated(simulation, step, call, given)
    try:
        signals = simulation.activation(step)
    except Exception as error:  # noqa: BLE001 - whatever the user's function raises: the plan says so and goes on
        _warn(step, error, "its activation is left out of the plan")
        return before
    return Weighted(signals, before.scales)


def _simulated(
    simulation: Simulation, step: Step, call: Call, given: Sequence[Signal], rule: Rule = pass_through
) -> Result:
    """Return the signals of draws; where the operation cannot be run, those of the rule."""
    try:
        return simulation.run(step)
    except Exception as error:  # noqa: BLE001 - whatever the user's call() raises: the plan says so and goes on
        done = "the signal is passed through unchanged" if rule is pass_through else "its rule is used"
        _warn(step, error, done)
    if rule is pass_through and not given:
        return Signal(0.0, 1.0)
    return rule(call, *given)


def _kept(simulation: Simulation, step: Step, call: Call, given: Sequence[Signal], rule: Rule) -> Result:
    """Return the signals of a layer that is run with its own weights; its rule gives their scales, for the gradient."""
    result = _simulated(simulation, step, call, given, rule)
    if isinstance(result, Weighted) or rule in (pass_through, simulate):
        return result
    try:
        ruled = rule(replace(call, settings=replace(call.settings, weights="actual")), *given)
    except (AutoInitError, ArithmeticError, TypeError, LookupError):
        return result  # no rule for this call: the gradient takes the layer for one without weights
    return Weighted(result, ruled.scales) if isinstance(ruled, Weighted) else result


def _warn(step: Step, error: Exception, done: str) -> None:
    reason = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())[:200]
    warn_user(
        f"{type(step.operation).__name__} {step.name!r} could not be simulated "
        f"({type(error).__name__}: {reason}): {done}. Register a rule for its class with @autoinit.rule"
    )


class _WithoutActivation:
    """A layer as its rule sees it, with a linear activation."""

    activation = staticmethod(keras.activations.linear)

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)
