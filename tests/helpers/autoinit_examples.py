"""One or more small models for every registered rule, on which its assumptions hold."""

from dataclasses import dataclass
from typing import Any

import keras

from gondwana.autoinit.frontends.keras.saved_classes import Centered

layers = keras.layers
ops = keras.ops


@dataclass(frozen=True)
class Example:
    """A layer (or function) whose assumptions hold, so that the prediction must be right.

    Attributes:
        make: returns the layer.
        shapes: of its inputs.
        modes: propagations that are exact for it.
        mean, variance: of the inputs.
        draws, batch: size of the simulation.
        bias: relative error that is allowed beside the statistical one, for finite widths and epsilons.
    """

    make: Any
    shapes: tuple[tuple[int, ...], ...]
    modes: tuple[str, ...] = ("paper", "exact")
    mean: float = 0.4
    variance: float = 1.3
    draws: int = 60
    batch: int = 16
    bias: float = 2e-3
    dtype: str = "float32"


BOTH, EXACT, PAPER = ("paper", "exact"), ("exact",), ("paper",)
VECTOR, SERIES, IMAGE, VOLUME = ((24,),), ((12, 4),), ((8, 8, 4),), ((4, 4, 4, 3),)
TWO = ((24,), (24,))
THREE = ((10, 64), (12, 64), (12, 64))


def constant(value):
    return keras.initializers.Constant(value)


def self_attention(make):
    def made():
        layer = make()
        return lambda x: layer(x, x)

    return made


EXAMPLES: dict[Any, list[Example]] = {
    layers.Dense: [
        Example(lambda: layers.Dense(24), VECTOR),
        Example(lambda: layers.Dense(64, activation="relu"), ((128,),), bias=0.02),
        Example(lambda: layers.Dense(12, activation="softmax"), ((256,),), bias=0.03),
    ],
    layers.Conv1D: [
        Example(lambda: layers.Conv1D(8, 3), SERIES),
        Example(lambda: layers.Conv1D(8, 3, padding="causal"), SERIES, EXACT),
    ],
    layers.Conv2D: [
        Example(lambda: layers.Conv2D(8, 3), IMAGE),
        Example(lambda: layers.Conv2D(8, 3, groups=2, strides=2), IMAGE),
        Example(lambda: layers.Conv2D(8, 5, padding="same", strides=2), IMAGE, EXACT),
        Example(lambda: layers.Conv2D(8, 3, padding="same", dilation_rate=2), IMAGE, EXACT),
    ],
    layers.Conv3D: [
        Example(lambda: layers.Conv3D(4, 2), VOLUME),
        Example(lambda: layers.Conv3D(4, 3, padding="same"), VOLUME, EXACT),
    ],
    layers.Conv1DTranspose: [
        Example(lambda: layers.Conv1DTranspose(8, 4, strides=2, padding="same"), SERIES, EXACT)
    ],
    layers.Conv2DTranspose: [
        Example(lambda: layers.Conv2DTranspose(8, 4, strides=2, padding="same"), IMAGE, EXACT),
        Example(lambda: layers.Conv2DTranspose(8, 3), IMAGE, EXACT),
    ],
    layers.Conv3DTranspose: [Example(lambda: layers.Conv3DTranspose(4, 2, strides=2), VOLUME)],
    layers.DepthwiseConv1D: [Example(lambda: layers.DepthwiseConv1D(3, depth_multiplier=4), SERIES)],
    layers.DepthwiseConv2D: [
        Example(lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), IMAGE),
        Example(lambda: layers.DepthwiseConv2D(3, padding="same"), IMAGE, EXACT),
    ],
    layers.SeparableConv1D: [Example(lambda: layers.SeparableConv1D(8, 3), SERIES)],
    layers.SeparableConv2D: [Example(lambda: layers.SeparableConv2D(8, 3, padding="same"), IMAGE, EXACT)],
    layers.EinsumDense: [
        Example(lambda: layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 4)), SERIES)
    ],
    layers.Embedding: [Example(lambda: layers.Embedding(9, 8), ((12,),), dtype="int32")],
    layers.MultiHeadAttention: [
        Example(
            self_attention(lambda: layers.MultiHeadAttention(2, 32)),
            ((10, 48),),
            mean=0.0,
            bias=0.08,
        )
    ],
    layers.GroupQueryAttention: [
        Example(
            self_attention(lambda: layers.GroupQueryAttention(32, 4, 2)),
            ((10, 48),),
            mean=0.0,
            bias=0.08,
        )
    ],
    layers.Attention: [
        Example(layers.Attention, THREE, mean=0.0, variance=0.2, bias=0.03),
        Example(lambda: layers.Attention(score_mode="concat"), THREE, mean=0.0, variance=0.2, bias=0.03),
    ],
    layers.AdditiveAttention: [
        Example(lambda: layers.AdditiveAttention(use_scale=False), THREE, mean=0.0, variance=0.2, bias=0.03)
    ],
    layers.Activation: [
        Example((lambda name=name: layers.Activation(name)), VECTOR)
        for name in ("relu", "tanh", "silu", "elu", "hard_sigmoid")
    ]
    + [
        Example(lambda: layers.Activation("log_softmax"), ((16,),), bias=0.02),
        Example(lambda: layers.Activation("sparsemax"), ((16,),), bias=0.02),
    ],
    layers.ReLU: [Example(lambda: layers.ReLU(1.5, 0.1, 0.2), VECTOR)],
    layers.LeakyReLU: [Example(lambda: layers.LeakyReLU(), VECTOR)],
    layers.ELU: [Example(lambda: layers.ELU(0.5), VECTOR)],
    layers.PReLU: [
        Example(lambda: layers.PReLU(alpha_initializer=constant(0.3)), VECTOR),
        Example(lambda: layers.PReLU(alpha_initializer="uniform"), VECTOR),
    ],
    layers.Softmax: [Example(lambda: layers.Softmax(), ((10,),))],
    layers.Identity: [Example(lambda: layers.Identity(), VECTOR)],
    layers.ActivityRegularization: [Example(lambda: layers.ActivityRegularization(), VECTOR)],
    layers.Masking: [Example(lambda: layers.Masking(), SERIES)],
    layers.Dropout: [
        Example(lambda: layers.Dropout(0.3), VECTOR, mean=0.0),
        Example(lambda: layers.Dropout(0.3), VECTOR, EXACT, mean=1.5),
    ],
    layers.SpatialDropout1D: [Example(lambda: layers.SpatialDropout1D(0.3), SERIES, EXACT, mean=1.5)],
    layers.SpatialDropout2D: [Example(lambda: layers.SpatialDropout2D(0.3), IMAGE, EXACT)],
    layers.SpatialDropout3D: [Example(lambda: layers.SpatialDropout3D(0.3), VOLUME, EXACT)],
    layers.GaussianNoise: [Example(lambda: layers.GaussianNoise(0.7), VECTOR)],
    layers.GaussianDropout: [Example(lambda: layers.GaussianDropout(0.3), VECTOR)],
    layers.AlphaDropout: [Example(lambda: layers.AlphaDropout(0.3), VECTOR)],
    layers.Add: [Example(lambda: layers.Add(), TWO)],
    layers.Average: [Example(lambda: layers.Average(), TWO)],
    layers.Subtract: [Example(lambda: layers.Subtract(), TWO)],
    layers.Multiply: [Example(lambda: layers.Multiply(), TWO)],
    layers.Maximum: [Example(lambda: layers.Maximum(), TWO)],
    layers.Minimum: [Example(lambda: layers.Minimum(), TWO)],
    layers.Concatenate: [Example(lambda: layers.Concatenate(), TWO)],
    layers.Dot: [
        Example(lambda: layers.Dot(axes=1), TWO),
        Example(lambda: layers.Dot(axes=1, normalize=True), TWO, mean=0.0),
    ],
    layers.BatchNormalization: [Example(lambda: layers.BatchNormalization(), VECTOR)],
    layers.LayerNormalization: [Example(lambda: layers.LayerNormalization(), VECTOR)],
    layers.RMSNormalization: [Example(lambda: layers.RMSNormalization(), ((256,),), bias=0.02)],
    layers.GroupNormalization: [Example(lambda: layers.GroupNormalization(2), IMAGE)],
    layers.UnitNormalization: [Example(lambda: layers.UnitNormalization(), ((256,),), bias=0.02)],
    layers.Rescaling: [Example(lambda: layers.Rescaling(0.5, 0.25), VECTOR)],
    layers.Normalization: [Example(lambda: layers.Normalization(mean=0.3, variance=2.0), VECTOR)],
    layers.Flatten: [Example(lambda: layers.Flatten(), IMAGE)],
    layers.Reshape: [Example(lambda: layers.Reshape((6, 4)), VECTOR)],
    layers.Permute: [Example(lambda: layers.Permute((2, 1)), SERIES)],
    layers.RepeatVector: [Example(lambda: layers.RepeatVector(3), VECTOR)],
    layers.InputLayer: [Example(lambda: layers.Identity(), VECTOR)],
    layers.SpectralNormalization: [
        Example(
            lambda: layers.SpectralNormalization(layers.Dense(24), power_iterations=20), ((48,),), bias=0.05
        ),
        Example(
            lambda: layers.SpectralNormalization(layers.Dense(64, activation="relu"), power_iterations=20),
            ((64,),),
            bias=0.05,
        ),
    ],
    layers.TimeDistributed: [
        Example(lambda: layers.TimeDistributed(layers.Dense(12)), ((5, 24),)),
        Example(lambda: layers.TimeDistributed(layers.Conv2D(4, 3, padding="same")), ((3, 6, 6, 4),), EXACT),
    ],
    Centered: [Example(lambda: Centered(layers.ReLU(), 0.7), VECTOR)],
}
for rank, shape in ((1, SERIES), (2, IMAGE), (3, VOLUME)):
    for kind, window in (("Average", 2), ("Max", 2), ("GlobalAverage", None), ("GlobalMax", None)):
        layer = getattr(layers, f"{kind}Pooling{rank}D")
        EXAMPLES[layer] = [
            Example((lambda layer=layer, window=window: layer(window) if window else layer()), shape)
        ]
    for kind in ("AdaptiveAverage", "AdaptiveMax"):
        layer = getattr(layers, f"{kind}Pooling{rank}D", None)
        if layer is not None:
            EXAMPLES[layer] = [Example((lambda layer=layer: layer(2)), shape)]
    EXAMPLES[getattr(layers, f"UpSampling{rank}D")] = [
        Example((lambda rank=rank: getattr(layers, f"UpSampling{rank}D")(2)), shape)
    ]
    EXAMPLES[getattr(layers, f"Cropping{rank}D")] = [
        Example((lambda rank=rank: getattr(layers, f"Cropping{rank}D")(1)), shape)
    ]
    EXAMPLES[getattr(layers, f"ZeroPadding{rank}D")] = [
        Example((lambda rank=rank: getattr(layers, f"ZeroPadding{rank}D")(1)), shape, mean=0.0),
        Example((lambda rank=rank: getattr(layers, f"ZeroPadding{rank}D")(1)), shape, EXACT, mean=1.5),
    ]
EXAMPLES[layers.MaxPooling2D].append(
    Example(lambda: layers.MaxPooling2D(3, 2, padding="same"), IMAGE, EXACT, bias=0.03)
)
EXAMPLES[layers.AveragePooling2D].append(
    Example(lambda: layers.AveragePooling2D(3, 2, padding="same"), IMAGE, EXACT)
)

if hasattr(layers, "ReversibleEmbedding"):
    EXAMPLES[layers.ReversibleEmbedding] = [
        Example(lambda: layers.ReversibleEmbedding(9, 8), ((12,),), dtype="int32")
    ]

OPERATIONS: list[Example] = [
    *(
        Example((lambda f=f: f), VECTOR)
        for f in (ops.relu, ops.tanh, ops.erf, ops.square, ops.abs, ops.sin, ops.silu, ops.exp)
    ),
    Example(lambda: lambda x: ops.clip(x, -1.0, 1.0), VECTOR),
    Example(lambda: lambda x: 3.0 - x, VECTOR),
    Example(lambda: lambda x: (x + 2.0) * 0.5 - 1.0, VECTOR),
    Example(lambda: lambda x: x / 4.0, VECTOR),
    Example(lambda: lambda x: x**2, VECTOR),
    Example(lambda: lambda x: ops.maximum(x, 0.3), VECTOR),
    *(
        Example((lambda f=f: lambda x: f(x[0], x[1])), TWO)
        for f in (ops.add, ops.subtract, ops.multiply, ops.maximum, ops.minimum)
    ),
    Example(lambda: lambda x: ops.mean(x, axis=(1, 2)), IMAGE),
    Example(lambda: lambda x: ops.mean(x, axis=-1), IMAGE),
    Example(lambda: lambda x: ops.sum(x, axis=(1, 2)), IMAGE),
    Example(lambda: lambda x: ops.max(x, axis=(1, 2)), IMAGE),
    Example(lambda: lambda x: ops.min(x, axis=(1, 2)), IMAGE),
    Example(lambda: lambda x: ops.matmul(x[0], x[1]), ((4, 24), (24, 5)), mean=0.0),
    Example(lambda: lambda x: ops.einsum("bij,bjk->bik", x[0], x[1]), ((4, 24), (24, 5)), mean=0.0),
    Example(lambda: lambda x: ops.softmax(x), ((10,),)),
    Example(lambda: lambda x: ops.concatenate([x[0], 2.0 * x[1]], axis=-1), ((24,), (8,))),
    Example(lambda: lambda x: ops.stack([x[0], 2.0 * x[1]], axis=1), TWO),
    Example(lambda: lambda x: ops.reshape(x, (-1, 32)), ((8, 4),)),
    Example(lambda: lambda x: ops.transpose(x, (0, 2, 1)), SERIES),
    Example(lambda: lambda x: x[:, :3], SERIES),
    Example(lambda: lambda x: ops.split(x, 2, axis=1)[0], SERIES),
    Example(lambda: lambda x: ops.pad(x, ((0, 0), (1, 1), (2, 2), (0, 0))), IMAGE, EXACT),
    Example(lambda: lambda x: ops.expand_dims(x, 1), VECTOR),
]


class Convolved(keras.Model):
    """A model with a weight of its own."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], 8), name="kernel")
        super().build(shape)

    def call(self, x):
        return ops.conv(x, self.kernel, padding="same")


class Table(keras.Model):
    """An embedding by hand."""

    def build(self, shape):
        self.table = self.add_weight(shape=(9, 8), name="table")
        super().build(shape)

    def call(self, x):
        return ops.take(self.table, x, axis=0)


OPERATIONS += [
    Example(lambda: lambda x: ops.cast(x > 0.3, "float32"), VECTOR),
    Example(lambda: lambda x: ops.cast(ops.less_equal(x[0], x[1]), "float32"), TWO),
    Example(lambda: lambda x: ops.where(x > 0.3, x, 0.1 * x), VECTOR, EXACT),
    Example(lambda: lambda x: ops.max_pool(x, 2), IMAGE),
    Example(lambda: lambda x: ops.average_pool(x, 3, strides=2, padding="same"), IMAGE, EXACT),
    Example(lambda: Convolved(), IMAGE, EXACT),
    Example(lambda: Table(), ((12,),), dtype="int32"),
    Example(
        lambda: layers.TimeDistributed(keras.Sequential([keras.Input((24,)), layers.Dense(12)])), ((5, 24),)
    ),
]

SIMULATED = {
    layers.SimpleRNN,
    layers.GRU,
    layers.LSTM,
    layers.RNN,
    layers.Bidirectional,
    layers.ConvLSTM1D,
    layers.ConvLSTM2D,
    layers.ConvLSTM3D,
}
"""Rules that are simulations themselves; see test_recurrent.py."""
