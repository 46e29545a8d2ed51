"""A small convolutional network without normalization, quick enough for hundreds of trainings on a laptop."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from gondwana.tasks.architectures.registry import (
    Activation,
    Seeds,
    dense_heads,
    image_input,
    one_or_all,
    register,
)
from gondwana.tasks.base import TaskInfo
from gondwana.tasks.options import check_int, check_number


@register("small_cnn")
def small_cnn(
    info: TaskInfo,
    *,
    activation: Activation,
    seeds: Seeds,
    filters: Sequence[int] = (16, 32),
    depth: int = 2,
    dropout: float = 0.0,
) -> keras.Model:
    """Return ``[(conv 3x3, activation) x depth, max-pool 2] x len(filters)``, global average, dropout, dense heads.

    Args:
        info, activation, seeds: see :func:`gondwana.tasks.architectures.build`.
        filters: filters of each block.
        depth: convolutions per block.
        dropout: rate before the heads; 0 for no dropout layer.
    """
    for number in filters:
        check_int("small_cnn: each entry of 'filters'", number, least=1)
    check_int("small_cnn: 'depth'", depth, least=1)
    check_number("small_cnn: 'dropout'", dropout, low=0.0, high=0.99)
    inputs = x = image_input("small_cnn", info, least=2 ** len(filters))
    for block, width in enumerate(filters, start=1):
        for layer in range(1, depth + 1):
            name = f"{block}_{layer}"
            x = keras.layers.Conv2D(
                width, 3, padding="same", kernel_initializer=seeds.kernel(), name=f"conv_{name}"
            )(x)
            x = activation(f"activation_{name}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool_{block}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="global_average")(x)
    if dropout > 0:
        x = keras.layers.Dropout(dropout, seed=seeds(), name="dropout")(x)
    return keras.Model(inputs, one_or_all(dense_heads(x, info, seeds)), name="small_cnn")
