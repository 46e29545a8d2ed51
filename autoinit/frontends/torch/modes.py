"""Modules as they train: what is refused, how they are switched and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from gondwana.autoinit.errors import ModelError

_WRAPPERS = {"OptimizedModule": "torch.compile", "DistributedDataParallel": "DistributedDataParallel"}
_WRAPPERS |= {"DataParallel": "DataParallel", "FullyShardedDataParallel": "FullyShardedDataParallel"}


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, not too long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else "no message")[:300]


def check_module(module: Any) -> None:
    """Refuse what cannot be initialized in place.

    Raises:
        ModelError: if it is no module, is wrapped, has no storage yet, or computes its weights from others.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(
            f"{type(module).__name__} is a ScriptModule, whose forward() cannot be read. Initialize the nn.Module "
            "that it was made from"
        )
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"expected a torch.nn.Module. Received: {type(module).__name__}")
    for path, part in module.named_modules():
        kind = type(part).__name__
        if kind in _WRAPPERS or kind.startswith("FSDP"):
            raise ModelError(
                f"{path or 'the module'} is wrapped by {_WRAPPERS.get(kind, kind)}. Initialize the module inside it "
                "first, then wrap it"
            )
        if torch.nn.utils.parametrize.is_parametrized(part):
            names = ", ".join(part.parametrizations)
            raise ModelError(
                f"{path or 'the module'} has a parametrization of {names}, so that its weights are computed from "
                "others. Initialize the module before weight_norm, spectral_norm or register_parametrization"
            )
        own = dict(part.named_parameters(recurse=False))
        if any(f"{name[:-2]}_v" in own for name in own if name.endswith("_g")) or "weight_orig" in own:
            raise ModelError(
                f"{path or 'the module'} has weight or spectral normalization by a hook, so that its weights are "
                "computed from others. Initialize the module before it, or call remove_weight_norm first"
            )
    _check_storage(module)


def _check_storage(module: Any) -> None:
    for path, parameter in module.named_parameters():
        if torch.nn.parameter.is_lazy(parameter):
            raise ModelError(
                f"the shape of {path} is not known yet. Call the module on an example once first"
            )
        if parameter.device.type == "meta":
            raise ModelError(
                f"{path} is on the meta device, which holds no values. Call module.to_empty(device='cpu') first"
            )


@contextmanager
def as_trained(module: Any) -> Iterator[None]:
    """Switch a module to training and back, but for parts that are frozen and evaluated."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        for part, training in modes:
            own = list(part.parameters())
            frozen = own and not any(parameter.requires_grad for parameter in own)
            part.training = training if frozen else True
        yield
    finally:
        for part, training in modes:
            part.training = training
