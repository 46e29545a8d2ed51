"""aten operations that apply a function to every entry, evaluated by PyTorch itself in float64."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
import torch

from gondwana.autoinit.errors import UnsupportedLayerError
from gondwana.autoinit.frontends.torch.export import called
from gondwana.autoinit.frontends.torch.graph import Step
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Call, rule

_ZERO = ("relu", "leaky_relu", "elu", "selu", "celu", "abs", "rrelu", "sign", "sgn")
_KINKS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(_ZERO, (0.0,)),
    "relu6": (0.0, 6.0),
    "hardsigmoid": (-3.0, 3.0),
    "hardswish": (-3.0, 3.0),
    "frac": tuple(float(n) for n in range(-8, 9) if n),  # it jumps there; beyond, Gaussian mass is negligible
}
_TAME = frozenset(
    {
        *_ZERO,
        "relu6",
        "hardsigmoid",
        "hardswish",
        "gelu",
        "silu",
        "sigmoid",
        "tanh",
        "softplus",
        "mish",
        "erf",
    }
    | {
        "log_sigmoid",
        "hardtanh",
        "hardshrink",
        "softshrink",
        "sin",
        "cos",
        "square",
        "neg",
        "threshold",
        "clamp",
    }
    | {"clamp_min", "clamp_max", "atan", "asinh", "floor", "ceil", "round", "trunc"}
)
"""Functions that have moments under every Gaussian."""

UNARY = _TAME - {"rrelu"} | {
    *(
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "rsqrt",
        "reciprocal",
        "pow",
        "sinh",
        "cosh",
        "tan",
        "exp2",
        "log2",
    ),
    *("erfc", "atanh", "frac", "logit"),
}
"""Functions of one tensor, entry by entry."""


def function_of(call: Call) -> ScalarFunction:
    """Return the function that a step applies to every entry of its one variable input, evaluated by PyTorch itself.

    Raises:
        UnsupportedLayerError: if another input is more than a number.
    """
    step = call.step
    variable = [n for n, index in enumerate(step.inputs) if index not in call.graph.constant]
    others = {
        n: float(call.constants[index])
        for n, index in enumerate(step.inputs)
        if n not in variable and _single(call, index)
    }
    if len(variable) != 1 or len(others) + 1 != len(step.inputs):
        raise UnsupportedLayerError(f"{step.name!r} is no function of one tensor")
    key = repr((step.kind, step.arguments, sorted(step.keywords.items()), sorted(others.items())))
    if key not in _KNOWN:  # the same object each time, so that the calculus checks a function once
        name = step.kind.removeprefix("aten.")
        function = functools.partial(_evaluated, step, variable[0], others)
        _KNOWN[key] = ScalarFunction(function, _kinks(step), name=name, tame=name in _TAME)
    return _KNOWN[key]


_KNOWN: dict[str, ScalarFunction] = {}


def _single(call: Call, index: int) -> bool:
    return bool(call.constants[index].numel() == 1)


def _evaluated(step: Step, variable: int, others: Mapping[int, float], x: Array) -> Array:
    tensors = [
        torch.tensor(others.get(number, 0.0), dtype=torch.float64) for number in range(len(step.inputs))
    ]
    tensors[variable] = torch.from_numpy(np.array(x, dtype=np.float64))
    with torch.no_grad():
        return np.asarray(called(step, tensors)[0].numpy())


def _kinks(step: Step) -> tuple[float, ...]:
    name = step.kind.removeprefix("aten.")
    numbers = tuple(
        float(v) for v in step.arguments if isinstance(v, int | float) and not isinstance(v, bool)
    )
    if name in ("hardshrink", "softshrink"):
        bound = numbers[0] if numbers else 0.5
        return (-bound, bound)
    if name in ("clamp", "clamp_min", "clamp_max", "threshold"):
        return numbers
    if name == "hardtanh":
        return numbers or (-1.0, 1.0)
    return _KINKS.get(name, ())


@rule(*(f"aten.{name}" for name in sorted(UNARY)))
def unary(call: Call, x: Signal) -> Signal:
    """Functions of every entry."""
    return call.calculus.elementwise(x, function_of(call))


@rule("aten.prelu", "aten._prelu_kernel")
def prelu(call: Call, x: Signal) -> Signal:
    """With the slopes that it holds: the entries are a mixture over them."""
    slopes = np.asarray(call.constant(1), np.float64).ravel()
    middle, spread = float(slopes.mean()), float(slopes.std())
    sides = [middle] if spread <= 1e-9 * abs(middle) else [middle - spread, middle + spread]
    bent = [call.calculus.elementwise(x, _leaky(slope)) for slope in sides]
    return bent[0] if len(bent) == 1 else call.calculus.concatenate(bent, [1.0, 1.0])


@functools.lru_cache(maxsize=256)
def _leaky(slope: float) -> ScalarFunction:
    return ScalarFunction(lambda x: np.where(x > 0, x, slope * x), (0.0,), name="prelu", tame=True)
