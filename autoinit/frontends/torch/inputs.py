"""Statistics and examples of a module's inputs, checked before they are used."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch

from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.torch.graph import Graph
from gondwana.autoinit.moments.gaussian import Array

Data: TypeAlias = Any
"""Tensor, array, ``DataLoader`` or other iterable of batches; or one tensor per input, in a tuple or by name."""

_MOST_ROWS, _ENTRIES, _MOST_BATCHES = 1024, 1 << 21, 256


def examples(graph: Graph, data: Data) -> dict[int, Array]:
    """Return examples for each input of a graph, by the number of its tensor.

    Of a tensor, rows from all over it; of a loader, the first batches. Batches may be pairs ``(x, y)``: what is not
    ``x`` is left out.

    Raises:
        AutoInitError: if there are too few inputs, the shape is another one, or entries are no finite numbers.
    """
    parts = _by_input(graph, _arrays(graph, data))
    return {
        index: _checked(graph, index, name, part)
        for index, name, part in zip(graph.inputs, graph.names, parts, strict=True)
    }


def _arrays(graph: Graph, data: Data) -> Any:
    if isinstance(data, np.ndarray | torch.Tensor | Mapping | tuple | list) or hasattr(data, "to_numpy"):
        return data
    if not isinstance(data, Iterable):
        raise AutoInitError(
            "data= takes a tensor, an array, a DataLoader, or a tuple or mapping of tensors, one per input. "
            f"Received: {type(data).__name__}"
        )
    batches: list[list[Array]] = []
    read, wanted = 0, max(_rows_wanted(graph, index) for index in graph.inputs)
    for batch in itertools.islice(iter(data), _MOST_BATCHES):
        first = batch[0] if isinstance(batch, tuple | list) and len(batch) > len(graph.inputs) else batch
        batches.append([_array(part) for part in _by_input(graph, first)])
        read += len(batches[-1][0])
        if read >= wanted:
            break
    if not batches:
        raise AutoInitError("data= has no batches. Received: an empty iterable")
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _by_input(graph: Graph, data: Any) -> list[Any]:
    count = len(graph.inputs)
    if isinstance(data, Mapping):
        if any(name not in data for name in graph.names):
            raise AutoInitError(
                f"data= must name the inputs {graph.names}. Received: {sorted(map(str, data))}"
            )
        return [data[name] for name in graph.names]
    if count == 1 and not (isinstance(data, list | tuple) and len(data) == 1):
        return [data]
    if not isinstance(data, list | tuple) or len(data) != count:
        got = f" of {len(data)}" if isinstance(data, list | tuple) else ""
        raise AutoInitError(
            f"data= needs one tensor per input, {count}: {graph.names}. Received: {type(data).__name__}{got}"
        )
    return list(data)


def _array(part: Any) -> Array:
    if isinstance(part, torch.Tensor):
        part = part.detach().cpu()
        return np.asarray((part.to(torch.float64) if part.is_floating_point() else part).numpy())
    return np.asarray(part.to_numpy() if hasattr(part, "to_numpy") else part)


def _rows_wanted(graph: Graph, index: int) -> int:
    entries = int(np.prod([size or 1 for size in graph.shapes[index][1:]], dtype=np.int64)) or 1
    return int(np.clip(_ENTRIES // entries, 16, _MOST_ROWS))


def _checked(graph: Graph, index: int, name: str, part: Any) -> Array:
    array, shape = _array(part), graph.shapes[index]
    if tuple(array.shape[1:]) != tuple(shape[1:]) or len(array) < 2:
        shown = "(" + ", ".join(["any", *(str(size) for size in shape[1:])]) + ")"
        raise AutoInitError(
            f"data= for input {name!r} needs the shape {shown}, with two rows at least. Received: {array.shape}"
        )
    rows = min(_rows_wanted(graph, index), len(array))
    chosen = array[np.unique(np.linspace(0, len(array) - 1, rows).astype(int))]
    if not graph.is_float(index):
        return np.asarray(chosen)
    try:
        numbers = chosen.astype(np.float64)
    except (TypeError, ValueError):
        raise AutoInitError(
            f"data= for input {name!r} must be numbers. Received: {array.dtype} entries"
        ) from None
    if not np.isfinite(numbers).all():
        raise AutoInitError(
            f"data= for input {name!r} must be finite. Received: {numbers[~np.isfinite(numbers)][0]} among the rows "
            "looked at"
        )
    return np.asarray(numbers)
