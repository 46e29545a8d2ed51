"""Read a module with ``torch.export``: a graph of aten operations, with the module that each belongs to."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.frontends.torch.graph import (
    Graph,
    Slot,
    Step,
    Weight,
    example_tensors,
    mapped,
    tensors_in,
)
from gondwana.autoinit.frontends.torch.layouts import input_layout, layout_after, permutation
from gondwana.autoinit.frontends.torch.modes import as_trained, first_line

_SAME_ENTRIES = {
    f"aten.{name}"
    for name in (
        *("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous", "alias", "detach"),
        *(
            "slice",
            "select",
            "split",
            "split_with_sizes",
            "chunk",
            "unbind",
            "narrow",
            "to",
            "_to_copy",
            "clone",
        ),
        *("unsafe_chunk", "unsafe_split", "expand", "type_as", "lift_fresh_copy", "_unsafe_view"),
    )
}
"""Operations that leave a parameter what it is: entries of it in other places, or some of them."""

_KEEP_AXES = {
    "aten.contiguous",
    "aten.alias",
    "aten.detach",
    "aten.slice",
    "aten.split",
    "aten.split_with_sizes",
}
_KEEP_AXES |= {"aten.chunk", "aten.narrow", "aten.to", "aten._to_copy", "aten.clone", "aten.type_as"}


def exported(module: Any, example_inputs: Any, whole: Collection[type] = ()) -> Graph:
    """Return what a module computes.

    Args:
        module: ``torch.nn.Module``; it is read as it trains, and not changed.
        example_inputs: a tensor, a tuple of positional arguments or a mapping of named ones.
        whole: classes of modules that are taken as one step each.

    Raises:
        ModelError: if ``torch.export`` cannot read it.
    """
    args, named = example_tensors(example_inputs)
    try:
        with as_trained(module), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(_Tensors(module), args, named, strict=False)
    except Exception as error:  # whatever the user's forward() raises becomes the reason of our error
        raise ModelError(
            f"torch.export cannot read {type(module).__name__}: {type(error).__name__}: {first_line(error)}"
        ) from error
    return _Reader(module, program, (args, named), whole).graph


class _Tensors(torch.nn.Module):  # type: ignore[misc]
    """A module that puts out the tensors of another one, without structures around them that export may not know."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **named: Any) -> tuple[Any, ...]:
        """Return the tensors in what the module returns."""
        return tuple(leaf for leaf in _leaves(self.inner(*args, **named)) if isinstance(leaf, torch.Tensor))


_PREFIX = "inner"
"""Where :class:`_Tensors` has the module."""


class _Reader:
    """Turns an exported program into a :class:`Graph`."""

    def __init__(self, module: Any, program: Any, example: Any, whole: Collection[type]) -> None:
        self.module, self.program, self.whole = module, program, tuple(whole)
        self.graph = Graph(type(module).__name__)
        self.known: dict[Any, Any] = {}
        self.counts: dict[str, int] = {}
        self.leaves = {path: part for path, part in module.named_modules() if not list(part.children())}
        nodes = list(program.graph.nodes)
        for node in nodes:
            if node.op == "call_function" and not _ignored(node):
                self.counts[_path(node)] = self.counts.get(_path(node), 0) + 1
        self._placeholders([node for node in nodes if node.op == "placeholder"], example)
        for node in nodes:
            if node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                self._outputs(node)
        self._drop_unused()
        self._gather_whole_modules()
        self._lay_out()

    def _placeholders(self, nodes: Sequence[Any], example: Any) -> None:
        signature, graph = self.program.graph_signature, self.graph
        given = iter(_leaves(example))
        for node in nodes:
            value = node.meta.get("val")
            held = self._held(signature, node.name)
            if held is None and node.name not in signature.user_inputs:
                self.known[node] = None
                continue
            argument: Any = held if held is not None else next(given, None)
            if not isinstance(value, torch.Tensor):
                self.known[node] = argument
                continue
            index = self.known[node] = graph.add_tensor(value)
            if held is None:
                graph.inputs.append(index)
                graph.names.append(node.name)
                graph.examples[index] = argument
                graph.device = argument.device
                continue
            graph.held[index] = held
            graph.constant.add(index)
            path = signature.inputs_to_parameters.get(node.name)
            if path is not None:
                graph.weights[index] = Weight(held, _inside(path), tuple(range(held.dim())))

    def _held(self, signature: Any, name: str) -> Any:
        """Return the parameter, buffer or constant that a placeholder stands for."""
        if name in signature.inputs_to_parameters:
            return self.module.get_parameter(_inside(signature.inputs_to_parameters[name]))
        if name in signature.inputs_to_buffers:
            return self.module.get_buffer(_inside(signature.inputs_to_buffers[name]))
        if name in signature.inputs_to_lifted_tensor_constants:
            return self.program.constants[signature.inputs_to_lifted_tensor_constants[name]]
        return None

    def _call(self, node: Any) -> None:
        if node.target is operator.getitem:
            self.known[node] = self.known[node.args[0]][node.args[1]]
            return
        inputs: list[int] = []

        def filled(value: Any) -> Any:
            if not isinstance(value, torch.fx.Node):
                return value
            found = self.known[value]
            if isinstance(found, int) and isinstance(value.meta.get("val"), torch.Tensor):
                inputs.append(found)
                return Slot(len(inputs) - 1)
            return found

        arguments = mapped(tuple(node.args), filled)
        keywords = mapped(dict(node.kwargs), filled)
        outputs = self._numbered(node)
        kind, overwrites = kind_of(node.target), tuple[int, ...]()
        if kind.endswith("_") and not kind.endswith("__") and isinstance(node.args[0], torch.fx.Node):
            kind, overwrites = kind[:-1], (0,)
            self.known[node.args[0]] = self.known[node]
        name, label = self._named(node, kind)
        step = Step(
            node.target,
            kind,
            name,
            label,
            _path(node),
            tuple(inputs),
            tuple(outputs),
            arguments,
            keywords,
            overwrites,
        )
        self.graph.steps.append(step)
        looked_up = kind == "aten.embedding" and inputs[0] in self.graph.weights  # of positions, for instance
        if self.graph.constant.issuperset(inputs) and not (is_random(kind) or looked_up):
            self.graph.constant.update(outputs)
            self._follow_weight(step)

    def _numbered(self, node: Any) -> list[int]:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            self.known[node] = self.graph.add_tensor(value)
            return [self.known[node]]
        parts = [
            self.graph.add_tensor(part) if isinstance(part, torch.Tensor) else None for part in value or ()
        ]
        self.known[node] = parts
        return [part for part in parts if part is not None]

    def _named(self, node: Any, kind: str) -> tuple[str, str]:
        path = _path(node)
        part = self.leaves.get(path)
        short = kind.rpartition(".")[2]
        if part is not None and path and self.counts.get(path) == 1:
            return path, type(part).__name__
        if part is not None and path and short.replace("_", "") in type(part).__name__.lower():
            return path, type(part).__name__
        return f"{path}/{node.name}" if path else node.name, short

    def _follow_weight(self, step: Step) -> None:
        """Remember which parameter a constant consists of."""
        sources = [self.graph.weights[index] for index in step.inputs if index in self.graph.weights]
        if len(sources) != 1 or len(step.inputs) != 1:
            return
        source, rank = sources[0], len(self.graph.shapes[step.inputs[0]])
        order = permutation(step.kind.removeprefix("aten."), step.arguments, rank)
        if order is None and step.kind not in _SAME_ENTRIES:
            return
        axes = None
        if source.axes is not None and order is not None:
            axes = tuple(source.axes[axis] for axis in order)
        elif step.kind in _KEEP_AXES:
            axes = source.axes
        found = Weight(source.parameter, source.path, axes)
        self.graph.weights.update(dict.fromkeys(step.outputs, found))

    def _outputs(self, node: Any) -> None:
        for value in _leaves(node.args):
            found = self.known.get(value) if isinstance(value, torch.fx.Node) else None
            if isinstance(found, int) and found not in self.graph.constant and self.graph.is_float(found):
                self.graph.outputs.append(found)

    def _drop_unused(self) -> None:
        """Leave out what no output depends on, such as counters of batches and attention weights nobody asks for."""
        needed = set(self.graph.outputs)
        kept = []
        for step in reversed(self.graph.steps):
            if not needed.isdisjoint(step.outputs):
                needed.update(step.inputs)
                kept.append(step)
        self.graph.steps = kept[::-1]

    def _gather_whole_modules(self) -> None:
        """Join the steps of each call of a module that has a rule as a whole."""
        if not self.whole:
            return
        owners = {
            path: part for path, part in self.module.named_modules() if path and isinstance(part, self.whole)
        }
        joined: list[Step] = []
        run: list[Step] = []
        for step in [*self.graph.steps, None]:
            owner = None if step is None else _owner(step.module, owners)
            if run and owner != _owner(run[0].module, owners):
                joined.append(self._joined(run, owners))
                run = []
            if step is not None and owner is not None:
                run.append(step)
            elif step is not None:
                joined.append(step)
        self.graph.steps = joined

    def _joined(self, steps: Sequence[Step], owners: Mapping[str, Any]) -> Step:
        path = _owner(steps[0].module, owners) or ""
        made = {index for step in steps for index in step.outputs}
        read = dict.fromkeys(index for step in steps for index in step.inputs if index not in made)
        inside = {id(step) for step in steps}
        later = {i for step in self.graph.steps if id(step) not in inside for i in step.inputs} | set(
            self.graph.outputs
        )
        outputs = tuple(index for step in steps for index in step.outputs if index in later)
        inputs = tuple(index for index in read if index not in self.graph.constant)
        held = tuple(index for index in read if index in self.graph.constant)
        region = Region(tuple(steps), (*inputs, *held), outputs)
        kind = type(owners[path]).__name__
        slots = tuple(Slot(number) for number in range(len(inputs) + len(held)))
        return Step(region, kind, path, kind, path, (*inputs, *held), outputs, slots, {}, (), owners[path])

    def _lay_out(self) -> None:
        graph = self.graph
        for index in graph.inputs:
            graph.layouts[index] = input_layout(graph, index)
        for step in graph.steps:
            for index in step.outputs:
                if index not in graph.constant:
                    graph.layouts[index] = layout_after(graph, step, index)


class Region:
    """The steps of a module that is taken as a whole, callable as one operation."""

    def __init__(self, steps: tuple[Step, ...], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        self.steps, self.inputs, self.outputs = steps, inputs, outputs

    def __call__(self, *tensors: Any) -> Any:
        """Run the steps."""
        values = dict(zip(self.inputs, tensors, strict=True))
        for step in self.steps:
            values.update(
                zip(step.outputs, called(step, [values[index] for index in step.inputs]), strict=True)
            )
        return tuple(values[index] for index in self.outputs)


def called(step: Step, tensors: Sequence[Any]) -> list[Any]:
    """Return the outputs of a step for these inputs, which stay as they are."""
    given = list(tensors)
    for slot in tensors_in([step.arguments[place] for place in step.overwrites]):
        given[slot.position] = given[slot.position].clone()

    def filled(value: Any) -> Any:
        return given[value.position] if isinstance(value, Slot) else value

    arguments = list(mapped(step.arguments, filled))
    if step.kind in ("aten.batch_norm", "aten.instance_norm"):  # would move the running statistics
        training = bool(arguments[5])
        arguments[3:5] = (
            [None, None] if training else [None if x is None else x.clone() for x in arguments[3:5]]
        )
    result = step.operation(*arguments, **mapped(dict(step.keywords), filled))
    return [part for part in _leaves(result) if isinstance(part, torch.Tensor)]


def kind_of(target: Any) -> str:
    """Return the name of an operation without its overload: ``"aten.linear"``."""
    text = str(target)
    parts = text.split(".")
    return (
        ".".join(parts[:2])
        if isinstance(target, torch._ops.OpOverload)
        else getattr(target, "__name__", text)
    )


def is_random(kind: str) -> bool:
    """Whether an operation draws numbers."""
    return kind.removeprefix("aten.") in (
        "rand",
        "randn",
        "randint",
        "rand_like",
        "randn_like",
        "bernoulli",
        "normal",
    )


def _ignored(node: Any) -> bool:
    return node.target is operator.getitem or not isinstance(
        node.meta.get("val"), torch.Tensor | list | tuple
    )


def _path(node: Any) -> str:
    """Return the path of the module that a node belongs to."""
    stack = node.meta.get("nn_module_stack") or {}
    path = str(list(stack.values())[-1][0]) if stack else ""
    return _inside(path.removeprefix("L['self'].").removeprefix("L__self___").split("@")[0])


def _inside(path: str) -> str:
    return path.removeprefix(_PREFIX).removeprefix(".")


def _owner(path: str, owners: Mapping[str, Any]) -> str | None:
    parts = path.split(".")
    for length in range(1, len(parts) + 1):
        if ".".join(parts[:length]) in owners:
            return ".".join(parts[:length])
    return None


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]
