"""Random activation functions: PANGAEA's process, and what a search adds to it (validity, uniqueness).

Section 7 of the paper: "First, a minimal computation graph is initialized with randomly selected unary and binary
operators. Second, the functional form of the activation function is modified by applying three random mutations to
increase diversity. Third, the function is augmented with up to three learnable parameters."
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import overload

import numpy as np

from gondwana.activations.errors import ActivationError
from gondwana.activations.graph.graph import Graph
from gondwana.activations.graph.node import Node, Nodes, shared_node
from gondwana.activations.graph.parameters import MAX_PARAMETERS, parametrize_nodes
from gondwana.activations.operators.pangaea import PANGAEA
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import OperatorSet
from gondwana.activations.space.mutation import mutate_nodes
from gondwana.activations.space.validity import Distinct, problem

MUTATIONS_PER_SAMPLE = 3
_MAX_REJECTIONS = 10_000


def minimal(rng: np.random.Generator, operators: OperatorSet = PANGAEA) -> Graph:
    """Return ``unary(unary(x))`` or ``binary(unary(x), unary(x))``, with equal chances; operators are uniform."""

    return Graph(_minimal(rng, operators))


def _minimal(rng: np.random.Generator, operators: OperatorSet) -> Nodes:
    def draw(names: tuple[str, ...], arity: int) -> Node:
        return shared_node(names[int(rng.integers(len(names)))], arity)

    x = shared_node(INPUT, 0)
    if rng.integers(2):
        binary, left, right = draw(operators.binary, 2), draw(operators.unary, 1), draw(operators.unary, 1)
        return (x, left, x, right, binary)
    return (x, draw(operators.unary, 1), draw(operators.unary, 1))


def _draw(rng: np.random.Generator, operators: OperatorSet, mutations: int, max_parameters: int) -> Nodes:
    nodes = _minimal(rng, operators)
    for _ in range(mutations):
        nodes = mutate_nodes(nodes, rng, operators)
    return parametrize_nodes(nodes, rng, max_parameters)


@overload
def sample(
    rng: np.random.Generator,
    count: None = None,
    *,
    unique: bool = ...,
    valid: bool = ...,
    operators: OperatorSet = ...,
    mutations: int = ...,
    max_parameters: int = ...,
) -> Graph: ...
@overload
def sample(
    rng: np.random.Generator,
    count: int,
    *,
    unique: bool = ...,
    valid: bool = ...,
    operators: OperatorSet = ...,
    mutations: int = ...,
    max_parameters: int = ...,
) -> Iterator[Graph]: ...
def sample(
    rng: np.random.Generator,
    count: int | None = None,
    *,
    unique: bool = False,
    valid: bool = False,
    operators: OperatorSet = PANGAEA,
    mutations: int = MUTATIONS_PER_SAMPLE,
    max_parameters: int = MAX_PARAMETERS,
) -> Graph | Iterator[Graph]:
    """Draw random functions by PANGAEA's process. Equal generators give equal functions.

    Args:
        rng: source of every choice.
        count: None for one function, else an iterator of so many.
        unique: leave out functions that equal an earlier one of this call (:class:`activations.Distinct`).
        valid: leave out functions that cannot be used (:func:`activations.problem`): constant, not finite on a grid,
            without Gaussian moments. The paper's experiment uses neither option.
        operators: from which functions are made.
        mutations: number of mutations applied to the minimal graph.
        max_parameters: the number of learnable factors is uniform in 0..``max_parameters``.

    Raises:
        ValueError: if ``count`` or ``mutations`` is negative, or ``rng`` is no generator.
        ActivationError: if 10,000 functions in a row were rejected.
    """
    if mutations < 0 or (count is not None and count < 0):
        raise ValueError(f"count and mutations must be >= 0. Received: count={count}, mutations={mutations}")
    if not isinstance(rng, np.random.Generator):
        raise ActivationError(
            f"rng must be a NumPy Generator, such as numpy.random.default_rng(0). Received: {rng!r}"
        )
    accepted = _accepted(rng, unique, valid, operators, mutations, max_parameters)
    if count is None:
        return next(accepted)
    return (next(accepted) for _ in range(count))


def _accepted(
    rng: np.random.Generator,
    unique: bool,
    valid: bool,
    operators: OperatorSet,
    mutations: int,
    max_parameters: int,
) -> Iterator[Graph]:
    distinct = Distinct()
    met: set[Nodes] = set()  # every third draw repeats an earlier one to the letter once there are many
    rejected = 0
    while rejected < _MAX_REJECTIONS:
        nodes = _draw(rng, operators, mutations, max_parameters)
        rejected += 1
        if unique:
            if nodes in met:
                continue
            met.add(nodes)
        graph = Graph(nodes)
        if (valid and problem(graph) is not None) or (unique and not distinct.add(graph)):
            continue
        rejected = 0
        yield graph
    raise ActivationError(
        f"no new function in {_MAX_REJECTIONS} draws; the operator set is exhausted: allow duplicates or more mutations"
    )
