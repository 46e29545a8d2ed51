"""What a command line needs of PyTorch: example inputs of a shape, and weights in a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gondwana.autoinit.errors import ModelError


def split_built(built: Any, shape: Sequence[int] | None) -> tuple[torch.nn.Module, Any]:
    """Return a module and its example inputs, from what a user's function made.

    Args:
        built: a module, or a pair of a module and example inputs.
        shape: of an example input of zeros, the batch included; in place of the second of the pair.

    Raises:
        ModelError: if it is no module, or nothing says what its inputs are like.
    """
    pair = isinstance(built, tuple) and len(built) == 2
    module, example = built if pair else (built, None)
    if not isinstance(module, torch.nn.Module):
        raise ModelError(
            "the function must return a torch.nn.Module, or a pair of one and its example inputs. "
            f"Received: {type(module).__name__}"
        )
    if shape is not None:
        example = torch.zeros(*shape)
    if example is None:
        raise ModelError(
            f"the inputs of {type(module).__name__} are not known. Return (module, example_inputs), or pass "
            "--input-shape 8,3,32,32"
        )
    return module, example


def save_weights(module: torch.nn.Module, out: Path) -> None:
    """Write the ``state_dict`` of a module, under another name first, so that ``out`` is never half written.

    It is read back with ``module.load_state_dict(torch.load(out, weights_only=True))``.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=out.suffix, dir=out.parent)
    os.close(handle)
    try:
        torch.save(module.state_dict(), name)
        os.replace(name, out)
    finally:
        Path(name).unlink(missing_ok=True)
