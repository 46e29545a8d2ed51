"""``gondwana init`` for a PyTorch module that a Python function builds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gondwana.nas.cli.python_path import PythonPathError


def init_torch(
    built: Any,
    shape: str | None,
    out: Path,
    *,
    plusplus: bool,
    calibrate: bool,
    seed: int,
    options: Mapping[str, Any],
) -> str:
    """Initialize a module, write its weights to ``out`` and return the table of the plan.

    Args:
        built: a module, or a module and its example inputs.
        shape: of an example input, such as ``"8,3,32,32"``.
        out: file of the weights.
        plusplus: make activations zero-mean first. The module that is initialized is a copy then, and weights of
            activations inside have other names.
        calibrate: measure every layer once and correct what is off; the table says what.
        seed: of the weights.
        options: of the plan.

    Raises:
        PythonPathError: if torch is not installed, or the shape is none.
        gondwana.autoinit.AutoInitError: if the module cannot be initialized.
    """
    if find_spec("torch") is None:
        raise PythonPathError("PyTorch is not installed: pip install 'gondwana[torch]'")
    from gondwana.autoinit import torch as autoinit
    from gondwana.autoinit.torch.files import save_weights, split_built

    module, example = split_built(built, _sizes(shape))
    if plusplus:
        module = autoinit.centered(module)
    if calibrate:
        found = autoinit.calibrate(module, example, seed=seed, **options)
        save_weights(module, out)
        return f"{found.plan}\n\n{found}"
    plan = autoinit.plan(module, example, seed=seed, **options)
    autoinit.apply(plan, module, seed)
    save_weights(module, out)
    return str(plan)


def _sizes(shape: str | None) -> list[int] | None:
    if shape is None:
        return None
    try:
        sizes = [int(part) for part in shape.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise PythonPathError(f"--input-shape takes sizes such as 8,3,32,32. Received: {shape!r}")
    return sizes
