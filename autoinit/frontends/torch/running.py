"""Run steps of a graph without a trace: no gradient, no change of the module, no number from a global stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from gondwana.autoinit.frontends.torch.export import called
from gondwana.autoinit.frontends.torch.graph import Graph, Step


@contextmanager
def undisturbed(seed: int, device: Any = "cpu") -> Iterator[None]:
    """Seed what the body draws, and put the global streams back afterwards."""
    place = torch.device(device)
    devices = [place] if place.type not in ("cpu", "meta") else []
    with (
        torch.random.fork_rng(devices=devices, device_type=place.type if devices else "cuda"),
        torch.no_grad(),
    ):
        torch.manual_seed(seed)
        yield


def constants(graph: Graph, instead: Mapping[int, Any] | None = None) -> dict[int, Any]:
    """Return the values of all tensors that depend on no input.

    Args:
        graph: read from a module.
        instead: values for held tensors, by number, in place of those that the module has.
    """
    values = {index: tensor.detach() for index, tensor in graph.held.items()} | dict(instead or {})
    with torch.no_grad():
        for step in graph.steps:
            if graph.constant.issuperset(step.outputs):
                outputs = called(step, [values[index] for index in step.inputs])
                values.update(zip(step.outputs, outputs, strict=True))
    return values


Visit = Callable[[Step, list[list[Any]], list[list[Any]]], list[list[Any]]]
"""``visit(step, inputs, outputs) -> outputs``, one list of tensors per run."""


def evaluated(graph: Graph, runs: Sequence[Mapping[int, Any]], seed: int, visit: Visit) -> None:
    """Run all steps in order, on several batches side by side; what ``visit`` returns goes on as the outputs."""
    values = [dict(run) | {index: tensor.detach() for index, tensor in graph.held.items()} for run in runs]
    last_use = {index: number for number, step in enumerate(graph.steps) for index in step.inputs}
    with undisturbed(seed, graph.device):
        for number, step in enumerate(graph.steps):
            inputs = [[run[index] for index in step.inputs] for run in values]
            outputs = visit(step, inputs, [called(step, given) for given in inputs])
            for run, made in zip(values, outputs, strict=True):
                run.update(zip(step.outputs, made, strict=True))
                for index in step.inputs:
                    if last_use[index] == number and index not in graph.held:
                        run.pop(index, None)


def as_rows(tensor: Any, batch: int, channel: int) -> Any:
    """Return a tensor as a NumPy array (examples, positions..., channels)."""
    array = tensor.detach().to(torch.float32).cpu().numpy()
    if array.ndim < 2:
        return array.reshape(-1, 1)
    return np.moveaxis(array, (batch, channel), (0, array.ndim - 1))


def from_rows(rows: Any, batch: int, channel: int, like: tuple[Any, Any]) -> Any:
    """Return the tensor of which :func:`as_rows` makes these rows; ``like`` is its dtype and its device."""
    array = np.moveaxis(np.asarray(rows, np.float32), (0, rows.ndim - 1), (batch, channel))
    dtype, device = like
    return torch.from_numpy(np.ascontiguousarray(array)).to(device=device, dtype=dtype)


def tensor_of(values: Any, like: tuple[Any, Any]) -> Any:
    """Return an array or tensor with a dtype and on a device."""
    dtype, device = like
    tensor = values if isinstance(values, torch.Tensor) else torch.as_tensor(np.asarray(values))
    return tensor.to(device=device, dtype=dtype)


def numbers(tensor: Any) -> Any:
    """Return a tensor as a NumPy array of float64."""
    return tensor.detach().to(torch.float64).cpu().numpy()


def second_moment(tensors: Sequence[Any]) -> float:
    """Return the mean square of the entries of some tensors of equal size."""
    return float(np.mean([float(torch.mean(torch.square(x.detach().to(torch.float32)))) for x in tensors]))
