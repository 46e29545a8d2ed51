"""Between the order (taps..., inputs, outputs) in which weights are drawn and the axes that a parameter has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gondwana.autoinit.torch.calls import Scale


@dataclass(frozen=True, slots=True)
class Placement:
    """How an array in the order of drawing becomes a parameter.

    Attributes:
        drawn: shape in the order of drawing.
        order: axis of the parameter that each of these axes is; empty if they are the same.
    """

    drawn: tuple[int, ...]
    order: tuple[int, ...]

    def placed(self, values: Any) -> Any:
        """Return the array with the axes of the parameter."""
        if not self.order:
            return values
        return np.transpose(values, [self.order.index(axis) for axis in range(len(self.order))])


def placement(shape: tuple[int, ...], order: tuple[int, ...]) -> Placement:
    """Return how weights of a parameter of this shape are drawn."""
    if len(order) != len(shape):
        return Placement(shape, ())
    return Placement(tuple(shape[axis] for axis in order), order)


def order_of(scale: Scale) -> tuple[int, ...]:
    """Return the axes of the parameter in the order of drawing; empty if the operation sees it reshaped."""
    axes = scale.weight.axes
    if axes is None or len(axes) != len(scale.order):
        return ()
    return tuple(axes[place] for place in scale.order)


def to_parameter(scale: Scale, parameter: Any) -> Placement:
    """Return how the parameter of a scale is drawn."""
    return placement(tuple(parameter.shape), order_of(scale))
