"""GraphModule: an activation function from its text, as a PyTorch module.

The forms of the operators are looked up by name in ``torch``; those that it lacks are written here. Arithmetic in half
precision is done in float32, as in the Keras layer.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from gondwana import autoinit
from gondwana.activations.errors import ActivationError, InvalidFunctionError, OperatorError
from gondwana.activations.graph.graph import Graph, parse
from gondwana.activations.graph.program import Step
from gondwana.activations.study.moments import gaussian_moments, scalar_function
from gondwana.autoinit import torch as autoinit_torch

_LEAK = 0.01


def _elish(x: Any) -> Any:
    return torch.sigmoid(x) * torch.where(x >= 0, x, torch.expm1(-torch.relu(-x)))


FORMS: Mapping[str, Callable[..., Any]] = {
    **{
        name: getattr(torch, name)
        for name in ("abs", "reciprocal", "square", "exp", "erf", "erfc", "sinh", "cosh")
    },
    **{
        name: getattr(torch, name)
        for name in ("tanh", "expm1", "sigmoid", "arcsinh", "arctan", "relu", "selu")
    },
    **{name: getattr(torch, name) for name in ("add", "sub", "mul", "div", "negative")},
    **{name: getattr(functional, name) for name in ("elu", "softsign", "mish", "gelu")},
    "zero": torch.zeros_like,
    "one": torch.ones_like,
    "identity": lambda x: x,
    "log_sigmoid": functional.logsigmoid,
    "bessel_i0e": torch.special.i0e,
    "bessel_i1e": torch.special.i1e,
    "swish": functional.silu,
    "softplus": lambda x: torch.relu(x) + torch.log1p(torch.exp(-torch.abs(x))),
    "hard_sigmoid": lambda x: torch.clamp(0.2 * x + 0.5, 0.0, 1.0),
    "pow": torch.pow,
    "max": torch.maximum,
    "min": torch.minimum,
    "elish": _elish,
    "leakyrelu": lambda x: torch.maximum(x, _LEAK * x),
    "sum_n": lambda *arguments: functools.reduce(torch.add, arguments),
    "prod_n": lambda *arguments: functools.reduce(torch.mul, arguments),
    "max_n": lambda *arguments: functools.reduce(torch.maximum, arguments),
    "min_n": lambda *arguments: functools.reduce(torch.minimum, arguments),
}
"""The built-in operators, by name."""


class GraphModule(torch.nn.Module):  # type: ignore[misc]
    """Apply an activation function elementwise; its parameters are trained, and start at 1.

    The output is ``(f(x) - offset) / divisor``, with offset 0 and divisor 1 unless ``center`` or ``scale`` are given.

    Args:
        graph: a :class:`gondwana.activations.Graph`, or its text such as ``"max(relu(x),a*cosh(elu(x)))"``.
        center: subtract the function's mean under N(0, 1), as AutoInit++ does.
        scale: divide by the function's standard deviation under N(0, 1) (by its root mean square if not centred).
        channels: number of entries of each parameter, one per channel; 1 for one that all channels share.
        axis: of the channels: 1 for images, -1 for features and texts.

    Raises:
        ValueError: if the text is not a function, an operator has no form in PyTorch, or ``center`` or ``scale`` is
            asked of a function without usable Gaussian moments.

    Examples:
        >>> module = GraphModule("a*swish(b*x)", channels=3)
        >>> [(name, tuple(p.shape)) for name, p in module.named_parameters()]
        [('a', (3,)), ('b', (3,))]
    """

    def __init__(
        self,
        graph: Graph | str,
        center: bool = False,
        scale: bool = False,
        *,
        channels: int = 1,
        axis: int = -1,
    ) -> None:
        super().__init__()
        if not isinstance(graph, Graph | str):
            raise ActivationError(
                f"a GraphModule needs a Graph or a text such as 'a*swish(x)'. Received: {graph!r}"
            )
        if isinstance(axis, bool) or not isinstance(axis, int) or axis == 0:
            raise ActivationError(f"axis must be an int other than 0, the batch. Received: axis={axis!r}")
        if isinstance(channels, bool) or not isinstance(channels, int) or channels < 1:
            raise ActivationError(f"channels must be a whole number, at least 1. Received: {channels!r}")
        self.graph = parse(graph) if isinstance(graph, str) else graph
        unknown = {step.operator for step in self.graph.program.steps if step.operator} - set(FORMS)
        if unknown:
            raise OperatorError(
                f"no form in PyTorch for {', '.join(sorted(unknown))}; "
                "those of gondwana.activations.torch.FORMS have one"
            )
        self.axis, self.center, self.scale = axis, bool(center), bool(scale)
        self.offset, self.divisor = _normalization(self.graph, self.center, self.scale)
        for name in self.graph.parameter_names:
            self.register_parameter(name, torch.nn.Parameter(torch.ones(channels)))

    def forward(self, x: Any) -> Any:
        """Return the function of ``x``, same shape and dtype."""
        half = x.dtype in (torch.float16, torch.bfloat16)
        y = self._function(x.float() if half else x)
        if self.offset:
            y = y - self.offset
        if self.divisor != 1:
            y = y / self.divisor
        return y.to(x.dtype) if half else y

    def _function(self, x: Any) -> Any:
        factors = [getattr(self, name) for name in self.graph.parameter_names]
        shape = [1] * x.dim()
        shape[self.axis] = -1

        def apply(step: Step, inputs: Sequence[Any]) -> Any:
            if step.parameter is not None:
                return inputs[0] * factors[step.parameter].to(x.dtype).reshape(shape)
            return FORMS[step.operator or ""](*inputs)

        y = self.graph.program.run(x, apply)
        return (
            y if self.graph.program.varies else y + 0.0 * x
        )  # layers before need a gradient, if only of zeros

    def extra_repr(self) -> str:
        """Show the function."""
        extra = [f"{name}=True" for name in ("center", "scale") if getattr(self, name)]
        return ", ".join([repr(self.graph.text), *extra])


def _normalization(graph: Graph, center: bool, scale: bool) -> tuple[float, float]:
    """Return what is subtracted, and by what is divided.

    Raises:
        InvalidFunctionError: if the function has no usable Gaussian moments.
    """
    if not (center or scale):
        return 0.0, 1.0
    try:
        moments = gaussian_moments(graph)
    except autoinit.NotIntegrableError as error:
        raise InvalidFunctionError(f"cannot center or scale {graph}: {error}") from error
    offset = moments.mean if center else 0.0
    divisor = math.sqrt(moments.variance if center else moments.second_moment) if scale else 1.0
    if divisor == 0:
        raise InvalidFunctionError(f"cannot scale {graph}: it is constant under N(0, 1)")
    return offset, divisor


@autoinit_torch.rule(GraphModule)
def _graph_module(call: autoinit_torch.Call, x: autoinit_torch.Signal) -> autoinit_torch.Signal:
    """Gaussian integral of the graph, parameters at 1, the kinks declared."""
    y = call.calculus.elementwise(x, scalar_function(call.step.owner.graph))
    module = call.step.owner
    return call.calculus.scale(y, 1 / module.divisor, -module.offset / module.divisor)
