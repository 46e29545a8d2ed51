"""What is searched, and how networks are trained, when nobody says so: small networks for tables and for images."""

from __future__ import annotations

from typing import Any

STEPS = 500
"""Updates of the weights in one training: enough for a small network, a second or two."""

TABLE_SPACE = {
    "layers": ["Add", "Concatenate", "Dense", "Dropout"],
    "genes": {
        "activation": ["relu", "elu", "selu"],
        "units": {"low": 8, "high": 64},
        "rate": {"low": 0.1, "high": 0.5},
        "kernel_regularizer": ["l2"],
        "regularization": {"low": 1e-4, "high": 2e-2, "scale": "log"},
    },
    "network": {"learning_rate": {"low": 1e-3, "high": 5e-3, "scale": "log"}},
}

IMAGE_SPACE = {
    "layers": ["Add", "Conv2D", "Dropout", "MaxPooling2D"],
    "genes": {
        "activation": ["relu", "elu", "selu"],
        "filters": {"low": 16, "high": 48},
        "kernel_size": [3],
        "rate": {"low": 0.0, "high": 0.4},
        "kernel_regularizer": ["l2"],
        "regularization": {"low": 1e-7, "high": 1e-4, "scale": "log"},
    },
    "network": {"learning_rate": {"low": 1e-3, "high": 5e-3, "scale": "log"}, "readout": ["flatten"]},
}

SEQUENCE_SPACE = {
    **TABLE_SPACE,
    "layers": ["Add", "Conv1D", "Dropout", "MaxPooling1D"],
    "genes": {**IMAGE_SPACE["genes"], "filters": {"low": 8, "high": 32}},  # type: ignore[dict-item]
    "network": IMAGE_SPACE["network"],
}


class NoDefaultSearchError(ValueError):
    """There is no default search for inputs of this shape."""


def default_search(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the ``search`` section for inputs of a shape, without the batch.

    Raises:
        NoDefaultSearchError: for shapes of four and more dimensions.
    """
    spaces = {1: TABLE_SPACE, 2: SEQUENCE_SPACE, 3: IMAGE_SPACE}
    if len(shape) not in spaces:
        raise NoDefaultSearchError(
            f"there is no default search for examples of shape {shape}; give one with search={{...}}"
        )
    return {
        "kind": "codeepneat",
        "population": {"blueprints": 4, "modules": 8},
        "evaluations": 2,
        "species": {"blueprints": 1, "modules": 2},
        "preserved_networks": 6,
        "initial_sizes": {"blueprints": [1, 2], "modules": [1, 2]},
        "space": spaces[len(shape)],
    }


def default_training(rows: int, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the ``training`` section for so many training rows of a shape."""
    batch = 32 if rows < 10_000 else 128
    steps = STEPS if len(shape) == 1 else STEPS // 2
    epochs = min(60, max(3, round(steps * batch / max(1, rows))))
    return {"epochs": epochs, "batch_size": batch, "schedule": "cosine"}
