"""Sampling, mutation, crossover, parameters."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana import activations
from gondwana.activations import PANGAEA, GraphError, parse
from gondwana.activations.errors import OperatorError
from gondwana.activations.operators.registry import OperatorSet
from gondwana.activations.space.mutation import MUTATIONS, applicable

seeds = st.integers(0, 2**32 - 1)
X = np.linspace(-2, 2, 9)


def stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_pangaea_has_27_unary_and_7_binary_operators():
    assert (len(PANGAEA.unary), len(PANGAEA.binary)) == (27, 7)


def test_minimal_graphs_have_both_forms_equally_often_and_uniform_operators():
    rng = stream(0)
    graphs = [activations.minimal(rng) for _ in range(20_000)]
    binary = [graph for graph in graphs if graph.size == 3]
    assert abs(len(binary) - 10_000) < 5 * np.sqrt(20_000 / 4)
    counts = Counter(graph.nodes[-1].operator for graph in binary)
    expected = len(binary) / 7
    assert (
        sum((n - expected) ** 2 / expected for n in counts.values()) < 30
    )  # chi-squared, 6 degrees of freedom
    inner = Counter(graph.nodes[1].operator for graph in graphs)
    assert set(inner) == set(PANGAEA.unary)
    assert sum((n - 20_000 / 27) ** 2 / (20_000 / 27) for n in inner.values()) < 65  # 26 degrees of freedom


@given(seeds)
def test_a_chain_of_mutations_stays_valid_and_leaves_parents_alone(seed):
    rng = stream(seed)
    graph = activations.sample(rng)
    for _ in range(20):
        before = graph.nodes
        child = activations.parametrize(activations.mutate(graph, rng), rng)
        assert graph.nodes == before
        assert child.size >= 1
        assert child.parameters <= 3
        assert parse(str(child)) == child
        graph = child


@given(seeds)
def test_equal_seeds_give_equal_functions(seed):
    assert list(activations.sample(stream(seed), 5)) == list(activations.sample(stream(seed), 5))


@pytest.mark.slow
def test_equal_seeds_give_equal_functions_in_another_process():
    code = (
        "import numpy as np; from gondwana import activations;"
        "print(*activations.sample(np.random.default_rng(11), 20), sep=chr(10))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [str(graph) for graph in activations.sample(stream(11), 20)]


GOLDEN = [
    "a*div(arctan(x),b*softplus(x))",
    "sub(sigmoid(x),zero(x))",
    "add(abs(x),x)",
    "a*sinh(b*x)",
    "mul(sigmoid(a*x),b*x)",
]


def test_seed_0_gives_the_functions_it_always_gave():
    assert [str(graph) for graph in activations.sample(stream(0), 5)] == GOLDEN


@given(seeds)
def test_an_inserted_binary_operator_keeps_the_function(seed):
    rng = stream(seed)
    graph = activations.sample(rng)
    child = activations.insert(graph, rng)
    if sum(node.arity == 2 for node in child.nodes) > sum(node.arity == 2 for node in graph.nodes):
        np.testing.assert_array_equal(child(X), graph(X))
    else:
        assert child.size == graph.size + 1
    assert child.parameters == graph.parameters


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("add", "zero(x)"),
        ("sub", "zero(x)"),
        ("mul", "one(x)"),
        ("div", "one(x)"),
        ("pow", "one(x)"),
        ("max", "tanh(x)"),
        ("min", "tanh(x)"),
    ],
)
def test_second_arguments_of_inserted_binary_operators(name, second):
    graph = parse("tanh(x)")
    children = {str(activations.insert(graph, stream(seed))) for seed in range(2000)}
    assert f"{name}(tanh(x),{second})" in children


def test_insert_reaches_every_edge():
    children = {str(activations.insert(parse("relu(x)"), stream(seed))) for seed in range(2000)}
    assert {"relu(exp(x))", "exp(relu(x))"} <= children


def test_remove_splices_unary_and_keeps_one_child_of_binary_operators():
    graph = parse("max(relu(x),tanh(x))")
    children = {str(activations.remove(graph, stream(seed))) for seed in range(200)}
    assert children == {"relu(x)", "tanh(x)", "max(x,tanh(x))", "max(relu(x),x)"}


def test_remove_never_goes_below_one_operator():
    with pytest.raises(GraphError, match="one operator must remain"):
        activations.remove(parse("relu(x)"), stream(0))
    assert {str(activations.remove(parse("add(relu(x),x)"), stream(seed))) for seed in range(100)} == {
        "relu(x)",
        "add(x,x)",
    }
    assert applicable(parse("relu(x)")) == ["insert", "change", "regenerate"]
    assert applicable(parse("x")) == ["insert"]


@given(seeds)
def test_change_replaces_one_operator_by_another_of_its_arity(seed):
    graph = activations.sample(stream(seed))
    child = activations.change(graph, stream(seed + 1))
    different = [(a, b) for a, b in zip(graph.nodes, child.nodes, strict=True) if a != b]
    assert len(different) == 1
    assert different[0][0].arity == different[0][1].arity


@given(seeds)
def test_regenerate_keeps_the_topology(seed):
    graph = activations.sample(stream(seed))
    child = activations.regenerate(graph, stream(seed + 1))
    assert [(n.arity, n.parameter) for n in child.nodes] == [(n.arity, n.parameter) for n in graph.nodes]


def test_the_four_mutations_are_equally_likely():
    rng = stream(3)
    graph = parse("exp(tanh(erf(x)))")
    sizes = Counter(activations.mutate(graph, rng).depth for _ in range(4000))
    assert abs(sizes[2] - 1000) < 5 * np.sqrt(4000 * 3 / 16)  # remove


def test_n_ary_operators_vary_too():
    graph = parse("sum_n(x,relu(x),x)")
    for seed in range(50):
        for mutation in MUTATIONS.values():
            child = mutation(graph, stream(seed), PANGAEA)
            assert parse(str(child)) == child


def test_parameters_are_uniform_in_0_to_3_on_distinct_edges():
    rng = stream(5)
    graph = parse("max(relu(x),cosh(elu(x)))")
    counts = Counter(activations.parametrize(graph, rng).parameters for _ in range(8000))
    assert set(counts) == {0, 1, 2, 3}
    assert all(abs(n - 2000) < 5 * np.sqrt(8000 * 3 / 16) for n in counts.values())
    edges = {
        i for _ in range(500) for i, n in enumerate(activations.parametrize(graph, rng).nodes) if n.parameter
    }
    assert edges == set(range(len(graph.nodes)))


def test_parametrize_drops_older_parameters_and_knows_its_limits():
    graph = parse("a*relu(b*x)")
    assert activations.parametrize(graph, stream(0), most=0).parameters == 0
    assert max(activations.parametrize(graph, stream(seed), most=9).parameters for seed in range(50)) == 2
    with pytest.raises(ValueError, match="most must be >= 0"):
        activations.parametrize(graph, stream(0), most=-1)


@given(seeds)
def test_crossover_joins_both_parents_and_leaves_them_alone(seed):
    rng = stream(seed)
    first, second = activations.sample(rng, 2)
    nodes = first.nodes, second.nodes
    child = activations.crossover(first, second, rng)
    assert (first.nodes, second.nodes) == nodes
    assert parse(str(child)) == child
    assert {n.operator for n in child.nodes} <= {n.operator for n in first.nodes + second.nodes}


def test_crossover_keeps_at_most_three_factors():
    parent = parse("a*max(b*x,c*relu(x))")
    children = [activations.crossover(parent, parent, np.random.default_rng(seed)) for seed in range(200)]
    assert {child.parameters for child in children} <= {0, 1, 2, 3}
    assert any(child.parameters == 3 and child.size > parent.size for child in children)


@pytest.mark.parametrize("rng", [None, 3, np.random.RandomState(0)])
def test_what_is_no_generator_is_refused(rng):
    with pytest.raises(activations.ActivationError, match="rng must be a NumPy Generator"):
        activations.sample(rng)


def test_sampling_options():
    rng = stream(1)
    graphs = list(activations.sample(rng, 300, unique=True, valid=True))
    assert len(graphs) == 300
    assert all(activations.problem(graph) is None for graph in graphs)
    distinct = activations.Distinct()
    assert all(distinct.add(graph) for graph in graphs)


def test_sample_of_a_small_operator_set():
    small = OperatorSet(unary=("tanh", "zero", "one"), binary=("add",))
    graphs = list(activations.sample(stream(0), 50, operators=small))
    assert {n.operator for graph in graphs for n in graph.nodes} <= {"x", "tanh", "zero", "one", "add"}


def test_an_exhausted_operator_set_says_so():
    small = OperatorSet(unary=("zero",), binary=("add",))
    with pytest.raises(activations.ActivationError, match="no new function"):
        activations.sample(stream(0), operators=small, valid=True, mutations=0)


@pytest.mark.parametrize("wrong", [{"count": -1}, {"mutations": -1}])
def test_negative_counts_are_refused(wrong):
    with pytest.raises(ValueError, match="must be >= 0"):
        activations.sample(stream(0), **{"count": 1, **wrong})


def test_operator_sets_are_checked():
    with pytest.raises(OperatorError, match="takes 2 arguments, not 1"):
        OperatorSet(unary=("add",), binary=("add",))
    with pytest.raises(OperatorError, match="distinct operators"):
        OperatorSet(unary=("relu", "relu"), binary=("add",))
