"""Walking Keras models, and the private attributes that this needs."""

import keras
import pytest

from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.frontends.keras.graph import Slot, operation_class, own_variables, sublayers, trace
from gondwana.autoinit.registry import has_rule

layers = keras.layers


def known(operation):
    """Rules exist for everything but models and layers of layers."""
    return has_rule(operation)


def test_the_private_attributes_of_keras_are_still_there():
    """If this fails, Keras has changed and autoinit/frontends/keras/graph.py must follow."""
    inputs = keras.Input((3,))
    layer = layers.Dense(2)
    output = layer(inputs)
    history = output._keras_history
    assert history.operation is layer
    node = layer._inbound_nodes[history.node_index]
    assert node.operation is layer
    assert node.outputs[0] is output
    assert list(node.arguments.keras_tensors) == [inputs]
    assert node.arguments.args == (inputs,)
    assert node.arguments.kwargs == {}
    assert layer._outbound_nodes == []
    assert [v.name for v in layer._trainable_variables] == ["kernel", "bias"]
    assert layer._non_trainable_variables == []
    sequential = keras.Sequential([inputs, layers.Dense(1)])
    assert isinstance(sequential._functional, keras.Function)
    assert list(sequential._flatten_layers())


def test_nested_shared_and_bare_operations_are_walked_in_order():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="d")], name="inner")
    inputs = keras.Input((4,))
    first = inner(inputs)
    second = inner(keras.ops.relu(inputs) * 2.0)
    model = keras.Model(inputs, [layers.Add(name="sum")([first, second]), first])
    graph = trace(model, known)
    names = [step.name.split("_")[0] for step in graph.steps]
    assert names == ["inner/d", "relu", "multiply", "inner/d", "sum"]
    assert graph.steps[0].operation is graph.steps[3].operation
    assert graph.steps[4].inputs == (graph.steps[0].outputs[0], graph.steps[3].outputs[0])
    assert graph.outputs == [graph.steps[4].outputs[0], graph.steps[0].outputs[0]]
    assert graph.steps[2].arguments == (Slot(0), 2.0)
    assert graph.steps[4].arguments == ([Slot(0), Slot(1)],)


def test_models_nested_twice_get_a_path():
    innermost = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="d")], name="b")
    outer = keras.Sequential([keras.Input((4,)), innermost], name="a")
    model = keras.Sequential([keras.Input((4,)), outer])
    assert [step.name for step in trace(model, known).steps] == ["a/b/d"]


class Branches(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4), layers.Dense(4)

    def call(self, x, training=False):
        return self.second(keras.ops.relu(self.first(x))) + self.second(x)


class Untraceable(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x * float(x.numpy().sum()))


def test_subclassed_model_is_traced_and_left_as_it_was():
    model = Branches()
    model(keras.ops.ones((2, 4)))
    before = len(model.second._inbound_nodes)
    for _ in range(3):
        steps = trace(model, known).steps
    assert [type(step.operation).__name__ for step in steps] == ["Dense", "Relu", "Dense", "Dense", "Add"]
    assert len(model.second._inbound_nodes) == before


def test_subclassed_model_inside_a_functional_one():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(1)(Branches()(inputs)))
    assert len(trace(model, known).steps) == 6


def test_untraceable_model_is_refused_with_the_reason():
    model = Untraceable()
    model(keras.ops.ones((2, 4)))
    with pytest.raises(ModelError, match="cannot be traced with symbolic tensors"):
        trace(model, known)


def test_unbuilt_model_is_refused_by_name():
    with pytest.raises(ModelError, match=r"unbuilt layers: .*nameless"):
        trace(keras.Sequential([layers.Dense(2, name="nameless")]), known)


def test_what_is_not_a_model_is_refused():
    with pytest.raises(ModelError, match=r"expected a keras\.Model"):
        trace(layers.Dense(2), known)


def test_class_of_an_operation():
    x = keras.KerasTensor((None, 3))
    assert operation_class(keras.ops.tanh, x).__name__ == "Tanh"


def test_own_variables_leave_out_those_of_inner_layers():
    wrapper = layers.Bidirectional(layers.LSTM(2))
    wrapper.build((None, 3, 4))
    assert own_variables(wrapper) == []
    assert sum(len(own_variables(layer)) for layer in sublayers(wrapper)) == 6
