"""Records of layer and merge types, and the table that finds them by name.

One record holds everything there is to know about a type: which hyperparameters it has, on which tensors it works, the
shape and the number of parameters it gives, and how its Keras layer is made. Shapes never include the batch. A user's
module adds a type with :func:`register`, and its config names it under ``space.layers``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gondwana.nas.searches.codeepneat.genes.domains import Value

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]
Genes = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class LayerType:
    """What there is to know about one type of layer.

    Attributes:
        name: name in configs and specs; in lower case, part of the layer names of a model.
        genes: names of its hyperparameters; all of them are given to the functions below.
        ranks: ranks of the tensors it works on, without the batch.
        shape: input shape and genes -> output shape; None if the layer does not fit there, and is left out.
        parameters: input shape and genes -> number of weights, as ``keras.Model.count_params`` counts them.
        make: genes, layer name and seed -> the Keras layer.
        weighted: whether it can be the first layer of an initial module: it has weights that mix features.
        defaults: values of genes that a search space need not mention.
    """

    name: str
    genes: tuple[str, ...]
    ranks: frozenset[int]
    shape: Callable[[Shape, Genes], Shape | None]
    parameters: Callable[[Shape, Genes], int]
    make: Callable[[Genes, str, int], keras.layers.Layer]
    weighted: bool = False
    defaults: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class MergeType:
    """How a node with several inputs joins them, once their maps have the same size.

    Attributes:
        name: name in configs and specs.
        width: channels of the inputs -> channels of the result.
        equal_widths: whether all inputs need the same number of channels, which linear projections then provide.
        parameters: number of inputs -> number of weights.
        make: layer name -> the Keras layer, which is called on the list of inputs.
    """

    name: str
    width: Callable[[tuple[int, ...]], int]
    equal_widths: bool
    parameters: Callable[[int], int]
    make: Callable[[str], keras.layers.Layer]


class UnknownLayerError(ValueError):
    """A config or spec names a layer type that is not registered, or uses one in the wrong place."""


_TYPES: dict[str, LayerType | MergeType] = {}


def register(record: LayerType | MergeType) -> None:
    """Make a layer or merge type known by its name.

    Raises:
        ValueError: if the name is taken.
    """
    if record.name in _TYPES:
        raise ValueError(f"a layer type named {record.name!r} is registered already; choose another name")
    _TYPES[record.name] = record


def find(name: str) -> LayerType | MergeType:
    """Return the record of that name.

    Raises:
        UnknownLayerError: if there is none.
    """
    if name not in _TYPES:
        close = difflib.get_close_matches(name, _TYPES, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(_TYPES))}."
        raise UnknownLayerError(
            f"no layer type is named {name!r}. {hint} A type of your own is registered by a file that the config "
            "lists under 'search.space.modules', or $GONDWANA_PLUGINS for commands that read a run"
        )
    return _TYPES[name]


def layer_type(name: str) -> LayerType:
    """Return the layer type of that name.

    Raises:
        UnknownLayerError: if there is none, or it is a merge.
    """
    record = find(name)
    if not isinstance(record, LayerType):
        raise UnknownLayerError(f"{name!r} joins several inputs and cannot stand as a layer of its own")
    return record


def merge_type(name: str) -> MergeType:
    """Return the merge type of that name.

    Raises:
        UnknownLayerError: if there is none, or it is a layer.
    """
    record = find(name)
    if not isinstance(record, MergeType):
        raise UnknownLayerError(f"{name!r} is a layer and cannot join several inputs")
    return record
