"""Preactivation residual networks (He, Zhang, Ren and Sun, 2016b) and wide ones (Zagoruyko and Komodakis, 2016).

The networks of the paper's Section 5, for 32 x 32 images: three stages of residual blocks at 16, 32 and 64 filters.
With ``normalization=False`` the batch normalization layers are left out and nothing else is changed.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from gondwana.tasks.options import check_bool, check_int, check_number

DEPTHS = (56, 164, 812)
"""Depths of the paper's networks."""


@register("resnet")
def resnet(
    info: TaskInfo,
    *,
    activation: Activation,
    seeds: Seeds,
    depth: int = 56,
    normalization: bool = True,
    bottleneck: bool = True,
    filters: int = 16,
) -> keras.Model:
    """Return a preactivation ResNet; the paper uses depths 56, 164 and 812.

    Args:
        info, activation, seeds: see :func:`gondwana.tasks.architectures.build`.
        depth: number of layers with weights on the longest path: 9 n + 2 with bottleneck blocks, 6 n + 2 without.
            (He et al.'s ResNet-164 has bottlenecks; 56 and 812 fit both counts and are taken alike.)
        normalization: whether there are batch normalization layers.
        bottleneck: blocks of 1x1, 3x3, 1x1 with four times the filters at the end, else of two 3x3.
        filters: filters of the first stage.
    """
    check_bool("resnet: 'bottleneck'", bottleneck)
    blocks = _blocks("resnet", depth, per_block=9 if bottleneck else 6, extra=2)
    style = _Style(activation, seeds, _checked("resnet", normalization), bottleneck, 0.0)
    return _build("resnet", info, style, blocks, _positive("resnet", "filters", filters), first=filters)


@register("wide_resnet")
def wide_resnet(
    info: TaskInfo,
    *,
    activation: Activation,
    seeds: Seeds,
    depth: int = 16,
    width: int = 4,
    normalization: bool = True,
    dropout: float = 0.0,
    filters: int = 16,
) -> keras.Model:
    """Return WRN-depth-width: two 3x3 convolutions per block and ``width`` times the filters.

    Args:
        info, activation, seeds: see :func:`gondwana.tasks.architectures.build`.
        depth: 6 n + 4, as Zagoruyko and Komodakis count.
        width: widening factor.
        normalization: whether there are batch normalization layers.
        dropout: rate between the two convolutions of a block.
        filters: filters of the first convolution.
    """
    check_number("wide_resnet: 'dropout'", dropout, low=0.0, high=0.99)
    blocks = _blocks("wide_resnet", depth, per_block=6, extra=4)
    style = _Style(activation, seeds, _checked("wide_resnet", normalization), False, dropout)
    wide = _positive("wide_resnet", "filters", filters) * _positive("wide_resnet", "width", width)
    return _build("wide_resnet", info, style, blocks, wide, first=filters)


@dataclass(frozen=True)
class _Style:
    activation: Activation
    seeds: Seeds
    normalization: bool
    bottleneck: bool
    dropout: float

    def preactivate(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        if self.normalization:
            x = keras.layers.BatchNormalization(name=f"norm_{name}")(x)
        return self.activation(f"activation_{name}")(x)

    def conv(
        self, x: keras.KerasTensor, filters: int, size: int, name: str, stride: int = 1
    ) -> keras.KerasTensor:
        return keras.layers.Conv2D(
            filters,
            size,
            stride,
            "same",
            use_bias=not self.normalization,
            kernel_initializer=self.seeds.kernel(),
            name=f"conv_{name}",
        )(x)

    def branch(self, x: keras.KerasTensor, filters: int, name: str, stride: int) -> keras.KerasTensor:
        """The residual branch after the block's first activation."""
        if self.bottleneck:
            x = self.conv(x, filters, 1, f"{name}_1", stride)
            x = self.conv(self.preactivate(x, f"{name}_2"), filters, 3, f"{name}_2")
            return self.conv(self.preactivate(x, f"{name}_3"), 4 * filters, 1, f"{name}_3")
        x = self.preactivate(self.conv(x, filters, 3, f"{name}_1", stride), f"{name}_2")
        if self.dropout > 0:
            x = keras.layers.Dropout(self.dropout, seed=self.seeds(), name=f"dropout_{name}")(x)
        return self.conv(x, filters, 3, f"{name}_2")


def _build(name: str, info: TaskInfo, style: _Style, blocks: int, filters: int, *, first: int) -> keras.Model:
    inputs = image_input(name, info, least=4)
    x = style.conv(inputs, first, 3, "first")
    for stage in range(3):
        width = filters * 2**stage
        out = 4 * width if style.bottleneck else width
        for block in range(blocks):
            label = f"{stage + 1}_{block + 1}"
            stride = 2 if stage > 0 and block == 0 else 1
            active = style.preactivate(x, f"{label}_1")
            shortcut = x
            if (
                stride > 1 or x.shape[-1] != out
            ):  # the projection takes the preactivated signal, as the branch does
                shortcut = style.conv(active, out, 1, f"{label}_shortcut", stride)
            x = keras.layers.Add(name=f"add_{label}")([shortcut, style.branch(active, width, label, stride)])
    x = style.preactivate(x, "last")
    x = keras.layers.GlobalAveragePooling2D(name="global_average")(x)
    return keras.Model(inputs, one_or_all(dense_heads(x, info, style.seeds)), name=name)


def _blocks(name: str, depth: int, *, per_block: int, extra: int) -> int:
    check_int(f"{name}: 'depth'", depth, least=per_block + extra)
    blocks, rest = divmod(depth - extra, per_block)
    if rest:
        below, above = (extra + per_block * n for n in (blocks, blocks + 1))
        raise ValueError(
            f"{name}: 'depth' must be {per_block} n + {extra}, such as {below} or {above}. Received: {depth}"
        )
    return blocks


def _checked(name: str, normalization: bool) -> bool:
    check_bool(f"{name}: 'normalization'", normalization)
    return normalization


def _positive(name: str, option: str, value: int) -> int:
    check_int(f"{name}: {option!r}", value, least=1)
    return value
