"""Act-Bench's operators beyond PANGAEA's, so that all of its 2,913 function names can be read.

They are not in the default set from which functions are sampled.
"""

from __future__ import annotations

from functools import reduce
from itertools import combinations

import numpy as np
import sympy as sp
from keras import ops
from scipy import special

from gondwana.activations.operators import backend, numerics
from gondwana.activations.operators.latex import Binding, Notation, function
from gondwana.activations.operators.record import Array, Operator
from gondwana.activations.operators.registry import register

_LEAK = 0.01


def _crossings(*arguments: Array) -> Array:
    """Return a function that changes its sign where two of the arguments cross."""
    return reduce(np.multiply, [np.sign(a - b) for a, b in combinations(arguments, 2)])


_UNARY = [
    Operator(
        name="elish",
        arity=1,
        numpy=lambda x: special.expit(x) * np.where(x >= 0, x, np.expm1(np.minimum(x, 0))),
        keras=numerics.elish,
        sympy=lambda x: sp.Piecewise((x, x >= 0), (sp.exp(x) - 1, True)) / (1 + sp.exp(-x)),
        latex=function("ELiSH"),
        kinks=(0.0,),
    ),
    Operator(
        name="leakyrelu",
        arity=1,
        numpy=lambda x: np.where(x > 0, x, _LEAK * x),
        keras=lambda x: backend.maximum(x, _LEAK * x),
        sympy=lambda x: sp.Piecewise((x, x > 0), (x / 100, True)),
        latex=function("LeakyReLU"),
        kinks=(0.0,),
    ),
    Operator(
        name="mish",
        arity=1,
        numpy=lambda x: x * np.tanh(np.logaddexp(x, 0)),
        keras=numerics.mish,
        sympy=lambda x: x * sp.tanh(sp.log(1 + sp.exp(x))),
        latex=function("Mish"),
    ),
    Operator(
        name="gelu",
        arity=1,
        numpy=lambda x: x * special.ndtr(x),
        keras=numerics.gelu,
        sympy=lambda x: x * (1 + sp.erf(x / sp.sqrt(2))) / 2,
        latex=function("GELU"),
    ),
]

_N_ARY = [
    Operator(
        name="sum_n",
        arity=None,
        numpy=lambda *arguments: reduce(np.add, arguments),
        keras=lambda *arguments: reduce(ops.add, arguments),
        sympy=lambda *arguments: sp.Add(*arguments),
        latex=Notation("#*", Binding.SUM, (Binding.SUM, Binding.PRODUCT), separator=" + "),
    ),
    Operator(
        name="prod_n",
        arity=None,
        numpy=lambda *arguments: reduce(np.multiply, arguments),
        keras=lambda *arguments: reduce(ops.multiply, arguments),
        sympy=lambda *arguments: sp.Mul(*arguments),
        latex=Notation("#*", Binding.PRODUCT, (Binding.PRODUCT,), separator=r" \cdot "),
    ),
    Operator(
        name="max_n",
        arity=None,
        numpy=lambda *arguments: reduce(np.maximum, arguments),
        keras=lambda *arguments: reduce(backend.maximum, arguments),
        sympy=lambda *arguments: sp.Max(*arguments),
        latex=function(r"\max"),
        switch=_crossings,
    ),
    Operator(
        name="min_n",
        arity=None,
        numpy=lambda *arguments: reduce(np.minimum, arguments),
        keras=lambda *arguments: reduce(backend.minimum, arguments),
        sympy=lambda *arguments: sp.Min(*arguments),
        latex=function(r"\min"),
        switch=_crossings,
    ),
]

for _operator in (*_UNARY, *_N_ARY):
    register(_operator, check=False)
