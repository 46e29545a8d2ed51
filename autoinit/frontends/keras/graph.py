"""Walk the graph of a Keras model, call by call.

This is the only file that touches attributes of Keras that are not public: the history of a symbolic tensor
(``_keras_history``), the nodes of an operation (``_inbound_nodes``) and the functional core of a ``Sequential``.
``tests/autoinit/test_graph.py`` fails loudly when they change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.frontends.keras.folding import Folded, Unfolded
from gondwana.autoinit.signals.window import Shape


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a layer or operation.

    Attributes:
        operation: what is called.
        name: where it is, ``outer/inner`` inside nested models.
        inputs, outputs: indices of tensors of the graph.
        arguments, keywords: of the call, with :class:`Slot` in place of tensors.
    """

    operation: Any
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]

    def without_masks(self) -> Step:
        """Return the step without the tensors that only say which positions count."""
        masks = {name for name in self.keywords if name == "mask" or name.endswith("_mask")}
        hidden = {slot.position for slot in _slots([self.keywords[name] for name in masks])}
        if not hidden:
            return self
        left = [number for number in range(len(self.inputs)) if number not in hidden]
        renumbered = {old: Slot(new) for new, old in enumerate(left)}

        def moved(value: Any) -> Any:
            return renumbered[value.position] if isinstance(value, Slot) else value

        data = {name: value for name, value in self.keywords.items() if name not in masks}
        return replace(
            self,
            inputs=tuple(self.inputs[number] for number in left),
            arguments=keras.tree.map_structure(moved, self.arguments),
            keywords=keras.tree.map_structure(moved, data),
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for the tensor that is input number ``position`` of a call."""

    position: int


def _slots(value: Any) -> list[Slot]:
    return [leaf for leaf in keras.tree.flatten(value) if isinstance(leaf, Slot)]


@dataclass(slots=True)
class Graph:
    """The calls of a model in an order in which they can be evaluated.

    Attributes:
        shapes, dtypes: of each tensor.
        names: of the model's inputs.
        inputs, outputs: indices of the tensors that the model takes and returns.
        steps: the calls.
    """

    shapes: list[Shape] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def add_tensor(self, tensor: Any) -> int:
        """Number a symbolic tensor."""
        self.shapes.append(tuple(tensor.shape))
        self.dtypes.append(keras.backend.standardize_dtype(tensor.dtype))
        return len(self.shapes) - 1


def trace(model: keras.Model, has_rule: Callable[[Any], bool]) -> Graph:
    """Return the calls of ``model``; nested models, and layers made of layers, are opened unless they have a rule.

    Functional and Sequential models are read off their graph. Other models are called once with symbolic tensors.

    Args:
        model: a built model.
        has_rule: whether an operation is to be taken as a whole.

    Raises:
        ModelError: if the model is not built or its ``call`` cannot be traced with symbolic tensors.
    """
    _require_built(model)
    graph = Graph()
    walker = _Walker(graph, has_rule)
    inputs = _symbolic_inputs(model)
    graph.names = [str(tensor.name) for tensor in inputs]
    graph.inputs = [graph.add_tensor(tensor) for tensor in inputs]
    graph.outputs = walker.open(model, "", list(graph.inputs), None)
    return graph


@dataclass(slots=True)
class _Walker:
    graph: Graph
    has_rule: Callable[[Any], bool]

    def open(
        self, operation: Any, prefix: str, inputs: list[int], node: Any, data: Sequence[int] = ()
    ) -> list[int]:
        """Append the calls inside ``operation`` and return the indices of its outputs.

        ``data`` are those of ``inputs`` that are no masks, where not all are.
        """
        core, given = functional_core(operation), list(data or inputs)
        if core is not None:
            if len(core.inputs) != len(given):
                raise ModelError(
                    f"model {operation.name!r} has {len(core.inputs)} inputs but is called with {len(given)}"
                )
            return self.walk(core.inputs, core.outputs, prefix, given)
        with _nodes_restored(operation):
            if isinstance(operation, keras.layers.TimeDistributed):
                return self._open_over_time(operation, prefix, given[0])
            starts, ends = self._traced_call(operation, inputs, node)
            return self.walk(starts, ends, prefix, inputs)

    def _open_over_time(self, operation: Any, prefix: str, index: int) -> list[int]:
        start = keras.KerasTensor(self.graph.shapes[index], dtype=self.graph.dtypes[index])
        result = keras.tree.flatten(operation.layer(Folded(name="folded")(start)))[0]
        return self.walk([start], [Unfolded(name="unfolded")(result, start)], prefix, [index])

    def walk(
        self, starts: Sequence[Any], ends: Sequence[Any], prefix: str, indices: Sequence[int]
    ) -> list[int]:
        """Append the calls between symbolic tensors ``starts`` (numbered ``indices``) and ``ends``."""
        numbers = {id(tensor): index for tensor, index in zip(starts, indices, strict=True)}
        for node in _ordered_nodes(ends, set(numbers)):
            tensors = _input_tensors(node)
            inputs = [numbers[id(tensor)] for tensor in tensors]
            arguments, keywords = _constants(node)
            step = Step(node.operation, prefix + node.operation.name, tuple(inputs), (), arguments, keywords)
            outputs = self._opened(node, step)
            if outputs is None:
                outputs = [self.graph.add_tensor(tensor) for tensor in node.outputs]
                self.graph.steps.append(replace(step, outputs=tuple(outputs)))
            numbers.update({id(tensor): index for tensor, index in zip(node.outputs, outputs, strict=True)})
        return [numbers[id(tensor)] for tensor in ends]

    def _opened(self, node: Any, step: Step) -> list[int] | None:
        """Return the outputs of an operation that was opened; None if it is to be taken as a whole."""
        if not self.opens(node.operation):
            return None
        done = len(self.graph.steps)
        try:
            return self.open(
                node.operation, step.name + "/", list(step.inputs), node, step.without_masks().inputs
            )
        except ModelError:
            if isinstance(node.operation, keras.Model):
                raise
            del self.graph.steps[done:]  # a layer that cannot be traced is one that has no rule
            return None

    def opens(self, operation: Any) -> bool:
        """Whether to look inside ``operation``, which has no rule: models, layers of layers, and layers of Keras."""
        if not isinstance(operation, keras.Layer) or self.has_rule(operation):
            return False
        if isinstance(operation, keras.Model) or len(sublayers(operation)) > 1:
            return True
        return type(operation).__module__.split(".")[0] == "keras"

    def _traced_call(self, operation: Any, inputs: list[int], node: Any) -> tuple[list[Any], list[Any]]:
        starts = [
            keras.KerasTensor(self.graph.shapes[index], dtype=self.graph.dtypes[index]) for index in inputs
        ]
        try:
            if node is None:
                result = operation.call(_as_called(operation, starts))
            else:
                fresh = {id(old): new for old, new in zip(_input_tensors(node), starts, strict=True)}
                arguments, keywords = _mapped_arguments(node, lambda tensor: fresh[id(tensor)])
                result = operation.call(*arguments, **keywords)
        except Exception as error:  # whatever the user's call() raises: it becomes the reason of our error
            raise ModelError(
                f"{type(operation).__name__} {operation.name!r} cannot be traced with symbolic tensors ({error}). "
                "Build it as a functional model, or register a rule for its class with @autoinit.rule"
            ) from error
        return starts, list(keras.tree.flatten(result))


def functional_core(operation: Any) -> Any:
    """Return the object that holds ``inputs`` and ``outputs`` of a functional or Sequential model, else None."""
    if isinstance(operation, keras.Sequential):
        return operation._functional
    if isinstance(operation, keras.Function):
        return operation
    return None


def producer(tensor: Any) -> Any:
    """Return the operation that a symbolic tensor comes from."""
    return tensor._keras_history.operation


def sublayers(layer: keras.Layer) -> list[keras.Layer]:
    """Return ``layer`` and every layer inside it, at any depth, each once."""
    return list(layer._flatten_layers())


def operation_class(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> type:
    """Return the class of the operation that a function of ``keras.ops`` records for symbolic arguments.

    The classes themselves are private to Keras; this is how a rule names them.
    """
    result = keras.tree.flatten(function(*arguments, **keywords))[0]
    return type(result._keras_history.operation)


def _require_built(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ModelError(f"expected a keras.Model. Received: {type(model).__name__}")
    unbuilt = [layer.name for layer in sublayers(model) if not layer.built]
    if unbuilt:
        raise ModelError(
            f"model {model.name!r} has unbuilt layers: {', '.join(unbuilt[:5])}. "
            "Give it an Input, or call it on data or model.build(input_shape) once"
        )


def _symbolic_inputs(model: keras.Model) -> list[Any]:
    core = functional_core(model)
    if core is not None:
        return list(core.inputs)
    shape = _called_shape(model)
    names: list[str] | None = None
    if isinstance(shape, Mapping):
        names, shape = [str(name) for name in shape], tuple(shape.values())
    if not shape:
        raise ModelError(
            f"the input shape of model {model.name!r} is not known. Call model.build(input_shape) first, "
            "or wrap it: keras.Model(inputs, model(inputs))"
        )
    shapes = shape if isinstance(shape[0], tuple | list) else (shape,)
    names = names or [f"input_{number}" for number in range(len(shapes))]
    return [
        keras.KerasTensor((None, *one[1:]), dtype=model.input_dtype, name=name)
        for name, one in zip(names, shapes, strict=True)
    ]


def _called_shape(model: Any) -> Any:
    """Return the shape, or the structure of shapes, that a model was built for."""
    config = model.get_build_config() or {}
    return config.get("input_shape") or config.get("shapes_dict")


def _as_called(model: Any, tensors: list[Any]) -> Any:
    """Return tensors in the structure in which a model takes its inputs."""
    shape = _called_shape(model)
    if isinstance(shape, Mapping):
        return dict(zip(shape, tensors, strict=True))
    return tensors[0] if len(tensors) == 1 else tensors


def _ordered_nodes(ends: Sequence[Any], known: set[int]) -> Iterator[Any]:
    """Yield the nodes that ``ends`` depend on, each after the nodes it depends on itself."""
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [
        (_node_of(tensor), False) for tensor in reversed(ends) if id(tensor) not in known
    ]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            for tensor in reversed(_input_tensors(node)):
                if id(tensor) not in known:
                    stack.append((_node_of(tensor), False))


def _node_of(tensor: Any) -> Any:
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        raise ModelError(f"the output {tensor!r} does not come from the model's inputs through Keras layers")
    return history.operation._inbound_nodes[history.node_index]


def _input_tensors(node: Any) -> list[Any]:
    return list(node.arguments.keras_tensors)


def _constants(node: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call with slots for tensors, numbered in the order of :func:`_input_tensors`."""
    counter = iter(range(len(_input_tensors(node))))
    return _mapped_arguments(node, lambda _: Slot(next(counter)))


def _mapped_arguments(node: Any, replace: Callable[[Any], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    def mapped(value: Any) -> Any:
        return replace(value) if isinstance(value, keras.KerasTensor) else value

    arguments = keras.tree.map_structure(mapped, node.arguments.args)
    keywords = keras.tree.map_structure(mapped, node.arguments.kwargs)
    return tuple(arguments), dict(keywords)


@contextmanager
def _nodes_restored(operation: Any) -> Iterator[None]:
    """Forget the calls that tracing records in the layers, which would otherwise pile up with every plan."""
    layers = sublayers(operation)
    counts = [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in layers]
    try:
        yield
    finally:
        for layer, (inbound, outbound) in zip(layers, counts, strict=True):
            del layer._inbound_nodes[inbound:]
            del layer._outbound_nodes[outbound:]


def own_variables(layer: keras.Layer) -> list[Any]:
    """Return the variables that ``layer`` created itself, without those of layers inside it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def frozen_variables(layer: keras.Layer) -> list[Any]:
    """Return the variables of ``layer`` itself that were made to be trained and are not trainable now."""
    return [variable for variable in layer._trainable_variables if not variable.trainable]


def variables_of(operation: Any, arguments: Sequence[Any] = ()) -> list[Any]:
    """Return the weights of a layer, at any depth, or the variables that a bare operation is called with."""
    if isinstance(operation, keras.Layer):
        return list(operation.weights)
    return [leaf for leaf in keras.tree.flatten(arguments) if isinstance(leaf, keras.Variable)]


def nested_layers(model: keras.Model) -> list[tuple[str, tuple[keras.Layer, ...]]]:
    """Return each layer inside ``model``, at any depth: its path, and the layers around it from the outside to itself.

    A layer that is held in two places has two entries.
    """
    found: list[tuple[str, tuple[keras.Layer, ...]]] = []
    stack: list[tuple[str, tuple[keras.Layer, ...]]] = [("", (model,))]
    while stack:
        prefix, line = stack.pop()
        for layer in line[-1]._flatten_layers(recursive=False, include_self=False):
            if any(layer is outer for outer in line):
                continue
            path = prefix + layer.name
            found.append((path, (*line[1:], layer)))
            stack.append((path + "/", (*line, layer)))
    return found


def values_of(variable: Any) -> Any:
    """Return what a variable or tensor holds as a NumPy array."""
    return np.asarray(
        variable.numpy() if isinstance(variable, keras.Variable) else keras.ops.convert_to_numpy(variable)
    )
