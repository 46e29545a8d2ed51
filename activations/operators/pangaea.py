"""The built-in operators: PANGAEA's 27 unary and 7 binary ones, and Act-Bench's further ones.

Names are those of Act-Bench. Source: Bingham and Miikkulainen, "Discovering Parametric Activation Functions",
arXiv:2006.03179, Table 1.
"""

from __future__ import annotations

import numpy as np
import sympy as sp
from keras import ops
from scipy import special

from gondwana.activations.operators import backend, numerics
from gondwana.activations.operators.latex import Binding, Notation, function, infix
from gondwana.activations.operators.record import Array, Domain, Operator
from gondwana.activations.operators.registry import OperatorSet, register

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717

_NONZERO = Domain("a != 0", lambda a: a != 0)
_NONZERO_DIVISOR = Domain("b != 0", lambda a, b: b != 0)
_POWER = Domain(
    "a > 0, or a = 0 <= b, or b an integer (a != 0)",
    lambda a, b: (a > 0) | ((a == 0) & (b >= 0)) | ((a != 0) & (b == np.round(b))),
)


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0)


def _sympy_sigmoid(x: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-x))


def _sympy_elu(x: sp.Expr) -> sp.Expr:
    return sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True))


_UNARY = [
    Operator(
        name="zero",
        arity=1,
        numpy=np.zeros_like,
        keras=ops.zeros_like,
        sympy=lambda x: sp.Integer(0),
        latex=Notation("0"),
        constant=True,
    ),
    Operator(
        name="one",
        arity=1,
        numpy=np.ones_like,
        keras=ops.ones_like,
        sympy=lambda x: sp.Integer(1),
        latex=Notation("1"),
        constant=True,
    ),
    Operator(
        name="identity",
        arity=1,
        numpy=lambda x: x,
        keras=lambda x: x,
        sympy=lambda x: x,
        latex=Notation(r"\left(#1\right)"),
    ),
    Operator(
        name="negative",
        arity=1,
        numpy=np.negative,
        keras=ops.negative,
        sympy=lambda x: -x,
        latex=Notation("-#1", Binding.SUM, (Binding.PRODUCT,)),
    ),
    Operator(
        name="abs",
        arity=1,
        numpy=np.abs,
        keras=ops.abs,
        sympy=sp.Abs,
        latex=Notation(r"\left|#1\right|"),
        kinks=(0.0,),
    ),
    Operator(
        name="reciprocal",
        arity=1,
        numpy=np.reciprocal,
        keras=ops.reciprocal,
        sympy=lambda x: 1 / x,
        latex=Notation(r"\frac{1}{#1}", Binding.POWER),
        kinks=(0.0,),
        domain=_NONZERO,
    ),
    Operator(
        name="square",
        arity=1,
        numpy=np.square,
        keras=ops.square,
        sympy=lambda x: x**2,
        latex=Notation("{#1}^{2}", Binding.POWER, (Binding.ATOM,)),
    ),
    Operator(
        name="exp",
        arity=1,
        numpy=np.exp,
        keras=ops.exp,
        sympy=sp.exp,
        latex=Notation("e^{#1}", Binding.POWER),
    ),
    Operator(name="erf", arity=1, numpy=special.erf, keras=ops.erf, sympy=sp.erf),
    Operator(name="erfc", arity=1, numpy=special.erfc, keras=backend.erfc, sympy=sp.erfc),
    Operator(
        name="sinh", arity=1, numpy=np.sinh, keras=numerics.sinh, sympy=sp.sinh, latex=function(r"\sinh")
    ),
    Operator(
        name="cosh", arity=1, numpy=np.cosh, keras=numerics.cosh, sympy=sp.cosh, latex=function(r"\cosh")
    ),
    Operator(
        name="tanh", arity=1, numpy=np.tanh, keras=backend.tanh, sympy=sp.tanh, latex=function(r"\tanh")
    ),
    Operator(
        name="expm1",
        arity=1,
        numpy=np.expm1,
        keras=ops.expm1,
        sympy=lambda x: sp.exp(x) - 1,
        latex=Notation("e^{#1} - 1", Binding.SUM),
    ),
    Operator(
        name="sigmoid",
        arity=1,
        numpy=special.expit,
        keras=ops.sigmoid,
        sympy=_sympy_sigmoid,
        latex=function(r"\sigma"),
    ),
    Operator(
        name="log_sigmoid",
        arity=1,
        numpy=special.log_expit,
        keras=numerics.log_sigmoid,
        sympy=lambda x: -sp.log(1 + sp.exp(-x)),
        latex=Notation(r"\log\sigma\left(#1\right)"),
    ),
    Operator(name="arcsinh", arity=1, numpy=np.arcsinh, keras=numerics.arcsinh, sympy=sp.asinh),
    Operator(
        name="arctan",
        arity=1,
        numpy=np.arctan,
        keras=backend.arctan,
        sympy=sp.atan,
        latex=function(r"\arctan"),
    ),
    Operator(
        name="bessel_i0e",
        arity=1,
        numpy=special.i0e,
        keras=backend.bessel_i0e,
        sympy=lambda x: sp.exp(-sp.Abs(x)) * sp.besseli(0, x),
        latex=Notation(r"I_{0e}\left(#1\right)"),
        kinks=(0.0,),
    ),
    Operator(
        name="bessel_i1e",
        arity=1,
        numpy=special.i1e,
        keras=backend.bessel_i1e,
        sympy=lambda x: sp.exp(-sp.Abs(x)) * sp.besseli(1, x),
        latex=Notation(r"I_{1e}\left(#1\right)"),
        kinks=(0.0,),
    ),
    Operator(
        name="relu",
        arity=1,
        numpy=lambda x: np.maximum(x, 0),
        keras=ops.relu,
        sympy=lambda x: sp.Max(0, x),
        latex=function("ReLU"),
        kinks=(0.0,),
    ),
    Operator(
        name="elu",
        arity=1,
        numpy=_elu,
        keras=ops.elu,
        sympy=_sympy_elu,
        latex=function("ELU"),
        kinks=(0.0,),
    ),
    Operator(
        name="selu",
        arity=1,
        numpy=lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        keras=ops.selu,
        sympy=lambda x: (
            sp.Float(_SELU_SCALE) * sp.Piecewise((x, x > 0), (_SELU_ALPHA * (sp.exp(x) - 1), True))
        ),
        latex=function("SELU"),
        kinks=(0.0,),
    ),
    Operator(
        name="swish",
        arity=1,
        numpy=lambda x: x * special.expit(x),
        keras=ops.silu,
        sympy=lambda x: x * _sympy_sigmoid(x),
        latex=function("Swish"),
    ),
    Operator(
        name="softplus",
        arity=1,
        numpy=_softplus,
        keras=numerics.softplus,
        sympy=lambda x: sp.log(1 + sp.exp(x)),
        latex=function("Softplus"),
    ),
    Operator(
        name="softsign",
        arity=1,
        numpy=lambda x: x / (1 + np.abs(x)),
        keras=ops.softsign,
        sympy=lambda x: x / (1 + sp.Abs(x)),
        latex=function("Softsign"),
        kinks=(0.0,),
    ),
    Operator(
        name="hard_sigmoid",
        arity=1,
        numpy=lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        keras=numerics.hard_sigmoid,
        sympy=lambda x: sp.Max(0, sp.Min(1, x / 5 + sp.Rational(1, 2))),
        latex=function("HardSigmoid"),
        kinks=(-2.5, 2.5),
    ),
]

_BINARY = [
    Operator(
        name="add",
        arity=2,
        numpy=np.add,
        keras=ops.add,
        sympy=lambda a, b: a + b,
        latex=infix("+", Binding.SUM, Binding.PRODUCT),
        neutral=0,
    ),
    Operator(
        name="sub",
        arity=2,
        numpy=np.subtract,
        keras=ops.subtract,
        sympy=lambda a, b: a - b,
        latex=infix("-", Binding.SUM, Binding.PRODUCT),
        neutral=0,
    ),
    Operator(
        name="mul",
        arity=2,
        numpy=np.multiply,
        keras=ops.multiply,
        sympy=lambda a, b: a * b,
        latex=infix(r"\cdot", Binding.PRODUCT, Binding.PRODUCT),
        neutral=1,
    ),
    Operator(
        name="div",
        arity=2,
        numpy=np.divide,
        keras=ops.divide,
        sympy=lambda a, b: a / b,
        latex=Notation(r"\frac{#1}{#2}", Binding.POWER),
        switch=lambda a, b: b,
        domain=_NONZERO_DIVISOR,
        neutral=1,
    ),
    Operator(
        name="pow",
        arity=2,
        numpy=np.power,
        keras=numerics.power,
        sympy=lambda a, b: a**b,
        latex=Notation("{#1}^{#2}", Binding.POWER, (Binding.ATOM, Binding.SUM)),
        switch=lambda a, b: a,
        domain=_POWER,
        neutral=1,
    ),
    Operator(
        name="max",
        arity=2,
        numpy=np.maximum,
        keras=backend.maximum,
        sympy=sp.Max,
        latex=function(r"\max"),
        switch=lambda a, b: a - b,
        neutral="copy",
    ),
    Operator(
        name="min",
        arity=2,
        numpy=np.minimum,
        keras=backend.minimum,
        sympy=sp.Min,
        latex=function(r"\min"),
        switch=lambda a, b: a - b,
        neutral="copy",
    ),
]

PANGAEA = OperatorSet(
    unary=tuple(register(op, check=False).name for op in _UNARY),
    binary=tuple(register(op, check=False).name for op in _BINARY),
)
"""The operators of PANGAEA: the default of sampling and mutation."""
