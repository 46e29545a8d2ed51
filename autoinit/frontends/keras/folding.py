"""Time steps as examples, and back: what opens a ``TimeDistributed`` model."""

from __future__ import annotations

from typing import Any

import keras


class Folded(keras.Operation):  # type: ignore[misc]
    """(batch, time, ...) -> (batch * time, ...)."""

    def call(self, x: Any) -> Any:
        """Evaluate on a tensor."""
        return keras.ops.reshape(x, (-1, *keras.ops.shape(x)[2:]))

    def compute_output_spec(self, x: Any) -> Any:
        """Return the symbolic output."""
        return keras.KerasTensor((None, *x.shape[2:]), dtype=x.dtype)


class Unfolded(keras.Operation):  # type: ignore[misc]
    """(batch * time, ...) -> (batch, time, ...), with as many time steps as ``like`` has."""

    def call(self, x: Any, like: Any) -> Any:
        """Evaluate on tensors."""
        return keras.ops.reshape(x, (-1, keras.ops.shape(like)[1], *keras.ops.shape(x)[1:]))

    def compute_output_spec(self, x: Any, like: Any) -> Any:
        """Return the symbolic output."""
        return keras.KerasTensor((*like.shape[:2], *x.shape[1:]), dtype=x.dtype)
