"""One file per family of layers. Importing this package registers every rule."""

from autoinit.rules import (
    activation,
    attention,
    dropout,
    linear,
    merging,
    normalization,
    operations,
    pooling,
    recurrent,
    reshaping,
    wrappers,
)

__all__ = [
    "activation",
    "attention",
    "dropout",
    "linear",
    "merging",
    "normalization",
    "operations",
    "pooling",
    "recurrent",
    "reshaping",
    "wrappers",
]
