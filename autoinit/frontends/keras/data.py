"""Examples of a model's inputs, from what a caller has: arrays, tables, datasets; checked before they are used."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from gondwana.autoinit.draws import generator
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.graph import Graph, values_of
from gondwana.autoinit.moments.gaussian import Array

Data: TypeAlias = Any
"""Array, tensor, DataFrame, ``tf.data.Dataset`` or iterable of batches; or one per input, in a list or by name."""

_MOST_ROWS, _LEAST_ROWS = 1024, 16
_ENTRIES = 1 << 21
"""Entries of one input that are looked at, unless ``_LEAST_ROWS`` have more."""

_MOST_BATCHES = 256


def examples(graph: Graph, data: Data) -> dict[int, Array]:
    """Return examples for each input of a graph, by the index of its tensor.

    Of an array, rows from all over it; of a dataset, the first batches. Batches may be pairs ``(x, y)``, as for
    ``model.fit``; what is not ``x`` is left out.

    Raises:
        AutoInitError: if there are too few inputs, the shape is another one, or entries are no finite numbers.
    """
    parts = _by_input(graph, _arrays(graph, data))
    return {
        index: _checked(name, part, graph.shapes[index], graph.dtypes[index])
        for index, name, part in zip(graph.inputs, graph.names, parts, strict=True)
    }


def _arrays(graph: Graph, data: Data) -> Any:
    """Return arrays in the structure of the inputs; read from a dataset where it is one."""
    if (
        isinstance(data, np.ndarray | Mapping | Sequence)
        or hasattr(data, "to_numpy")
        or keras.ops.is_tensor(data)
    ):
        return data
    if not isinstance(data, Iterable):
        raise AutoInitError(
            "data= takes an array, a DataFrame, a dataset, or a list or mapping of arrays, one per input. "
            f"Received: {type(data).__name__}"
        )
    batches: list[list[Any]] = []
    read = 0
    wanted = max(_rows_wanted(graph.shapes[index]) for index in graph.inputs)
    for batch in itertools.islice(_elements(data), _MOST_BATCHES):
        parts = _by_input(graph, batch[0] if isinstance(batch, tuple) else batch)
        whole = [
            _as_batch(part, graph.shapes[index]) for part, index in zip(parts, graph.inputs, strict=True)
        ]
        batches.append(whole)
        read += len(whole[0])
        if read >= wanted:
            break
    if not batches:
        raise AutoInitError("data= has no batches. Received: an empty dataset")
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _elements(data: Any) -> Iterator[Any]:
    """Iterate over batches; a ``keras.utils.PyDataset`` is indexed, and has no end."""
    if isinstance(data, keras.utils.PyDataset):
        return (data[number] for number in range(data.num_batches or _MOST_BATCHES))
    return iter(data)


def _by_input(graph: Graph, data: Any) -> list[Any]:
    count = len(graph.inputs)
    if isinstance(data, Mapping):
        missing = [name for name in graph.names if name not in data]
        if missing:
            raise AutoInitError(
                f"data= must name the inputs {graph.names}. Received: {sorted(map(str, data))}"
            )
        return [data[name] for name in graph.names]
    if count == 1 and not (isinstance(data, list | tuple) and len(data) == 1 and np.ndim(data[0]) > 1):
        return [data]
    if not isinstance(data, list | tuple) or len(data) != count:
        raise AutoInitError(
            f"data= needs one array per input, {count}: {graph.names}. Received: {type(data).__name__}"
            + (f" of {len(data)}" if isinstance(data, list | tuple) else "")
        )
    return list(data)


def _as_batch(part: Any, shape: Sequence[int | None]) -> Any:
    """Return one batch as an array; an element of a dataset without batches becomes a batch of one."""
    array = _array(part)
    return array[None] if array.ndim == len(shape) - 1 else array


def _array(part: Any) -> Any:
    if hasattr(part, "to_numpy"):
        return part.to_numpy()
    return np.asarray(keras.ops.convert_to_numpy(part) if keras.ops.is_tensor(part) else part)


def _rows_wanted(shape: Sequence[int | None]) -> int:
    entries = int(np.prod([size or 32 for size in shape[1:]], dtype=np.int64)) or 1
    return int(np.clip(_ENTRIES // entries, _LEAST_ROWS, _MOST_ROWS))


def _checked(name: str, part: Any, shape: Sequence[int | None], dtype: str) -> Any:
    """Return rows of an input as numbers of the dtype of its tensor."""
    array = _array(part)
    if array.ndim == 1 and tuple(shape[1:]) == (1,):
        array = array[:, None]
    expected = (None, *shape[1:])
    fits = array.ndim == len(expected) and all(
        size in (None, have) for size, have in zip(expected, array.shape, strict=True)
    )
    if not fits or len(array) < 2:
        shown = "(" + ", ".join("any" if size is None else str(size) for size in expected) + ")"
        raise AutoInitError(
            f"data= for input {name!r} needs the shape {shown}, with two rows at least. Received: {array.shape}"
        )
    rows = _rows_wanted(shape)
    chosen = array[np.unique(np.linspace(0, len(array) - 1, min(rows, len(array))).astype(int))]
    try:
        numbers = chosen.astype(np.float64)
    except (TypeError, ValueError):
        raise AutoInitError(
            f"data= for input {name!r} must be numbers. Received: {array.dtype} entries such as {chosen.ravel()[0]!r}. "
            "Encode text and categories first, as for model.fit"
        ) from None
    if not np.isfinite(numbers).all():
        place = tuple(int(n) for n in np.argwhere(~np.isfinite(numbers))[0])
        raise AutoInitError(
            f"data= for input {name!r} must be finite. Received: {numbers[place]} among the rows looked at. "
            "Fill or drop missing cells first"
        )
    return numbers if keras.backend.is_float_dtype(dtype) else numbers.astype(np.int64)


def expected(graph: Graph, seed: int) -> dict[int, Array]:
    """Return seeded examples of what the model's own preprocessing was made for, for inputs that go into it at once.

    An adapted ``Normalization`` knows mean and variance of each feature, one of ``Rescaling`` that divides by about 255
    says that its inputs are pixels.
    """
    found = {}
    for step in graph.steps:
        layer, first = step.operation, step.inputs[:1]
        if not first or first[0] not in graph.inputs or first[0] in found:
            continue
        known = _made_for(layer)
        if known is not None:
            shape = [size or 32 for size in graph.shapes[first[0]][1:]]
            rows = _rows_wanted(graph.shapes[first[0]])
            draws = generator(seed, first[0], 3).normal(size=(rows, *shape))
            found[first[0]] = known[0] + known[1] * draws
    return found


def _made_for(layer: Any) -> tuple[Any, Any] | None:
    """Return mean and standard deviation, broadcast over an example, of what a preprocessing layer expects."""
    if isinstance(layer, keras.layers.Normalization) and not layer.invert and layer.mean is not None:
        mean, variance = (values_of(x)[0] for x in (layer.mean, layer.variance))
        return mean, np.sqrt(variance)
    if isinstance(layer, keras.layers.Rescaling) and np.all(np.abs(np.asarray(layer.scale)) <= _PIXEL_SCALE):
        return _PIXELS
    return None


_PIXELS, _PIXEL_SCALE = (127.5, 64.0), 0.02
"""Mean and deviation of pixels from 0 to 255, and the largest factor that is for these: 1/255, 1/127.5, 1/64."""
