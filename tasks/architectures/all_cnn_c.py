"""All-CNN-C (Springenberg, Dosovitskiy, Brox and Riedmiller, 2015, Table 1), the network of the paper's Section 4."""

from __future__ import annotations

import keras

from gondwana.tasks.architectures.registry import Activation, Seeds, image_input, one_or_all, register
from gondwana.tasks.base import TaskInfo
from gondwana.tasks.options import check_bool, check_int, check_number

# Filters, kernel size, stride, padding of the nine convolutions; the last one's filters are the classes.
_CONVOLUTIONS = (
    (96, 3, 1, "same"),
    (96, 3, 1, "same"),
    (96, 3, 2, "same"),
    (192, 3, 1, "same"),
    (192, 3, 1, "same"),
    (192, 3, 2, "same"),
    (192, 3, 1, "valid"),
    (192, 1, 1, "valid"),
)
_DROPOUT_AFTER = (3, 6)


@register("all_cnn_c")
def all_cnn_c(
    info: TaskInfo,
    *,
    activation: Activation,
    seeds: Seeds,
    dropout: float = 0.5,
    input_dropout: float = 0.2,
    width: int = 96,
    final_activation: bool = True,
) -> keras.Model:
    """Return All-CNN-C: convolutions only, stride instead of pooling, global average over class maps.

    Args:
        info, activation, seeds: see :func:`gondwana.tasks.architectures.build`.
        dropout: rate after each strided convolution; the paper varies it from 0 to 0.7 (Figure 1).
        input_dropout: rate on the image, 0.2 in the original.
        width: filters of the first three convolutions, the others have twice as many; 96 in the original.
        final_activation: whether the class maps go through the activation function too, as in the original.
    """
    check_number("all_cnn_c: 'dropout'", dropout, low=0.0, high=0.99)
    check_number("all_cnn_c: 'input_dropout'", input_dropout, low=0.0, high=0.99)
    check_int("all_cnn_c: 'width'", width, least=1)
    check_bool("all_cnn_c: 'final_activation'", final_activation)
    inputs = x = image_input("all_cnn_c", info, least=9)  # 9 -> 5 -> 3, the least for the unpadded 3 x 3

    def drop(rate: float, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.Dropout(rate, seed=seeds(), name=name)(x) if rate > 0 else x

    def convolve(
        filters: int, size: int, stride: int, padding: str, name: str, x: keras.KerasTensor
    ) -> keras.KerasTensor:
        return keras.layers.Conv2D(
            filters, size, stride, padding, kernel_initializer=seeds.kernel(), name=name
        )(x)

    x = drop(input_dropout, "dropout_input", x)
    for index, (filters, size, stride, padding) in enumerate(_CONVOLUTIONS, start=1):
        x = convolve(filters * width // 96, size, stride, padding, f"conv_{index}", x)
        x = activation(f"activation_{index}")(x)
        if index in _DROPOUT_AFTER:
            x = drop(dropout, f"dropout_{index}", x)
    outputs = []
    for head in info.heads:
        maps = convolve(head.units, 1, 1, "valid", f"conv_{head.name}", x)
        if final_activation:
            maps = activation(f"activation_{head.name}")(maps)
        logits = keras.layers.GlobalAveragePooling2D(name=f"average_{head.name}")(maps)
        outputs.append(keras.layers.Activation(head.activation, dtype="float32", name=head.name)(logits))
    return keras.Model(inputs, one_or_all(outputs), name="all_cnn_c")
