"""One file per family of layers. Importing this package registers every rule."""

from autoinit.rules import (
    activation,
    dropout,
    linear,
    merging,
    normalization,
    pooling,
    recurrent,
    reshaping,
)

__all__ = [
    "activation",
    "dropout",
    "linear",
    "merging",
    "normalization",
    "pooling",
    "recurrent",
    "reshaping",
]
