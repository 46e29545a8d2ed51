"""What a module computes, operation by operation: tensors by number, and steps between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gondwana.autoinit.errors import ModelError


class Layout(NamedTuple):
    """Where the theory finds its axes in a tensor; all others are positions.

    Attributes:
        batch: axis of the examples.
        channel: axis of the channels, whose entries come from different weights.
    """

    batch: int
    channel: int


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for the tensor that is input number ``position`` of a step."""

    position: int


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an operation.

    Attributes:
        operation: callable on tensors.
        kind: ``"aten.linear"``, or the path of an operator of another library.
        name: where it is: the path of its module, and what it is there if the module does more than this.
        label: class of the module, or the operation, for tables.
        module: path of the module that calls it.
        inputs, outputs: numbers of tensors.
        arguments, keywords: of the call, with :class:`Slot` in place of tensors.
        overwrites: positions of arguments that the operation changes in place; they are copied before it runs.
        owner: the module that is taken as a whole here, if it is one.
    """

    operation: Callable[..., Any]
    kind: str
    name: str
    label: str
    module: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    overwrites: tuple[int, ...] = ()
    owner: Any = None


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor that holds entries of one parameter, all of them or some.

    Attributes:
        parameter: the parameter.
        path: its name in the module.
        axes: which axis of the parameter each axis is; None where they were reshaped.
    """

    parameter: Any
    path: str
    axes: tuple[int, ...] | None


@dataclass(slots=True)
class Graph:
    """The steps of a module in the order in which it runs them.

    Attributes:
        name: class of the module.
        shapes, dtypes: of each tensor.
        inputs, outputs: numbers of the tensors that the module takes and returns.
        names: of the inputs.
        steps: the calls.
        held: parameters, buffers and constants, by number.
        constant: numbers of tensors that depend on no input.
        weights: tensors that are a parameter, or a part or a transpose of one.
        layouts: of the tensors that are not constant.
        examples: the tensors that the module was read with, by number.
        device: where it runs.
    """

    name: str
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    dtypes: list[Any] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    held: dict[int, Any] = field(default_factory=dict)
    constant: set[int] = field(default_factory=set)
    weights: dict[int, Weight] = field(default_factory=dict)
    layouts: dict[int, Layout] = field(default_factory=dict)
    examples: dict[int, Any] = field(default_factory=dict)
    device: Any = "cpu"

    def add_tensor(self, value: Any) -> int:
        """Number a tensor, of which shape and dtype are kept."""
        self.shapes.append(tuple(int(size) for size in value.shape))
        self.dtypes.append(value.dtype)
        return len(self.shapes) - 1

    def is_float(self, index: int) -> bool:
        """Whether a tensor holds real numbers."""
        return bool(self.dtypes[index].is_floating_point)

    def lasting(self, index: int) -> tuple[int, ...]:
        """Return the shape of one example, (positions..., channels)."""
        shape, layout = self.shapes[index], self.layouts[index]
        others = [int(n or 1) for axis, n in enumerate(shape) if axis not in layout]
        return (*others, int(shape[layout.channel] or 1)) if shape else ()

    def entries(self, index: int) -> int:
        """Return the number of entries of a tensor."""
        count = 1
        for size in self.shapes[index]:
            count *= int(size or 1)
        return count


def tensors_in(value: Any) -> Iterator[Any]:
    """Yield the slots in nested arguments, in order."""
    if isinstance(value, Slot):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to every leaf of nested lists, tuples and mappings."""
    if isinstance(value, tuple):
        return tuple(mapped(part, function) for part in value)
    if isinstance(value, list):
        return [mapped(part, function) for part in value]
    if isinstance(value, Mapping):
        return {key: mapped(part, function) for key, part in value.items()}
    return function(value)


def example_tensors(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and named arguments of a module.

    Args:
        example_inputs: a tensor, a tuple or list of positional arguments, or a mapping of named ones.

    Raises:
        ModelError: if there are none.
    """
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    if isinstance(example_inputs, Mapping):
        named = dict(example_inputs)
    elif isinstance(example_inputs, tuple | list):
        args = tuple(example_inputs)
    else:
        args = (example_inputs,)
    if not any(hasattr(value, "shape") for value in (*args, *named.values())):
        raise ModelError(
            "example_inputs= takes a tensor, a tuple of the arguments of forward(), or a mapping of named ones. "
            f"Received: {type(example_inputs).__name__}"
        )
    return args, named
