"""Layers whose weights make the outputs of a model, whatever framework it is written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

S = TypeVar("S", bound=Any)


def last_layers(
    steps: Sequence[S],
    outputs: Collection[int],
    inputs_of: Callable[[S], Sequence[int]],
    weights_of: Callable[[S], Collection[int]],
) -> frozenset[int]:
    """Return the first outputs of the steps with weights from which a path of single tensors leads to an output.

    The path may lead through activations, softmax, reshaping and the like, but through no sum or product of several
    tensors, and nothing else may read what is on it or use the same weights: the rest of the model is not to see how
    these layers are scaled.

    Args:
        steps: operations with ``outputs``, in the order of the graph.
        outputs: tensors that the model puts out.
        inputs_of: the tensors that a step reads, constants aside.
        weights_of: keys of the weights that a step multiplies by.
    """
    producer = {index: step for step in steps for index in step.outputs}
    readers = Counter(index for step in steps for index in inputs_of(step))
    users = Counter(key for step in steps for key in weights_of(step))
    found: set[int] = set()
    for output in outputs:
        index, read = output, 0
        while readers[index] == read and (step := producer.get(index)) is not None:
            weights = weights_of(step)
            if weights:
                found.update(step.outputs[:1] if all(users[key] == 1 for key in weights) else ())
                break
            if len(inputs_of(step)) != 1 or len(step.outputs) != 1:
                break
            index, read = inputs_of(step)[0], 1
    return frozenset(found)
