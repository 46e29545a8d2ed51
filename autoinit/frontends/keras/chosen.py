"""Which layers of a model are drawn, and which keep the weights that they have."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.graph import (
    frozen_variables,
    nested_layers,
    own_variables,
    variables_of,
)

Selector: TypeAlias = str | keras.Layer | Callable[[keras.Layer], bool]
"""A layer by its name, its path (``outer/inner``) or a glob of these (``head*``); the layer; or a test of a layer."""

LayerChoice: TypeAlias = Selector | Iterable[Selector]
"""Selectors; a ``frozenset`` of texts, as :attr:`Choice.paths` is, holds paths and nothing else."""

FROZEN, LEFT_OUT, ADAPTED = "frozen", "not chosen", "LoRA or quantized"


@dataclass(frozen=True)
class Choice:
    """What of a model is drawn.

    Attributes:
        reasons: why a variable keeps its value, by the ``id`` of the variable.
        paths: of the layers that are drawn, ``outer/inner`` inside nested models.
        layers: ``id`` of the layers that are drawn.
    """

    reasons: Mapping[int, str]
    paths: frozenset[str]
    layers: frozenset[int]

    def reason(self, operation: Any, arguments: Sequence[Any] = ()) -> str:
        """Return why an operation keeps all of its weights; empty if it has none, or some are drawn."""
        found = [self.reasons.get(id(variable), "") for variable in variables_of(operation, arguments)]
        return found[0] if found and all(found) else ""


def choose(model: keras.Model, layers: LayerChoice | None = None) -> Choice:
    """Return what is drawn: the layers that are trainable and, if ``layers`` says which, among these.

    A layer inside a chosen one is chosen. Layers with LoRA enabled, and quantized ones, keep everything: their kernels
    were trained, and what was added to them starts as Keras has made it.

    Args:
        model: built model.
        layers: what to choose; None for all.

    Raises:
        AutoInitError: if a part of ``layers`` matches nothing, or nothing that can be drawn.
    """
    members = nested_layers(model)
    wanted = {id(layer) for _, line in members for layer in line}
    if isinstance(layers, frozenset):
        wanted = {id(line[-1]) for path, line in members if path in layers}
    elif layers is not None:
        wanted = _matched(members, _selectors(layers))
    reasons: dict[int, str] = {}
    drawn: dict[int, str] = {}
    for path, line in members:
        layer = line[-1]
        why = _reason(line, wanted)
        if not why:
            drawn[id(layer)] = path
        frozen = {id(variable) for variable in frozen_variables(layer)}
        for variable in own_variables(layer):
            if why or id(variable) in frozen:
                reasons.setdefault(id(variable), why or FROZEN)
    if layers is not None and not any(variables_of(line[-1]) for _, line in members if id(line[-1]) in drawn):
        raise AutoInitError(
            f"layers= chooses nothing that can be drawn: the layers are frozen (trainable=False), keep their weights "
            f"because of LoRA or quantization, or have none. Received: {layers!r}"
        )
    return Choice(reasons, frozenset(drawn.values()), frozenset(drawn))


def _reason(line: Sequence[keras.Layer], wanted: set[int]) -> str:
    """Return why the last of nested layers keeps its weights, or an empty text."""
    layer = line[-1]
    if not layer.trainable:
        return FROZEN
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None) is not None:
        return ADAPTED
    return "" if any(id(part) in wanted for part in line) else LEFT_OUT


def _selectors(layers: LayerChoice) -> list[Selector]:
    if isinstance(layers, str | keras.Layer) or callable(layers):
        return [layers]
    if isinstance(layers, Iterable):
        return list(layers)
    raise AutoInitError(
        "layers= takes names, globs, layers or a function of a layer, one or a list of them. "
        f"Received: {layers!r}"
    )


def _matched(
    members: Sequence[tuple[str, tuple[keras.Layer, ...]]], selectors: Sequence[Selector]
) -> set[int]:
    wanted: set[int] = set()
    for selector in selectors:
        found = {id(line[-1]) for path, line in members if _matches(selector, path, line[-1])}
        if not found:
            raise AutoInitError(f"no layer matches {selector!r} in layers=. {_near(selector, members)}")
        wanted |= found
    if not selectors:
        raise AutoInitError("layers= is empty. Leave it out to draw all layers that are trainable")
    return wanted


def _matches(selector: Selector, path: str, layer: keras.Layer) -> bool:
    if isinstance(selector, str):
        return any(name == selector or fnmatch.fnmatchcase(name, selector) for name in (path, layer.name))
    if isinstance(selector, keras.Layer):
        return layer is selector
    if callable(selector):
        return bool(selector(layer))
    raise AutoInitError(
        f"layers= takes names, globs, layers or a function of a layer. Received: {type(selector).__name__} {selector!r}"
    )


def _near(selector: Selector, members: Sequence[tuple[str, tuple[keras.Layer, ...]]]) -> str:
    names = list(dict.fromkeys(path for path, _ in members))
    close = difflib.get_close_matches(selector, names, n=3) if isinstance(selector, str) else []
    shown = ", ".join(close or names[:8])
    more = "" if close or len(names) <= 8 else f" and {len(names) - 8} more"
    return f"Layers of the model: {shown}{more}"
