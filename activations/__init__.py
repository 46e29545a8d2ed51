"""Activation functions as computation graphs: made at random, mutated, printed, parsed, integrated, trained.

The space is that of PANGAEA (Bingham and Miikkulainen, arXiv:2006.03179).
"""

from gondwana.activations.describe import describe, reachable
from gondwana.activations.errors import ActivationError, GraphError, InvalidFunctionError, OperatorError
from gondwana.activations.graph.graph import Graph, parse
from gondwana.activations.graph.named import get, names
from gondwana.activations.graph.node import Node
from gondwana.activations.graph.parameters import parametrize
from gondwana.activations.layer import GraphActivation
from gondwana.activations.operators import (  # noqa: F401  (registers Act-Bench's operators)
    actbench as _actbench,
)
from gondwana.activations.operators.pangaea import PANGAEA
from gondwana.activations.operators.record import Domain, Operator
from gondwana.activations.operators.registry import OperatorSet, operator, operators, register
from gondwana.activations.space.features import FEATURES, features
from gondwana.activations.space.mutation import change, crossover, insert, mutate, regenerate, remove
from gondwana.activations.space.sampling import minimal, sample
from gondwana.activations.space.validity import Distinct, problem
from gondwana.activations.study.breakpoints import breakpoints
from gondwana.activations.study.moments import gaussian_moments
from gondwana.activations.study.symbolic import latex, to_sympy

__all__ = [
    "FEATURES",
    "PANGAEA",
    "ActivationError",
    "Distinct",
    "Domain",
    "Graph",
    "GraphActivation",
    "GraphError",
    "InvalidFunctionError",
    "Node",
    "Operator",
    "OperatorError",
    "OperatorSet",
    "breakpoints",
    "change",
    "crossover",
    "describe",
    "features",
    "gaussian_moments",
    "get",
    "insert",
    "latex",
    "minimal",
    "mutate",
    "names",
    "operator",
    "operators",
    "parametrize",
    "parse",
    "problem",
    "reachable",
    "regenerate",
    "register",
    "remove",
    "sample",
    "to_sympy",
]

if __name__ != "gondwana.activations":
    # `import activations` in the clone's root finds this folder: the same objects, and no submodule loaded twice.
    __path__ = []
