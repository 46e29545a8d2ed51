"""A graph as a straight-line program in which equal subexpressions are computed once.

Subexpressions that contain learnable parameters are equal to nothing but themselves, since every edge has a parameter
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gondwana.activations.graph.node import Node
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import operator


@dataclass(frozen=True, slots=True)
class Step:
    """One computation; its result gets the next free slot (slot 0 is the input).

    Attributes:
        operator: name of the operator, or None to multiply the one input by a parameter.
        inputs: slots.
        parameter: number of the parameter, for a multiplication by one.
        constant: True if the result depends neither on the input nor on a parameter.
    """

    operator: str | None
    inputs: tuple[int, ...]
    parameter: int | None = None
    constant: bool = False


Visit = Callable[[Step, Sequence[Any], Any], None]
"""Called after a step with the step, the values of its inputs, and its value."""


@dataclass(frozen=True, slots=True)
class Program:
    """The steps of a graph, in an order in which they can be computed, and the slot of the result."""

    steps: tuple[Step, ...]
    result: int

    @property
    def varies(self) -> bool:
        """Whether the result depends on the input, as far as the structure shows."""
        varying = {0}
        for slot, step in enumerate(self.steps, start=1):
            if not (step.operator is not None and operator(step.operator).constant) and varying & set(
                step.inputs
            ):
                varying.add(slot)
        return self.result in varying

    def run(
        self,
        x: Any,
        apply: Callable[[Step, Sequence[Any]], Any],
        visit: Visit | None = None,
    ) -> Any:
        """Return the result for the input ``x``.

        Args:
            x: the input.
            apply: computes one step from the values of its inputs.
            visit: called after each step.
        """
        values = [x]
        for step in self.steps:
            inputs = [values[slot] for slot in step.inputs]
            values.append(apply(step, inputs))
            if visit is not None:
                visit(step, inputs, values[-1])
        return values[self.result]


def compile_graph(nodes: Sequence[Node], parameter_numbers: Mapping[int, int]) -> Program:
    """Return the program of a graph.

    Args:
        nodes: of the graph, in evaluation order.
        parameter_numbers: number of each parameter, by the position of the node whose outgoing edge carries it.
    """
    steps: list[Step] = []
    slots: dict[tuple[str, tuple[int, ...]], int] = {}
    constants: set[int] = set()
    stack: list[int] = []

    def emit(step: Step) -> int:
        steps.append(step)
        if step.constant:
            constants.add(len(steps))
        return len(steps)

    for position, node in enumerate(nodes):
        if node.operator == INPUT:
            slot = 0
        else:
            inputs = tuple(stack[len(stack) - node.arity :])
            del stack[len(stack) - node.arity :]
            constant = operator(node.operator).constant or constants.issuperset(inputs)
            key = (node.operator, (0,) if operator(node.operator).constant else inputs)
            if key not in slots:
                slots[key] = emit(Step(*key, constant=constant))
            slot = slots[key]
        if node.parameter:
            slot = emit(Step(None, (slot,), parameter=parameter_numbers[position]))
        stack.append(slot)
    return _without_dead_steps(Program(tuple(steps), stack[0]))


def _without_dead_steps(program: Program) -> Program:
    """Drop steps whose value nobody uses: the arguments of ``zero`` and ``one``."""
    used = {program.result}
    for slot in range(len(program.steps), 0, -1):
        if slot in used:
            used.update(program.steps[slot - 1].inputs)
    kept = [slot for slot in range(1, len(program.steps) + 1) if slot in used]
    renamed = {0: 0} | {old: new for new, old in enumerate(kept, start=1)}
    steps = tuple(
        Step(step.operator, tuple(renamed[slot] for slot in step.inputs), step.parameter, step.constant)
        for step in (program.steps[slot - 1] for slot in kept)
    )
    return Program(steps, renamed[program.result])
