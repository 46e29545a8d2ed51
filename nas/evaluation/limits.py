"""What a network may cost: refused before it is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

BYTES_PER_ACTIVATION = 8
"""Float32 output of a layer, kept for the backward pass, and its gradient."""


class RefusedError(ValueError):
    """The network exceeds a limit; it was not trained."""


def check_limits(model: keras.Model, spec: Mapping[str, Any]) -> None:
    """Raise RefusedError if a network exceeds the limits of its spec."""
    limits = spec.get("limits", {})
    most = limits.get("max_parameters")
    parameters = model.count_params()
    if most is not None and parameters > most:
        raise RefusedError(f"{parameters:,} parameters, limits.max_parameters is {most:,}")
    most = limits.get("max_activation_mb")
    if most is not None:
        megabytes = activation_bytes(model, int(spec["training"].get("batch_size", 1))) / 1e6
        if megabytes > most:
            raise RefusedError(
                f"about {megabytes:,.0f} MB of activations, limits.max_activation_mb is {most:,g}"
            )


def activation_bytes(model: keras.Model, batch_size: int) -> int:
    """Return an estimate of the memory of one training step's activations.

    Every output of every call of a layer, those inside nested models included, counts once for the forward pass and
    once for its gradient; outputs that share memory (reshapes) and temporary buffers are not looked into.
    """
    import keras

    from gondwana.autoinit.frontends.keras.graph import trace

    shapes = trace(model, lambda operation: not isinstance(operation, keras.Model)).shapes
    values = sum(math.prod(size or 1 for size in shape[1:]) for shape in shapes)
    return values * batch_size * BYTES_PER_ACTIVATION
