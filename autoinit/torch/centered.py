"""AutoInit++: activation functions with zero Gaussian mean, f - mu_f, in a copy of a module."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from gondwana.autoinit.errors import AutoInitError, warn_user
from gondwana.autoinit.frontends.torch.chosen import LayerChoice, chosen_paths
from gondwana.autoinit.frontends.torch.modes import check_module, first_line
from gondwana.autoinit.moments.gaussian import Array, gaussian_moments

_CLASSES = (
    *(
        torch.nn.ReLU,
        torch.nn.ReLU6,
        torch.nn.LeakyReLU,
        torch.nn.PReLU,
        torch.nn.ELU,
        torch.nn.SELU,
        torch.nn.CELU,
    ),
    *(torch.nn.GELU, torch.nn.SiLU, torch.nn.Mish, torch.nn.Sigmoid, torch.nn.Tanh, torch.nn.Softplus),
    *(torch.nn.Softsign, torch.nn.LogSigmoid, torch.nn.Hardtanh, torch.nn.Hardsigmoid, torch.nn.Hardswish),
    *(torch.nn.Hardshrink, torch.nn.Softshrink, torch.nn.Tanhshrink, torch.nn.Threshold),
)
"""Modules that apply a function to every entry."""

_NAMES: tuple[str, ...] = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "sigmoid",
    "tanh",
    "softplus",
)
_NAMES += (
    "softsign",
    "logsigmoid",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "hardshrink",
    "softshrink",
    "tanhshrink",
)
_FUNCTIONS = frozenset(
    found
    for name in _NAMES
    for place in (torch, functional)
    if (found := getattr(place, name, None)) is not None
)
_METHODS = frozenset({"relu", "relu_", "sigmoid", "sigmoid_", "tanh", "tanh_"})
_NEGLIGIBLE = 1e-12


class Centered(torch.nn.Module):  # type: ignore[misc]
    """The module ``x -> inner(x) - mean``.

    Args:
        inner: activation module.
        mean: constant to subtract.
    """

    def __init__(self, inner: torch.nn.Module, mean: float) -> None:
        super().__init__()
        self.inner, self.mean = inner, float(mean)

    def forward(self, x: Any) -> Any:
        """Apply the module and subtract."""
        return self.inner(x) - self.mean

    def extra_repr(self) -> str:
        """Show the constant."""
        return f"mean={self.mean:.6g}"


def centered(
    module: torch.nn.Module, *, variance: float = 1.0, layers: LayerChoice | None = None
) -> torch.nn.Module:
    """Return a copy of ``module`` in which every hidden activation f is f - mu_f, with the same weights.

    mu_f is the mean of f under N(0, ``variance``), the paper's definition. Activation modules are replaced in the copy.
    Where ``forward`` calls activation functions itself, the copy is traced with ``torch.fx``, and is a ``GraphModule``.
    Activations that reach an output with no weights in between are left alone, and so are those whose mean is 0.

    A module that ``torch.fx`` cannot trace has its activation modules replaced, whichever they are, with a warning that
    calls of functions are left as they are.

    Args:
        module: it is not changed.
        variance: of the Gaussian.
        layers: in which parts activations are replaced; None for everywhere, see :func:`gondwana.autoinit.torch.plan`.

    Raises:
        ModelError: if it is no module, or is wrapped.
        NotIntegrableError: if an activation has no Gaussian mean.

    Examples:
        >>> centered(torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)))[1]
        Centered(
          mean=0.398942
          (inner): ReLU()
        )
    """
    check_module(module)
    if not isinstance(variance, int | float) or not 0 < variance < float("inf"):
        raise AutoInitError(f"variance must be positive and finite. Received: {variance!r}")
    chosen = None if layers is None else chosen_paths(module, layers)
    made = copy.deepcopy(module)
    try:
        traced = torch.fx.symbolic_trace(made)
    except Exception as error:  # noqa: BLE001 - whatever the user's forward() raises when it is traced
        warn_user(
            f"torch.fx cannot trace {type(module).__name__} ({first_line(error)}): its activation modules are centred, "
            "those at the outputs too, and functions that forward() calls are not"
        )
        paths = [path for path, part in made.named_modules() if isinstance(part, _CLASSES)]
        _replace(made, _within(paths, chosen), variance)
        return made
    last = _at_outputs(traced)
    nodes = [node for node in traced.graph.nodes if node not in last]
    used_last = {str(node.target) for node in last if node.op == "call_module"}
    paths = [
        str(node.target) for node in nodes if _is_module(traced, node) and str(node.target) not in used_last
    ]
    functions = [node for node in nodes if _is_function(node) and chosen is None]
    means = {node: _mean(_called(node), variance) for node in functions}
    if not any(abs(mean) > _NEGLIGIBLE for mean in means.values()):
        _replace(made, _within(paths, chosen), variance)
        return made
    for node, mean in means.items():
        _subtract(traced.graph, node, mean)
    _replace(traced, _within(paths, chosen), variance)
    traced.recompile()
    return traced


def _within(paths: list[str], chosen: frozenset[str] | None) -> list[str]:
    unique = list(dict.fromkeys(paths))
    if chosen is None:
        return unique
    return [path for path in unique if any(path == one or path.startswith(f"{one}.") for one in chosen)]


def _replace(module: Any, paths: list[str], variance: float) -> None:
    for path in paths:
        inner = module.get_submodule(path)
        mean = _mean(_double(inner), variance)
        if abs(mean) > _NEGLIGIBLE:
            parent, _, name = path.rpartition(".")
            setattr(module.get_submodule(parent), name, Centered(inner, mean))


def _mean(function: Callable[[Any], Any], variance: float) -> float:
    """Return E[f(x)], x from N(0, variance), of a function of tensors."""

    def evaluated(x: Array) -> Array:
        with torch.no_grad():
            return np.asarray(function(torch.from_numpy(np.array(x, np.float64))).numpy())

    return gaussian_moments(evaluated, 0.0, float(variance), (0.0,)).mean


def _double(inner: Any) -> Callable[[Any], Any]:
    """Return an activation module as a function of tensors of float64."""
    function = copy.deepcopy(inner).double()
    if isinstance(function, torch.nn.PReLU):  # of slopes that differ between channels, the mean
        slope = float(function.weight.detach().mean())
        return lambda x: functional.leaky_relu(x, slope)
    return lambda x: function(x.clone())


def _called(node: Any) -> Callable[[Any], Any]:
    """Return the function that a node calls, with the arguments that it has beside the tensor."""
    keywords = {name: value for name, value in node.kwargs.items() if name not in ("input", "inplace")}
    if node.op == "call_method":
        return lambda x: getattr(x, str(node.target).rstrip("_"))(*node.args[1:])
    return lambda x: node.target(x.clone(), *node.args[1:], **keywords)


def _subtract(graph: Any, node: Any, mean: float) -> None:
    if abs(mean) <= _NEGLIGIBLE:
        return
    with graph.inserting_after(node):
        new = graph.call_function(torch.sub, (node, mean))
    node.replace_all_uses_with(new, delete_user_cb=lambda user: user is not new)


def _is_module(traced: Any, node: Any) -> bool:
    return node.op == "call_module" and isinstance(traced.get_submodule(str(node.target)), _CLASSES)


def _is_function(node: Any) -> bool:
    if node.op == "call_method":
        return node.target in _METHODS
    return node.op == "call_function" and node.target in _FUNCTIONS


def _at_outputs(traced: Any) -> set[Any]:
    """Return the calls of activations that reach an output with neither weights nor activations in between."""
    near: set[Any] = set()
    found: set[Any] = set()
    for node in reversed(list(traced.graph.nodes)):
        if node.op == "output":
            near.update(node.all_input_nodes)
        elif node in near and (_is_module(traced, node) or _is_function(node)):
            found.add(node)
        elif node in near and not (node.op == "call_module" and _has_parameters(traced, node)):
            near.update(node.all_input_nodes)
    return found


def _has_parameters(traced: Any, node: Any) -> bool:
    return any(True for _ in traced.get_submodule(str(node.target)).parameters())
