"""One or more small functions or modules for every rule of an aten operation, on which its assumptions hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Example:
    """A function whose assumptions hold, so that the prediction must be right.

    Attributes:
        make: returns a module, or a function of tensors.
        shapes: of the inputs, with the batch.
        modes: propagations that are exact for it.
        mean, variance: of the inputs.
        draws: of weights and inputs.
        bias: relative error that is allowed beside the statistical one, for finite widths and epsilons.
        integers: whether the input is one of integers.
        on_unknown: of the plan; functions with a pole have no integral and are simulated.
    """

    make: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    modes: tuple[str, ...] = ("paper", "exact")
    mean: float = 0.4
    variance: float = 1.3
    draws: int = 24
    bias: float = 2e-3
    integers: bool = False
    on_unknown: str = "error"


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Any) -> Any:
        return self.function(*tensors)


class Holding(nn.Module):
    """A function of a parameter of its own and of the input."""

    def __init__(self, function: Callable[..., Any], *shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.held = nn.ParameterList([nn.Parameter(torch.zeros(shape)) for shape in shapes])

    def forward(self, x: Any) -> Any:
        return self.function(x, *self.held)


EXACT, PAPER = ("exact",), ("paper",)
VECTOR, SERIES, IMAGE = ((16, 24),), ((16, 12, 8),), ((16, 4, 8, 8),)
LINE, VOLUME = ((16, 4, 12),), ((16, 3, 4, 4, 4),)
TWO = ((16, 24), (16, 24))


def held(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Callable[[], Any]:
    return lambda: Holding(function, *shapes)


def plain(function: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: Function(function)


EXAMPLES: dict[str, list[Example]] = {
    "aten.linear": [Example(lambda: nn.Linear(24, 32), VECTOR), Example(lambda: nn.Linear(8, 16), SERIES)],
    "aten.addmm": [Example(held(lambda x, w, b: torch.addmm(b, x, w), (24, 32), (32,)), VECTOR)],
    "aten.mm": [Example(held(lambda x, w: torch.mm(x, w), (24, 32)), VECTOR)],
    "aten.matmul": [
        Example(held(lambda x, w: x @ w, (8, 32)), SERIES),
        Example(held(lambda x, w: w @ x, (32, 12)), SERIES),
        Example(plain(lambda x, y: x @ y), ((16, 4, 24), (16, 24, 5)), mean=0.0),
    ],
    "aten.bmm": [Example(plain(lambda x, y: torch.bmm(x, y)), ((16, 4, 24), (16, 24, 5)), mean=0.0)],
    "aten.baddbmm": [
        Example(
            plain(lambda x, y, z: torch.baddbmm(z, x, y, alpha=0.5)),
            ((16, 4, 24), (16, 24, 5), (16, 4, 5)),
            mean=0.0,
        )
    ],
    "aten.einsum": [
        Example(held(lambda x, w: torch.einsum("btc,cd->btd", x, w), (8, 32)), SERIES),
        Example(plain(lambda x, y: torch.einsum("bij,bjk->bik", x, y)), ((16, 4, 24), (16, 24, 5)), mean=0.0),
    ],
    "aten.embedding": [Example(lambda: nn.Embedding(40, 32), ((16, 12),), integers=True)],
    "aten.conv1d": [
        Example(lambda: nn.Conv1d(4, 16, 3), LINE),
        Example(lambda: nn.Conv1d(4, 16, 3, padding=1), LINE, EXACT),
    ],
    "aten.conv2d": [
        Example(lambda: nn.Conv2d(4, 16, 3), IMAGE),
        Example(lambda: nn.Conv2d(4, 16, 3, groups=2, stride=2), IMAGE),
        Example(lambda: nn.Conv2d(4, 16, 5, padding=2, stride=2), IMAGE, EXACT),
        Example(lambda: nn.Conv2d(4, 16, 3, padding="same", dilation=2), IMAGE, EXACT),
    ],
    "aten.conv3d": [Example(lambda: nn.Conv3d(3, 16, 3, padding=1), VOLUME, EXACT)],
    "aten.convolution": [
        Example(
            held(
                lambda x, w: torch.convolution(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
                (16, 4, 3, 3),
            ),
            IMAGE,
        )
    ],
    "aten.conv_transpose1d": [
        Example(lambda: nn.ConvTranspose1d(4, 16, 4, stride=2, padding=1), LINE, EXACT)
    ],
    "aten.conv_transpose2d": [
        Example(lambda: nn.ConvTranspose2d(4, 16, 4, stride=2, padding=1), IMAGE, EXACT),
        Example(lambda: nn.ConvTranspose2d(4, 16, 2, stride=2, groups=2), IMAGE),
    ],
    "aten.conv_transpose3d": [Example(lambda: nn.ConvTranspose3d(3, 16, 2, stride=2), VOLUME)],
    "aten.scaled_dot_product_attention": [
        Example(
            plain(lambda q, k, v: F.scaled_dot_product_attention(q, k, v)),
            ((8, 2, 10, 32), (8, 2, 12, 32), (8, 2, 12, 32)),
            mean=0.0,
            bias=0.03,
        )
    ],
    "aten.prelu": [Example(lambda: nn.PReLU(24, init=0.3), VECTOR)],
    "aten.add": [
        Example(plain(lambda x, y: torch.add(x, y, alpha=2.0)), TWO),
        Example(plain(lambda x: x + 0.7), VECTOR),
        Example(plain(lambda x: x + torch.linspace(0, 1, 24)), VECTOR),
    ],
    "aten.sub": [Example(plain(lambda x, y: x - y), TWO), Example(plain(lambda x: x - 0.7), VECTOR)],
    "aten.rsub": [Example(plain(lambda x: torch.rsub(x, 3.0, alpha=2.0)), VECTOR)],
    "aten.mul": [
        Example(plain(lambda x, y: x * y), TWO),
        Example(plain(lambda x: 0.5 * x), VECTOR),
        Example(plain(lambda x: x * torch.linspace(0, 2, 24)), VECTOR),
    ],
    "aten.div": [
        Example(plain(lambda x: x / 4.0), VECTOR),
        Example(plain(lambda x, y: x / (y * 0.0 + 2.0)), TWO),
    ],
    "aten.maximum": [
        Example(plain(torch.maximum), TWO),
        Example(plain(lambda x: torch.maximum(x, torch.tensor(0.3))), VECTOR),
    ],
    "aten.minimum": [Example(plain(torch.minimum), TWO)],
    "aten.softmax": [Example(lambda: nn.Softmax(-1), ((16, 10),))],
    "aten.mean": [
        Example(plain(lambda x: x.mean((2, 3))), IMAGE),
        Example(plain(lambda x: x.mean(-1)), SERIES),
    ],
    "aten.sum": [Example(plain(lambda x: x.sum((2, 3))), IMAGE)],
    "aten.amax": [Example(plain(lambda x: x.amax((2, 3))), IMAGE)],
    "aten.amin": [Example(plain(lambda x: x.amin((2, 3))), IMAGE)],
    "aten.max_pool1d": [Example(lambda: nn.MaxPool1d(2), LINE)],
    "aten.max_pool2d": [
        Example(lambda: nn.MaxPool2d(2), IMAGE),
        Example(lambda: nn.MaxPool2d(3, 2, padding=1), IMAGE, EXACT, bias=0.03),
    ],
    "aten.max_pool3d": [Example(lambda: nn.MaxPool3d(2), VOLUME)],
    "aten.avg_pool1d": [Example(lambda: nn.AvgPool1d(2), LINE)],
    "aten.avg_pool2d": [
        Example(lambda: nn.AvgPool2d(2), IMAGE),
        Example(lambda: nn.AvgPool2d(3, 2, padding=1), IMAGE, EXACT),
        Example(lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), IMAGE, EXACT),
    ],
    "aten.avg_pool3d": [Example(lambda: nn.AvgPool3d(2), VOLUME)],
    "aten.adaptive_avg_pool1d": [Example(lambda: nn.AdaptiveAvgPool1d(3), LINE)],
    "aten.adaptive_avg_pool2d": [Example(lambda: nn.AdaptiveAvgPool2d(1), IMAGE)],
    "aten.adaptive_avg_pool3d": [Example(lambda: nn.AdaptiveAvgPool3d(2), VOLUME)],
    "aten.adaptive_max_pool1d": [Example(lambda: nn.AdaptiveMaxPool1d(3), LINE)],
    "aten.adaptive_max_pool2d": [Example(lambda: nn.AdaptiveMaxPool2d(1), IMAGE)],
    "aten.adaptive_max_pool3d": [Example(lambda: nn.AdaptiveMaxPool3d(2), VOLUME)],
    "aten.dropout": [
        Example(lambda: nn.Dropout(0.3), VECTOR, mean=0.0),
        Example(lambda: nn.Dropout(0.3), VECTOR, EXACT, mean=1.5),
    ],
    "aten.feature_dropout": [Example(lambda: nn.Dropout2d(0.3), IMAGE, EXACT)],
    "aten.batch_norm": [
        Example(lambda: nn.BatchNorm1d(24), VECTOR),
        Example(lambda: nn.BatchNorm2d(4), IMAGE),
    ],
    "aten.layer_norm": [
        Example(lambda: nn.LayerNorm(24), VECTOR),
        Example(lambda: nn.LayerNorm((4, 8, 8)), IMAGE),
    ],
    "aten.rms_norm": [Example(lambda: nn.RMSNorm(256), ((16, 256),), bias=0.02)],
    "aten.group_norm": [Example(lambda: nn.GroupNorm(2, 4), IMAGE)],
    "aten.instance_norm": [Example(lambda: nn.InstanceNorm2d(4, affine=True), IMAGE)],
    "aten.cat": [Example(plain(lambda x, y: torch.cat([x, 2.0 * y], 1)), ((16, 24), (16, 8)))],
    "aten.stack": [Example(plain(lambda x, y: torch.stack([x, 2.0 * y], 1)), TWO)],
    "aten.pad": [Example(plain(lambda x: F.pad(x, (1, 1, 2, 2))), IMAGE, EXACT)],
    "aten.constant_pad_nd": [Example(plain(lambda x: torch.constant_pad_nd(x, [1, 1, 2, 2])), IMAGE, EXACT)],
    "aten.rand": [Example(plain(lambda x: x + torch.rand(16, 24)), VECTOR, EXACT)],
    "aten.rand_like": [Example(plain(lambda x: x + torch.rand_like(x)), VECTOR, EXACT)],
    "aten.randn": [Example(plain(lambda x: x + torch.randn(16, 24)), VECTOR)],
    "aten.randn_like": [Example(plain(lambda x: x + torch.randn_like(x)), VECTOR)],
}

_POSITIVE = {"log", "sqrt", "rsqrt", "log2", "log1p", "reciprocal"}
_ARGUMENTS: dict[str, Callable[[Any], Any]] = {
    "pow": lambda x: x**2,
    "clamp": lambda x: torch.clamp(x, -1.0, 1.0),
    "clamp_min": lambda x: torch.clamp_min(x, 0.3),
    "clamp_max": lambda x: torch.clamp_max(x, 0.3),
    "threshold": lambda x: F.threshold(x, 0.2, -0.5),
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 2.0),
    "logit": lambda x: torch.logit(torch.clamp(x, 0.2, 0.8)),
    "atanh": lambda x: torch.atanh(torch.clamp(x, -0.8, 0.8)),
    "tan": lambda x: torch.tan(torch.clamp(x, -0.8, 0.8)),
    "log_sigmoid": F.logsigmoid,
}


def function_example(name: str) -> Example:
    """Return an example of a function of every entry, by its name."""
    if name in ("tan", "atanh", "logit"):
        return Example(plain(_ARGUMENTS[name]), VECTOR, EXACT, bias=0.03, on_unknown="simulate")
    if name in _ARGUMENTS:
        return Example(plain(_ARGUMENTS[name]), VECTOR)
    function = getattr(torch, name, None) or getattr(F, name, None)
    if name in _POSITIVE:
        return Example(
            plain(lambda x: function(torch.clamp(x, 0.5, 3.0))),
            VECTOR,
            EXACT,
            bias=0.03,
            on_unknown="simulate",
        )
    # The exact propagation follows a function on a fixed grid, which a saw tooth with a jump at every whole number is
    # too rough for: 4.6% in the second moment.
    return Example(plain(lambda x: function(x)), VECTOR, bias=0.06 if name == "frac" else 0.002)


MOVES: dict[str, Callable[[Any], Any]] = {
    "view": lambda x: x.view(16, -1),
    "reshape": lambda x: x.reshape(16, 2, -1),
    "flatten": lambda x: x.flatten(2),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "squeeze": lambda x: x.unsqueeze(1).squeeze(1),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "expand": lambda x: x[:, :, :1].expand(16, 4, 8, 8),
    "select": lambda x: x.select(2, 1),
    "slice": lambda x: x[:, :, 1:5],
    "narrow": lambda x: x.narrow(2, 1, 3),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "transpose": lambda x: x.transpose(1, 3),
    "t": lambda x: x.reshape(16, -1).t(),
    "movedim": lambda x: x.movedim(1, 3),
    "swapaxes": lambda x: torch.swapaxes(x, 1, 2),
    "repeat": lambda x: x.repeat(1, 1, 2, 1),
    "tile": lambda x: torch.tile(x, (1, 1, 2, 1)),
    "broadcast_to": lambda x: torch.broadcast_to(x[:, :, :1], (16, 4, 8, 8)),
    "split": lambda x: x.split(2, 1)[0],
    "chunk": lambda x: x.chunk(2, 1)[1],
    "unbind": lambda x: x.unbind(2)[0],
    "split_with_sizes": lambda x: torch.split_with_sizes(x, [1, 3], 1)[1],
    "repeat_interleave": lambda x: x.repeat_interleave(2, 2),
    "expand_as": lambda x: x[:, :, :1].expand_as(x),
    "view_as": lambda x: x.reshape(16, -1).view_as(x),
    "mT": lambda x: x.mT,
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    "diagonal": lambda x: torch.diagonal(x, 0, 2, 3),
    "roll": lambda x: torch.roll(x, 1, 2),
    "flip": lambda x: torch.flip(x, [2]),
    "contiguous": lambda x: x.transpose(1, 2).contiguous(),
    "clone": lambda x: x.clone(),
    "detach": lambda x: x.detach(),
    "alias": lambda x: torch.ops.aten.alias(x),
    "to": lambda x: x.to(torch.float64),
    "type_as": lambda x: x.type_as(torch.zeros(1, dtype=torch.float64)),
    "_unsafe_view": lambda x: torch.ops.aten._unsafe_view(x, [16, 2, 128]),
    "_to_copy": lambda x: torch.ops.aten._to_copy(x, dtype=torch.float64),
    "lift_fresh_copy": lambda x: torch.ops.aten.lift_fresh_copy(x),
}
for _name, _function in MOVES.items():
    EXAMPLES[f"aten.{_name}"] = [Example(plain(_function), IMAGE)]

EXAMPLES["aten._softmax"] = [Example(plain(lambda x: torch.ops.aten._softmax(x, -1, False)), ((16, 10),))]
EXAMPLES["aten._prelu_kernel"] = [
    Example(plain(lambda x: torch.ops.aten._prelu_kernel(x, torch.full((1, 24), 0.3))), VECTOR)
]
EXAMPLES["aten.concat"] = [Example(plain(lambda x, y: torch.ops.aten.concat([x, y], 1)), TWO)]
for _rank, _shape in ((1, LINE), (2, IMAGE), (3, VOLUME)):
    _kind = f"max_pool{_rank}d_with_indices"
    EXAMPLES[f"aten.{_kind}"] = [
        Example(plain(lambda x, name=_kind: getattr(torch.ops.aten, name)(x, [2] * (x.dim() - 2))[0]), _shape)
    ]
