"""One file per family of layers. Importing this package registers every rule."""

from gondwana.autoinit.rules import (
    activation,
    attention,
    choosing,
    dropout,
    linear,
    merging,
    normalization,
    operations,
    pooling,
    recurrent,
    reshaping,
    windows,
    wrappers,
)

__all__ = [
    "activation",
    "attention",
    "choosing",
    "dropout",
    "linear",
    "merging",
    "normalization",
    "operations",
    "pooling",
    "recurrent",
    "reshaping",
    "windows",
    "wrappers",
]
