"""Networks that nobody looked at while the rules of AutoInit were made."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers as kl
from keras import ops


def autoencoder() -> keras.Model:
    """Convolutional autoencoder with nearest upsampling and a narrow code."""
    inputs = x = keras.Input((32, 32, 3))
    for filters in (16, 8):
        x = kl.AveragePooling2D(2)(kl.Conv2D(filters, 3, padding="same", activation="elu")(x))
    for filters in (8, 16):
        x = kl.UpSampling2D()(kl.Conv2D(filters, 3, padding="same", activation="elu")(x))
    return keras.Model(inputs, kl.Conv2D(3, 3, padding="same", activation="sigmoid")(x))


def text_cnn() -> keras.Model:
    """Kim's network for sentences: windows of three widths, maxima over time, concatenated."""
    inputs = keras.Input((30,), dtype="int32")
    x = kl.Embedding(400, 32)(inputs)
    pooled = [kl.GlobalMaxPooling1D()(kl.Conv1D(32, width, activation="relu")(x)) for width in (3, 4, 5)]
    return keras.Model(inputs, kl.Dense(2)(kl.Dropout(0.5)(kl.Concatenate()(pooled))))


def temporal_convolution() -> keras.Model:
    """TCN: residual blocks of dilated causal convolutions with layer normalization and spatial dropout."""
    inputs = x = keras.Input((48, 8))
    for number, dilation in enumerate((1, 2, 4)):
        y = kl.Conv1D(24, 3, padding="causal", dilation_rate=dilation)(x)
        y = kl.SpatialDropout1D(0.1)(kl.ReLU()(kl.LayerNormalization()(y)))
        y = kl.ReLU()(kl.Conv1D(24, 3, padding="causal", dilation_rate=dilation)(y))
        x = kl.ReLU()((kl.Conv1D(24, 1)(x) if number == 0 else x) + y)
    return keras.Model(inputs, kl.Dense(1)(x[:, -1]))


def wide_and_deep() -> keras.Model:
    """Wide and deep: a linear part beside a deep one, embeddings of two categories beside numbers."""
    numbers, first, second = (
        keras.Input((12,)),
        keras.Input((1,), dtype="int32"),
        keras.Input((1,), dtype="int32"),
    )
    embedded = [kl.Flatten()(kl.Embedding(50, 8)(tokens)) for tokens in (first, second)]
    x = kl.Concatenate()([kl.BatchNormalization()(numbers), *embedded])
    deep = kl.Dense(32, activation="relu")(kl.Dense(64, activation="relu")(x))
    return keras.Model([numbers, first, second], kl.Add()([kl.Dense(1)(numbers), kl.Dense(1)(deep)]))


def attention_pooling() -> keras.Model:
    """Multiple instance learning: gated attention weights over the instances of a bag."""
    inputs = keras.Input((20, 24))
    x = kl.Dense(32, activation="relu")(inputs)
    gate = kl.Dense(16, activation="tanh")(x) * kl.Dense(16, activation="sigmoid")(x)
    weights = kl.Softmax(axis=1)(kl.Dense(1)(gate))
    return keras.Model(inputs, kl.Dense(1)(ops.sum(weights * x, axis=1)))


def gru_attention() -> keras.Model:
    """A GRU whose states are attended to by its last one."""
    inputs = keras.Input((25, 10))
    states = kl.GRU(32, return_sequences=True)(inputs)
    query = kl.Reshape((1, 32))(states[:, -1])
    context = kl.Flatten()(kl.Attention()([query, states]))
    return keras.Model(inputs, kl.Dense(3)(kl.Dense(32, activation="tanh")(context)))


def dense_skip() -> keras.Model:
    """A small DenseNet with bottlenecks."""
    inputs = keras.Input((32, 32, 3))
    x = kl.Conv2D(16, 3, padding="same")(inputs)
    for _ in range(3):
        y = kl.Conv2D(32, 1)(kl.ReLU()(kl.BatchNormalization()(x)))
        y = kl.Conv2D(8, 3, padding="same")(kl.ReLU()(kl.BatchNormalization()(y)))
        x = kl.Concatenate()([x, y])
    return keras.Model(
        inputs, kl.Dense(10)(kl.GlobalAveragePooling2D()(kl.ReLU()(kl.BatchNormalization()(x))))
    )


def rms_swiglu() -> keras.Model:
    """A modern decoder block: RMS normalization, grouped queries, SwiGLU."""
    inputs = keras.Input((16,), dtype="int32")
    x = kl.Embedding(300, 32)(inputs)
    for _ in range(2):
        y = kl.RMSNormalization()(x)
        x = x + kl.GroupQueryAttention(8, 4, 2)(y, y, use_causal_mask=True)
        y = kl.RMSNormalization()(x)
        x = x + kl.Dense(32)(kl.Dense(64, activation="silu")(y) * kl.Dense(64)(y))
    return keras.Model(inputs, kl.Dense(300)(kl.RMSNormalization()(x)))


HELD_OUT: dict[str, Callable[[], keras.Model]] = {
    make.__name__: make
    for make in (
        autoencoder,
        text_cnn,
        temporal_convolution,
        wide_and_deep,
        attention_pooling,
        gru_attention,
        dense_skip,
        rms_swiglu,
    )
}
