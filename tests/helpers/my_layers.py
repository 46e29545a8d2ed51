"""A user's module with a layer type of its own, as docs/codeepneat.md shows it."""

from __future__ import annotations

import keras

from gondwana.nas.searches.codeepneat.layers.registry import Genes, LayerType, Shape, register


def _separable(genes: Genes, name: str, seed: int) -> keras.layers.Layer:
    return keras.layers.SeparableConv2D(
        genes["filters"],
        3,
        padding="same",
        activation="relu",
        depthwise_initializer=keras.initializers.HeNormal(seed),
        pointwise_initializer=keras.initializers.HeNormal(seed + 1),
        name=name,
    )


def _parameters(shape: Shape, genes: Genes) -> int:
    return 9 * shape[-1] + (shape[-1] + 1) * int(genes["filters"])


register(
    LayerType(
        name="SeparableConv2D",
        genes=("filters",),
        ranks=frozenset({3}),
        shape=lambda shape, genes: (*shape[:-1], int(genes["filters"])),
        parameters=_parameters,
        make=_separable,
        weighted=True,
    )
)
