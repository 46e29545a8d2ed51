"""Graph: an activation function as an immutable computation graph over the registered operators.

The nodes are kept in the order in which they are evaluated (postfix), which makes equality, hashing, printing and
mutation plain tuple work and needs no recursion. Every node has one outgoing edge, to its user or to the output; an
edge may carry a learnable factor, one number per channel, initialized to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gondwana.activations.errors import GraphError, OperatorError
from gondwana.activations.graph import grammar
from gondwana.activations.graph.node import Node
from gondwana.activations.graph.program import Program, Step, Visit, compile_graph
from gondwana.activations.operators.record import INPUT, Array
from gondwana.activations.operators.registry import operator


@dataclass(frozen=True)
class Graph:
    """An activation function.

    Attributes:
        nodes: in the order of evaluation; the arguments of a node stand right before it.

    Raises:
        GraphError: if the nodes do not form one function.
        OperatorError: if an operator is not registered.

    Examples:
        >>> graph = activations.parse("max(relu(x),a*cosh(elu(x)))")
        >>> str(graph)
        'max(relu(x),a*cosh(elu(x)))'
        >>> graph(np.array([0.0, 1.0]))
        array([1.        , 1.54308063])
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))  # a list could be changed behind the hash
        depth = 0
        for node in self.nodes:
            if node.operator == INPUT:
                if node.arity != 0:
                    raise GraphError(f"the input {INPUT!r} takes no arguments. Received: {node.arity}")
            elif not operator(node.operator).accepts(node.arity):
                raise GraphError(grammar.wrong_arity(node.operator, node.arity))
            if depth < node.arity:
                raise GraphError(
                    f"the operator {node.operator!r} lacks {node.arity - depth} of its arguments"
                )
            depth += 1 - node.arity
        if depth != 1:
            raise GraphError(f"the nodes must form one function with one output. Received: {depth} outputs")

    @cached_property
    def _hash(self) -> int:
        return hash(self.nodes)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.nodes,)  # without the cached values

    @cached_property
    def text(self) -> str:
        """Canonical text; ``parse`` reads it back. Parameters are named a, b, c, ... in the order of the text."""
        return grammar.format_nodes(self.nodes)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Graph({self.text!r})"

    @property
    def parameters(self) -> int:
        """Number of learnable factors."""
        return sum(node.parameter for node in self.nodes)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the factors in the order of the text, in which they are numbered everywhere: a, b, c, ..."""
        return tuple(map(grammar.parameter_name, range(self.parameters)))

    @cached_property
    def parameter_numbers(self) -> dict[int, int]:
        """Number of each factor, by the position of the node whose outgoing edge carries it."""
        return grammar.parameter_numbers(self.nodes)

    @property
    def size(self) -> int:
        """Number of operators."""
        return sum(node.operator != INPUT for node in self.nodes)

    @cached_property
    def depth(self) -> int:
        """Number of operators on the longest path from input to output."""
        stack: list[int] = []
        for node in self.nodes:
            below = stack[len(stack) - node.arity :]
            del stack[len(stack) - node.arity :]
            stack.append(1 + max(below) if node.arity else 0)
        return stack[0]

    def start(self, index: int) -> int:
        """Return where the subexpression that ends at ``index`` begins: it is ``nodes[start : index + 1]``."""
        return grammar.start(self.nodes, index)

    def arguments(self, index: int) -> list[int]:
        """Return the positions of the arguments of node ``index``, from left to right."""
        found: list[int] = []
        position = index - 1
        for _ in range(self.nodes[index].arity):
            found.append(position)
            position = self.start(position) - 1
        return found[::-1]

    def without_parameters(self) -> Graph:
        """Return the function with every factor removed."""
        return (
            Graph(tuple(node._replace(parameter=False) for node in self.nodes)) if self.parameters else self
        )

    @cached_property
    def program(self) -> Program:
        """The graph as steps, equal subexpressions computed once."""
        return compile_graph(self.nodes, self.parameter_numbers)

    def __call__(self, x: Any, parameters: Sequence[Any] | None = None) -> Array:
        """Evaluate in NumPy float64; overflow gives inf and undefined operations NaN, without warnings.

        Args:
            x: array of any shape.
            parameters: one value or array that broadcasts against ``x`` per parameter, in the order of the text; 1
                each by default, which is the function at initialization.

        Raises:
            GraphError: if the number of parameters is wrong.
        """
        if parameters is not None and len(parameters) != self.parameters:
            raise GraphError(f"{self} has {self.parameters} parameters. Received: {len(parameters)} values")

        return np.array(self._run(np.asarray(x, dtype=float), parameters), dtype=np.float64)

    def _run(self, x: Array, parameters: Sequence[Any] | None, visit: Visit | None = None) -> Any:
        def apply(step: Step, inputs: Sequence[Array]) -> Any:
            if step.operator is not None:
                return operator(step.operator).numpy(*inputs)
            if parameters is None or step.parameter is None:
                return inputs[0]
            return inputs[0] * np.asarray(parameters[step.parameter], dtype=float)

        with np.errstate(all="ignore"):
            return self.program.run(x, apply, visit)

    def inner_values(self, x: Any) -> list[Array]:
        """Return the values of all distinct subexpressions that depend on ``x``, the function itself last.

        Args:
            x: array; the parameters are 1.
        """
        inputs = np.asarray(x, dtype=float)
        found = [inputs]

        def visit(step: Step, arguments: Sequence[Array], value: Array) -> None:
            if step.operator is not None and not step.constant:
                found.append(value)

        result = self._run(inputs, None, visit)
        return found if found[-1] is result else [*found, result]

    def to_json(self) -> dict[str, Any]:
        """Return the graph as JSON: nodes in evaluation order with the positions of their arguments."""
        return {
            "nodes": [
                {"operator": node.operator, "arguments": self.arguments(i), "parameter": node.parameter}
                for i, node in enumerate(self.nodes)
            ]
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Graph:
        """Return the graph that :meth:`to_json` wrote.

        Raises:
            GraphError, OperatorError: if ``data`` is not the JSON of a function.
        """
        try:
            nodes = tuple(_node_from_json(item) for item in data["nodes"])
        except (KeyError, TypeError, AttributeError) as error:
            raise GraphError(
                'the JSON of a function is {"nodes": [{"operator": ..., "arguments": [...], "parameter": ...}]}. '
                f"Problem: {type(error).__name__} {error}"
            ) from error
        graph = cls(nodes)
        for i, item in enumerate(data["nodes"]):
            if list(item["arguments"]) != graph.arguments(i):
                raise GraphError(
                    f"node {i}: arguments must be {graph.arguments(i)}. Received: {item['arguments']}"
                )
        return graph


def _node_from_json(item: Mapping[str, Any]) -> Node:
    if not isinstance(item["operator"], str) or not isinstance(item["parameter"], bool):
        raise TypeError("operator must be text and parameter true or false")
    return Node(item["operator"], len(item["arguments"]), item["parameter"])


def parse(text: str, *, max_depth: int = grammar.MAX_DEPTH, max_nodes: int = grammar.MAX_NODES) -> Graph:
    """Read a function such as ``max(relu(x),cosh(elu(x)))``; ``a*`` before a subexpression is a learnable factor.

    Nothing in the text is ever executed: it is matched against the names of the registered operators.

    Args:
        text: the function; spaces are allowed between its parts. Parameter names are free words, each used once.
        max_depth: most operators on a path from input to output.
        max_nodes: most nodes, the input's occurrences included.

    Raises:
        GraphError: if the text is not a function; the message shows where.
    """
    nodes = tuple(Node(*node) for node in grammar.read_nodes(text, max_depth, max_nodes))
    try:
        return Graph(nodes)
    except (GraphError, OperatorError) as error:
        raise GraphError(f"{error}, in {grammar.excerpt(text)}") from error
