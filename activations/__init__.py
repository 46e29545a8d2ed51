"""Activation functions as computation graphs: made at random, mutated, printed, parsed, integrated, trained.

The space is that of PANGAEA (Bingham and Miikkulainen, arXiv:2006.03179).
"""

from activations import actbench as _actbench  # noqa: F401  (registers Act-Bench's operators)
from activations.breakpoints import breakpoints
from activations.describe import describe, reachable
from activations.errors import ActivationError, GraphError, InvalidFunctionError, OperatorError
from activations.graph import Graph, Node, parse
from activations.layer import GraphActivation
from activations.moments import gaussian_moments
from activations.mutation import change, crossover, insert, mutate, regenerate, remove
from activations.named import get, names
from activations.operators import Domain, Operator, OperatorSet, operator, operators, register
from activations.parameters import parametrize
from activations.sampling import minimal, sample
from activations.symbolic import latex, to_sympy
from activations.table import PANGAEA
from activations.validity import Distinct, problem

__all__ = [
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
