"""Run a layer or operation on tensors and leave everything as it was: its variables, its seeds, all global streams.

``keras.StatelessScope`` takes what the call assigns to variables; ``streams.py`` puts NumPy and ``random`` back, and
``backend.py`` keeps the stream of the backend out of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.backend import isolated
from gondwana.autoinit.frontends.keras.streams import seed_streams, streams_kept

_WORDS = 2
"""Numbers in the state of a Keras seed generator."""


def run(
    operation: Any,
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    training: bool = True,
    weights: Sequence[tuple[Any, Any]] = (),
    seed: int = 0,
) -> list[Any]:
    """Return the outputs of a call, as a flat list of tensors.

    Args:
        operation: layer or ``keras.Operation``.
        arguments, keywords: of the call, with tensors in place.
        training: how a layer that knows the difference acts.
        weights: pairs of a variable and the value that stands for it during the call.
        seed: of everything random in the call.

    Raises:
        Exception: whatever a user's ``call`` raises.
    """
    if not isinstance(operation, keras.Layer):
        return list(keras.tree.flatten(operation.call(*arguments, **keywords)))
    given = dict(keywords)
    if "training" in inspect.signature(operation.call).parameters:
        given["training"] = training
    states = [*weights, *_seeds(operation, seed)]
    if not is_users(operation):
        with keras.StatelessScope(state_mapping=states):
            return list(keras.tree.flatten(operation(*arguments, **given)))

    def called(*values: Any) -> list[Any]:
        filled, named = keras.tree.pack_sequence_as((tuple(arguments), given), list(values))
        with streams_kept(), keras.StatelessScope(state_mapping=states) as scope:
            _seed_default(scope, seed)
            seed_streams(seed)
            return list(keras.tree.flatten(operation(*filled, **named)))

    return isolated(called, keras.tree.flatten((tuple(arguments), given)), seed)


def is_users(layer: keras.Layer) -> bool:
    """Whether a layer, or one inside it, runs code that is not Keras's own."""
    parts: list[Any] = [layer]
    while parts:
        part = parts.pop()
        if isinstance(part, keras.layers.Lambda) or type(part).__module__.split(".")[0] != "keras":
            return True
        parts += [inner for inner in vars(part).values() if isinstance(inner, keras.Layer)]
    return False


def _seeds(layer: keras.Layer, seed: int) -> list[tuple[Any, Any]]:
    """Return a state for each seed generator of a layer: variables of it that are no weights."""
    weights = {id(variable) for variable in layer.weights}
    own = [variable for variable in layer.variables if id(variable) not in weights]
    seeds = [variable for variable in own if tuple(variable.shape) == (_WORDS,)]
    return [(variable, np.array([seed, number])) for number, variable in enumerate(seeds)]


def _seed_default(scope: Any, seed: int) -> None:
    """Seed what a call without a seed draws from; the scope puts it back."""
    known = set(scope.state_mapping)
    keras.random.uniform(())  # makes the generator that Keras uses by default, if there is none, and moves it
    for key in set(scope.state_mapping) - known:
        scope.state_mapping[key] = keras.ops.full_like(scope.state_mapping[key], seed)
