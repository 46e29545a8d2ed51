"""What is shared between functions changes none of their values, verdicts or draws."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gondwana import activations
from gondwana.activations import Graph, mutate, parametrize, parse
from gondwana.activations.space import values
from gondwana.activations.space.values import GRID, NODES, SIGNATURE, whole, with_parameters_doubled

LARGEST = float(np.finfo(np.float32).max)
seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    return activations.sample(rng, mutations=int(rng.integers(8)), max_parameters=5)


def the_same(first: np.ndarray, second: np.ndarray) -> bool:
    """Equal bit by bit, but for the payload of what is not a number."""
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=True)


@given(seeds)
def test_shared_values_are_those_of_the_function_itself(seed):
    graph = drawn(seed)
    part = whole(graph)
    assert the_same(part.grid, graph(GRID))
    assert the_same(part.nodes, graph(NODES))
    assert the_same(part.signature, graph(SIGNATURE))


@given(seeds)
def test_each_row_has_its_parameter_doubled(seed):
    graph = drawn(seed)
    part, rows = with_parameters_doubled(graph)
    assert rows.shape == (graph.parameters, SIGNATURE.size)
    for k, row in enumerate(rows):
        factors = np.ones(graph.parameters)
        factors[k] = 2.0
        assert the_same(row, graph(SIGNATURE, list(factors)))
    assert the_same(part.signature, whole(graph).signature)


@given(seeds)
@example(0)
def test_flags_are_those_of_the_inner_values(seed):
    graph = drawn(seed)
    part = whole(graph)
    if part.constant:
        return
    inner = graph.inner_values(GRID)
    assert part.infinite == any(np.count_nonzero(~(np.abs(value) < LARGEST)) > 1 for value in inner)


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("add(x,arctan(reciprocal(zero(x))))", True),  # a constant's inner values are of no interest
        ("add(x,arctan(reciprocal(a*zero(x))))", False),  # a learnable factor makes it no constant
        ("add(x,arctan(reciprocal(zero(a*x))))", True),  # the factor has no effect
    ],
)
def test_a_factor_makes_a_constant_vary(text, usable):
    assert (activations.problem(parse(text)) is None) is usable


@pytest.mark.slow
def test_what_was_forgotten_is_computed_again():
    graph = parse("a*tanh(div(x,softplus(x)))")
    before = whole(graph)
    rng = np.random.default_rng(0)
    for _ in range(3):
        for sampled in activations.sample(rng, values._KEPT, mutations=6):
            whole(sampled)
        assert len(values._MEMORY._recent) + len(values._MEMORY._former) <= 2 * values._KEPT
    after = whole(graph)
    assert after is not before
    assert the_same(before.values, after.values)


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (0, "e2bfc0a52943ebd2"),
        (1, "d45786fcbfbe9f81"),
    ],
)
def test_searches_of_version_0_1_0_replay_their_draws(seed, digest):
    """The digests were taken with 0.1.0: draws and mutations must use the generator in the same order."""
    rng = np.random.default_rng(seed)
    texts = [str(graph) for graph in activations.sample(rng, 1000)]
    parent = parse("max(relu(x),cosh(elu(x)))")
    for _ in range(200):
        child = parametrize(mutate(parent, rng), rng)
        texts.append(str(child))
        parent = child if child.size < 12 else parent
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] == digest


def test_a_repeated_draw_is_no_new_function():
    kept = [
        str(graph) for graph in activations.sample(np.random.default_rng(5), 400, unique=True, valid=True)
    ]
    distinct = activations.Distinct()
    expected = []
    for graph in activations.sample(np.random.default_rng(5), 2000):
        if activations.problem(graph) is None and distinct.add(graph):
            expected.append(str(graph))
    assert kept == expected[:400]
