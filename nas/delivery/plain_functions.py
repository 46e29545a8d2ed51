"""Evolved activation functions as graphs of ``keras.ops`` that any Keras can load.

The operators' own forms (:mod:`gondwana.activations.operators`) have hand-written gradients and native functions of the
backend, which a saved graph cannot hold. These compute the same values, to 1e-6, in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from keras import ops

from gondwana.activations.graph.program import Step
from gondwana.activations.layer import GraphActivation
from gondwana.activations.operators.registry import operator

Tensor = Any

ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
"""Abramowitz and Stegun 7.1.26: the error function within 1.5e-7."""
ARCTAN = (
    1.0,
    -0.3333314528,
    0.1999355085,
    -0.1420889944,
    0.1065626393,
    -0.0752896400,
    0.0429096138,
    -0.0161657367,
    0.0028662257,
)
"""Abramowitz and Stegun 4.4.49: the inverse tangent within 2e-8, for |x| <= 1."""
I0 = (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813)
I0_LARGE = (
    0.39894228,
    0.01328592,
    0.00225319,
    -0.00157565,
    0.00916281,
    -0.02057706,
    0.02635537,
    -0.01647633,
    0.00392377,
)
I1 = (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411)
I1_LARGE = (
    0.39894228,
    -0.03988024,
    -0.00362018,
    0.00163801,
    -0.01031555,
    0.02282967,
    -0.02895312,
    0.01787654,
    -0.00420059,
)
"""Abramowitz and Stegun 9.8.1 to 9.8.4: the modified Bessel functions within 2.2e-7; ``LARGE`` for |x| > 3.75."""
BORDER = 3.75


def plain_activation(layer: GraphActivation, inputs: Tensor) -> Tensor:
    """Return the function of a layer, with its trained parameters, of a symbolic tensor."""
    half = layer.compute_dtype in ("float16", "bfloat16")
    x = ops.cast(inputs, "float32") if half else inputs
    y = _function(layer, x)
    if layer.offset:
        y = ops.subtract(y, layer.offset)
    if layer.divisor != 1:
        y = ops.divide(y, layer.divisor)
    return ops.cast(y, layer.compute_dtype) if half else y


def _function(layer: GraphActivation, x: Tensor) -> Tensor:
    shape = [1] * len(x.shape)
    shape[layer.axis] = -1
    factors = [ops.convert_to_numpy(factor).astype(np.float32) for factor in layer.factors]

    def apply(step: Step, inputs: Sequence[Tensor]) -> Tensor:
        if step.parameter is not None:
            factor = factors[step.parameter]
            return inputs[0] if (factor == 1).all() else ops.multiply(inputs[0], factor.reshape(shape))
        name = step.operator or ""
        return FORMS.get(name, operator(name).keras)(*inputs)

    y = layer.graph.program.run(x, apply)
    return y if layer.graph.program.varies else ops.add(y, ops.multiply(x, 0.0))


def erf(x: Tensor) -> Tensor:
    """The error function, of operations that every format has."""
    size = ops.abs(x)
    t = ops.divide(1.0, ops.add(ops.multiply(size, 0.3275911), 1.0))
    part = ops.multiply(ops.multiply(_polynomial(t, ERF), t), ops.exp(ops.negative(ops.square(size))))
    return ops.multiply(ops.sign(x), ops.subtract(1.0, part))


def _erfc(x: Tensor) -> Tensor:
    return ops.subtract(1.0, erf(x))


def _expm1(x: Tensor) -> Tensor:
    return ops.subtract(ops.exp(x), 1.0)


def _sinh(x: Tensor) -> Tensor:
    return ops.multiply(ops.subtract(ops.exp(x), ops.exp(ops.negative(x))), 0.5)


def _cosh(x: Tensor) -> Tensor:
    return ops.multiply(ops.add(ops.exp(x), ops.exp(ops.negative(x))), 0.5)


def _softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    return ops.add(ops.relu(x), ops.log(ops.add(ops.exp(ops.negative(ops.abs(x))), 1.0)))


def _log_sigmoid(x: Tensor) -> Tensor:
    return ops.negative(_softplus(ops.negative(x)))


def _arcsinh(x: Tensor) -> Tensor:
    """sign(x) log(|x| + sqrt(x^2 + 1)), and sign(x) log(2 |x|) where x^2 would overflow."""
    size = ops.abs(x)
    small = ops.minimum(size, 1e9)
    near = ops.log(ops.add(small, ops.sqrt(ops.add(ops.square(small), 1.0))))
    far = ops.log(ops.multiply(ops.maximum(size, 1.0), 2.0))
    return ops.multiply(ops.sign(x), ops.where(ops.greater(size, 1e9), far, near))


def _arctan(x: Tensor) -> Tensor:
    size = ops.abs(x)
    inner = ops.divide(ops.minimum(size, 1.0), ops.maximum(size, 1.0))  # |x|, or 1 / |x| beyond 1
    near = ops.multiply(_polynomial(ops.square(inner), ARCTAN), inner)
    return ops.multiply(ops.sign(x), ops.where(ops.greater(size, 1.0), ops.subtract(math.pi / 2, near), near))


def _elish(x: Tensor) -> Tensor:
    below = _expm1(ops.negative(ops.relu(ops.negative(x))))
    return ops.multiply(ops.sigmoid(x), ops.where(ops.greater_equal(x, 0.0), x, below))


def _gelu(x: Tensor) -> Tensor:
    return ops.multiply(ops.multiply(x, 0.5), _erfc(ops.multiply(x, -1 / math.sqrt(2))))


def _bessel(small: Sequence[float], large: Sequence[float], odd: bool) -> Callable[[Tensor], Tensor]:
    def function(x: Tensor) -> Tensor:
        size = ops.abs(x)
        inner = ops.minimum(size, BORDER)
        near = ops.multiply(
            _polynomial(ops.square(ops.divide(inner, BORDER)), small), ops.exp(ops.negative(inner))
        )
        outer = ops.maximum(size, BORDER)
        far = ops.divide(_polynomial(ops.divide(BORDER, outer), large), ops.sqrt(outer))
        if not odd:
            return ops.where(ops.less(size, BORDER), near, far)
        return ops.multiply(ops.sign(x), ops.where(ops.less(size, BORDER), ops.multiply(near, inner), far))

    return function


def _polynomial(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    """Return c0 + c1 x + c2 x^2 + ... by Horner's rule."""
    *rest, last = coefficients
    value = ops.add(ops.multiply(x, last), rest[-1])
    for coefficient in reversed(rest[:-1]):
        value = ops.add(ops.multiply(value, x), coefficient)
    return value


FORMS: dict[str, Callable[..., Tensor]] = {
    "erf": erf,
    "erfc": _erfc,
    "expm1": _expm1,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": ops.tanh,
    "log_sigmoid": _log_sigmoid,
    "arcsinh": _arcsinh,
    "arctan": _arctan,
    "bessel_i0e": _bessel(I0, I0_LARGE, odd=False),
    "bessel_i1e": _bessel(I1, I1_LARGE, odd=True),
    "softplus": _softplus,
    "pow": ops.power,
    "max": ops.maximum,
    "min": ops.minimum,
    "elish": _elish,
    "leakyrelu": lambda x: ops.maximum(x, ops.multiply(x, 0.01)),
    "mish": lambda x: ops.multiply(x, ops.tanh(_softplus(x))),
    "gelu": _gelu,
    "max_n": lambda *arguments: reduce(ops.maximum, arguments),
    "min_n": lambda *arguments: reduce(ops.minimum, arguments),
}
"""Forms of operators whose own form a saved graph cannot hold, or some format does not know."""
