"""Graph: text, JSON, evaluation, structure."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana import activations
from gondwana.activations import Graph, GraphError, Node, OperatorError, parse

X = np.linspace(-3, 3, 13)
seeds = st.integers(0, 2**32 - 1)


def random_graph(seed: int, mutations: int = 3) -> Graph:
    return activations.sample(np.random.default_rng(seed), mutations=mutations)


@given(seeds, st.integers(0, 20))
def test_text_and_json_round_trip(seed, mutations):
    graph = random_graph(seed, mutations)
    assert parse(str(graph)) == graph
    assert hash(parse(str(graph))) == hash(graph)
    assert Graph.from_json(json.loads(json.dumps(graph.to_json()))) == graph
    assert str(parse(str(graph))) == str(graph)


@given(seeds)
def test_spaces_and_parameter_names_do_not_matter(seed):
    graph = random_graph(seed)
    text = str(graph).replace("(", " ( ").replace(",", " ,\t").replace("a*", "alpha * ")
    assert parse(f"  {text}\n") == graph


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", X),
        ("max(relu(x),cosh(elu(x)))", np.maximum(np.maximum(X, 0), np.cosh(np.where(X > 0, X, np.expm1(X))))),
        ("sum_n(x,square(x),one(x))", X + X**2 + 1),
        ("prod_n(x,x,x)", X**3),
        ("max_n(x,negative(x),one(x))", np.maximum(np.abs(X), 1)),
        ("min_n(x,zero(x))", np.minimum(X, 0)),
        ("sub(x,div(x,exp(x)))", X - X / np.exp(X)),
        ("leakyrelu(x)", np.where(X > 0, X, 0.01 * X)),
    ],
)
def test_values(text, expected):
    np.testing.assert_allclose(parse(text)(X), expected, rtol=1e-14, atol=1e-14)


def test_parameters_are_numbered_in_the_order_of_the_text():
    graph = parse("q*sub(r*exp(s*x),t*x)")
    assert str(graph) == "a*sub(b*exp(c*x),d*x)"
    assert graph.parameter_names == ("a", "b", "c", "d")
    np.testing.assert_allclose(graph(X, [2, 3, 0.5, 4]), 2 * (3 * np.exp(0.5 * X) - 4 * X))
    np.testing.assert_array_equal(graph(X), graph(X, [1, 1, 1, 1]))


def test_parameters_broadcast_per_channel():
    x = np.ones((4, 3))
    np.testing.assert_array_equal(parse("a*x")(x, [np.array([1.0, 2.0, 3.0])]), x * [1, 2, 3])


def test_a_wrong_number_of_parameters_is_refused():
    with pytest.raises(GraphError, match=r"has 2 parameters\. Received: 1"):
        parse("a*relu(b*x)")(X, [1.0])


def test_more_parameters_than_letters():
    graph = parse("sum_n(" + ",".join(f"w{i}*x" for i in range(30)) + ")")
    assert graph.parameters == 30
    assert len(set(graph.parameter_names)) == 30
    assert parse(str(graph)) == graph


def test_evaluation_does_not_alias_its_input():
    x = np.ones(3)
    parse("identity(x)")(x)[:] = 5
    assert x.tolist() == [1, 1, 1]


def test_evaluation_gives_inf_and_nan_without_warnings():
    assert parse("reciprocal(x)")(0.0) == np.inf
    assert np.isnan(parse("pow(x,sigmoid(x))")(-1.0))
    assert parse("exp(exp(x))")(10.0) == np.inf


def test_size_and_depth():
    graph = parse("max(relu(x),cosh(elu(x)))")
    assert (graph.size, graph.depth, len(graph.nodes)) == (4, 3, 6)
    assert (parse("x").size, parse("x").depth) == (0, 0)


def test_equal_subexpressions_are_computed_once():
    assert len(parse("add(exp(tanh(x)),sub(exp(tanh(x)),x))").program.steps) == 4
    assert len(parse("add(a*exp(x),b*exp(x))").program.steps) == 4  # exp once, two factors, the sum
    assert len(parse("mul(x,one(sinh(cosh(x))))").program.steps) == 2  # what one() ignores is not computed


def test_graph_is_immutable_hashable_and_survives_copying():
    graph = parse("a*swish(x)")
    with pytest.raises(AttributeError):
        graph.nodes = ()  # type: ignore[misc]
    assert copy.deepcopy(graph) == graph
    assert len({graph, parse("b*swish(x)"), parse("swish(x)")}) == 2


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), "0 outputs"),
        ((Node("x", 0), Node("x", 0)), "2 outputs"),
        ((Node("relu", 1),), "lacks 1"),
        ((Node("x", 0), Node("add", 2)), "lacks 1"),
        ((Node("x", 0), Node("relu", 2)), "takes 1 argument"),
        ((Node("x", 1),), "takes no arguments"),
    ],
)
def test_nodes_that_are_not_a_function_are_refused(nodes, message):
    with pytest.raises(GraphError, match=message):
        Graph(nodes)


def test_unknown_operator_in_nodes_is_refused():
    with pytest.raises(OperatorError, match="did you mean 'relu'"):
        Graph((Node("x", 0), Node("relue", 1)))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"nodes": 3},
        {"nodes": [{"operator": "x"}]},
        {"nodes": [{"operator": "x", "arguments": [], "parameter": 1}]},
        {"nodes": [{"operator": 5, "arguments": [], "parameter": False}]},
        {
            "nodes": [
                {"operator": "x", "arguments": [], "parameter": False},
                {"operator": "relu", "arguments": [7], "parameter": False},
            ]
        },
    ],
)
def test_broken_json_is_refused(data):
    with pytest.raises(GraphError):
        Graph.from_json(data)


def test_a_graph_larger_than_the_limits_of_parsing_works():
    nodes = [Node("x", 0)] + [Node("tanh", 1)] * 5000
    graph = Graph(tuple(nodes))
    assert graph.depth == 5000
    assert np.isfinite(graph(X)).all()
    with pytest.raises(GraphError, match="nested deeper than 100"):
        parse(str(graph)[:600])
    assert parse(str(graph), max_depth=5000, max_nodes=6000) == graph


def test_names_are_keras_functions():
    import keras

    x = np.linspace(-4, 4, 33, dtype="float32")
    for name, graph in activations.names().items():
        function = keras.activations.get(name)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(x))),
            graph(x),
            rtol=1e-5,
            atol=1e-6,
        )


def test_get_takes_names_and_texts():
    assert activations.get("relu") == activations.get("relu(x)") == parse("relu(x)")
    assert activations.get("linear") == activations.get("x") == parse("x")
    with pytest.raises(GraphError, match="no known activation function"):
        activations.get("rleu")


def test_nodes_given_as_a_list_cannot_be_changed_afterwards():
    nodes = [Node("x", 0), Node("relu", 1)]
    graph = Graph(nodes)  # type: ignore[arg-type]
    nodes.append(Node("tanh", 1))
    assert graph == parse("relu(x)")
    assert hash(graph) == hash(parse("relu(x)"))
