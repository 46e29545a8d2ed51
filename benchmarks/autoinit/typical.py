"""Small networks of the kinds that people build with Keras, as their tutorials and papers have them.

``NETWORKS`` maps a name to a function that makes one. They were looked at while what they showed to be wrong was
mended; ``HELD_OUT`` of typical_held_out.py were written afterwards and only measured.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import layers as kl
from keras import ops


def unet() -> keras.Model:
    """U-Net: two levels, concatenated skips, transposed convolutions."""
    inputs = x = keras.Input((32, 32, 3))
    skips = []
    for filters in (16, 32):
        for _ in range(2):
            x = kl.Conv2D(filters, 3, padding="same", activation="relu")(x)
        skips.append(x)
        x = kl.MaxPooling2D()(x)
    x = kl.Conv2D(64, 3, padding="same", activation="relu")(x)
    for filters, skip in zip((32, 16), reversed(skips), strict=True):
        x = kl.Concatenate()([kl.Conv2DTranspose(filters, 2, strides=2)(x), skip])
        for _ in range(2):
            x = kl.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return keras.Model(inputs, kl.Conv2D(2, 1)(x))


class Sampling(keras.Layer):
    """Draws z = mean + exp(log_variance / 2) * noise, as the variational autoencoder does."""

    def __init__(self, **keywords: object) -> None:
        super().__init__(**keywords)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, mean: object, log_variance: object) -> object:
        """Return a draw for each example."""
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


def vae() -> keras.Model:
    """Variational autoencoder for 28 x 28 images."""
    inputs = keras.Input((28, 28, 1))
    x = kl.Conv2D(16, 3, strides=2, padding="same", activation="relu")(inputs)
    x = kl.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    x = kl.Dense(32, activation="relu")(kl.Flatten()(x))
    z = Sampling()(kl.Dense(8)(x), kl.Dense(8)(x))
    x = kl.Reshape((7, 7, 16))(kl.Dense(7 * 7 * 16, activation="relu")(z))
    x = kl.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu")(x)
    x = kl.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(inputs, kl.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x))


def dcgan_generator() -> keras.Model:
    """DCGAN's generator: transposed convolutions with batch normalization."""
    inputs = keras.Input((64,))
    x = kl.Reshape((4, 4, 64))(kl.Dense(4 * 4 * 64)(inputs))
    for filters in (64, 32, 16):
        x = kl.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
        x = kl.LeakyReLU(0.2)(kl.BatchNormalization()(x))
    return keras.Model(inputs, kl.Conv2D(3, 5, padding="same", activation="tanh")(x))


def dcgan_discriminator() -> keras.Model:
    """DCGAN's discriminator: strided convolutions, leaky ReLU, dropout."""
    inputs = x = keras.Input((32, 32, 3))
    for filters in (32, 64, 128):
        x = kl.LeakyReLU(0.2)(kl.Conv2D(filters, 4, strides=2, padding="same")(x))
    return keras.Model(inputs, kl.Dense(1)(kl.Dropout(0.2)(kl.Flatten()(x))))


def encoder_block(x: object, heads: int, size: int) -> object:
    """Return one pre-norm encoder block of a transformer."""
    y = kl.LayerNormalization()(x)
    x = x + kl.MultiHeadAttention(heads, size // heads)(y, y)
    y = kl.Dense(4 * size, activation="gelu")(kl.LayerNormalization()(x))
    return x + kl.Dense(size)(y)


def positions(x: object, length: int, size: int) -> object:
    """Return tokens with learned positions added."""
    return x + kl.Embedding(length, size)(ops.arange(length))


def transformer_encoder() -> keras.Model:
    """Classifier of token sequences: embeddings, two encoder blocks, mean over positions."""
    inputs = keras.Input((20,), dtype="int32")
    x = positions(kl.Embedding(500, 32)(inputs), 20, 32)
    for _ in range(2):
        x = encoder_block(x, 4, 32)
    return keras.Model(inputs, kl.Dense(5)(kl.GlobalAveragePooling1D()(x)))


def transformer_decoder() -> keras.Model:
    """A small language model: causal attention, post-norm blocks, logits per token."""
    inputs = keras.Input((16,), dtype="int32")
    x = positions(kl.Embedding(300, 32)(inputs), 16, 32)
    for _ in range(2):
        y = kl.MultiHeadAttention(4, 8)(x, x, use_causal_mask=True)
        x = kl.LayerNormalization()(x + kl.Dropout(0.1)(y))
        y = kl.Dense(32)(kl.Dense(64, activation="relu")(x))
        x = kl.LayerNormalization()(x + y)
    return keras.Model(inputs, kl.Dense(300)(x))


def seq2seq() -> keras.Model:
    """Translation: an LSTM encoder hands its state to an LSTM decoder."""
    source, target = keras.Input((12,), dtype="int32"), keras.Input((10,), dtype="int32")
    _, hidden, cell = kl.LSTM(48, return_state=True)(kl.Embedding(200, 32)(source))
    y = kl.LSTM(48, return_sequences=True)(kl.Embedding(200, 32)(target), initial_state=[hidden, cell])
    return keras.Model([source, target], kl.Dense(200)(y))


def bilstm_tagger() -> keras.Model:
    """Tagger: two bidirectional LSTMs, a label for each token."""
    inputs = keras.Input((20,), dtype="int32")
    x = kl.Embedding(400, 32)(inputs)
    for _ in range(2):
        x = kl.Bidirectional(kl.LSTM(24, return_sequences=True))(x)
    return keras.Model(inputs, kl.TimeDistributed(kl.Dense(9))(x))


def wavenet() -> keras.Model:
    """WaveNet: gated dilated causal convolutions with residual and skip connections."""
    inputs = keras.Input((64, 1))
    x, skips = kl.Conv1D(16, 2, padding="causal")(inputs), []
    for dilation in (1, 2, 4, 8):
        gate = kl.Conv1D(16, 2, padding="causal", dilation_rate=dilation, activation="sigmoid")(x)
        value = kl.Conv1D(16, 2, padding="causal", dilation_rate=dilation, activation="tanh")(x)
        gated = kl.Multiply()([value, gate])
        skips.append(kl.Conv1D(16, 1)(gated))
        x = kl.Add()([x, kl.Conv1D(16, 1)(gated)])
    y = kl.Conv1D(16, 1, activation="relu")(kl.ReLU()(kl.Add()(skips)))
    return keras.Model(inputs, kl.Conv1D(4, 1)(y))


class FeatureTokens(keras.Layer):
    """FT-transformer's tokenizer: a token x_j w_j + b_j for each number."""

    def __init__(self, size: int, **keywords: object) -> None:
        super().__init__(**keywords)
        self.size = size

    def build(self, shape: tuple[int, ...]) -> None:
        """Make weight and bias of each feature."""
        start = keras.initializers.RandomUniform(-(self.size**-0.5), self.size**-0.5, seed=0)
        self.scale = self.add_weight(shape=(shape[-1], self.size), initializer=start, name="scale")
        self.shift = self.add_weight(shape=(shape[-1], self.size), initializer=start, name="shift")

    def call(self, x: object) -> object:
        """Return tokens, (batch, features, size)."""
        return ops.expand_dims(x, -1) * self.scale + self.shift


def ft_transformer() -> keras.Model:
    """FT-transformer for a table of 10 numbers."""
    inputs = keras.Input((10,))
    x = FeatureTokens(32)(inputs)
    for _ in range(2):
        x = encoder_block(x, 4, 32)
    return keras.Model(inputs, kl.Dense(1)(kl.ReLU()(kl.LayerNormalization()(x[:, 0]))))


def siamese() -> keras.Model:
    """Siamese network: one encoder for two images, Euclidean distance."""
    encoder = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            kl.Conv2D(16, 3, activation="relu"),
            kl.MaxPooling2D(),
            kl.Conv2D(32, 3, activation="relu"),
            kl.MaxPooling2D(),
            kl.Flatten(),
            kl.Dense(32),
        ]
    )
    first, second = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
    squares = ops.sum(ops.square(encoder(first) - encoder(second)), axis=-1, keepdims=True)
    return keras.Model([first, second], kl.Dense(1, activation="sigmoid")(ops.sqrt(squares + 1e-7)))


def mlp_mixer() -> keras.Model:
    """MLP-Mixer: patches, mixing over tokens and over channels."""
    inputs = keras.Input((32, 32, 3))
    x = kl.Reshape((64, 32))(kl.Conv2D(32, 4, strides=4)(inputs))
    for _ in range(2):
        y = kl.Permute((2, 1))(kl.LayerNormalization()(x))
        y = kl.Dense(64)(kl.Dense(48, activation="gelu")(y))
        x = x + kl.Permute((2, 1))(y)
        y = kl.Dense(96, activation="gelu")(kl.LayerNormalization()(x))
        x = x + kl.Dense(32)(y)
    return keras.Model(inputs, kl.Dense(10)(kl.GlobalAveragePooling1D()(kl.LayerNormalization()(x))))


class GraphConvolution(keras.Layer):
    """y = act(A x W) with a fixed, normalized adjacency A of a ring with chords."""

    def __init__(self, units: int, nodes: int, activation: str | None = None, **keywords: object) -> None:
        super().__init__(**keywords)
        ring = sum(np.roll(np.eye(nodes), shift, axis=1) for shift in (-3, -1, 0, 1, 3))
        self.adjacency = (ring / ring.sum(axis=1, keepdims=True)).astype("float32")
        self.dense = kl.Dense(units, activation=activation)

    def build(self, shape: tuple[int, ...]) -> None:
        """Build the weights."""
        self.dense.build(shape)

    def call(self, x: object) -> object:
        """Mix neighbours, then channels."""
        return self.dense(ops.matmul(self.adjacency, x))


def graph_convolution() -> keras.Model:
    """Graph convolutional network on 24 nodes."""
    inputs = keras.Input((24, 16))
    x = GraphConvolution(32, 24, "relu")(inputs)
    x = GraphConvolution(32, 24, "relu")(x)
    return keras.Model(inputs, kl.Dense(4)(kl.GlobalAveragePooling1D()(x)))


def two_tower() -> keras.Model:
    """Recommender: an embedding tower for users and one for items, scaled cosine similarity."""
    user, item = keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32")
    towers = [kl.Flatten()(kl.Embedding(300, 32)(tokens)) for tokens in (user, item)]
    towers = [kl.Dense(16)(kl.Dense(64, activation="relu")(x)) for x in towers]
    return keras.Model([user, item], kl.Dense(1)(kl.Dot(axes=1, normalize=True)(towers)))


def conv_lstm() -> keras.Model:
    """Next-frame prediction: two ConvLSTM layers."""
    inputs = keras.Input((6, 12, 12, 1))
    x = kl.ConvLSTM2D(8, 3, padding="same", return_sequences=True)(inputs)
    x = kl.ConvLSTM2D(8, 3, padding="same", return_sequences=True)(x)
    return keras.Model(inputs, kl.Conv3D(1, 3, padding="same", activation="sigmoid")(x))


def crnn() -> keras.Model:
    """Reader of text in images: convolutions, then bidirectional GRUs over columns."""
    inputs = x = keras.Input((48, 16, 1))
    for filters in (16, 32):
        x = kl.MaxPooling2D()(kl.Conv2D(filters, 3, padding="same", activation="relu")(x))
    x = kl.Dense(32, activation="relu")(kl.Reshape((12, 4 * 32))(x))
    x = kl.Bidirectional(kl.GRU(24, return_sequences=True))(x)
    x = kl.Bidirectional(kl.GRU(24, return_sequences=True))(x)
    return keras.Model(inputs, kl.Dense(20, activation="softmax")(x))


def siren() -> keras.Model:
    """SIREN: an image as a function of coordinates, sine activations."""
    inputs = x = keras.Input((2,))
    for _ in range(4):
        x = kl.Dense(64, activation=ops.sin)(x)
    return keras.Model(inputs, kl.Dense(3)(x))


def squeeze_excitation() -> keras.Model:
    """Residual blocks with squeeze-and-excitation gates."""
    inputs = keras.Input((32, 32, 3))
    x = kl.Conv2D(32, 3, padding="same", activation="relu")(inputs)
    for _ in range(2):
        y = kl.Conv2D(32, 3, padding="same", activation="relu")(x)
        gate = kl.Dense(8, activation="relu")(kl.GlobalAveragePooling2D(keepdims=True)(y))
        x = kl.Add()([x, kl.Multiply()([y, kl.Dense(32, activation="sigmoid")(gate)])])
    return keras.Model(inputs, kl.Dense(10)(kl.GlobalAveragePooling2D()(x)))


def mixture_of_experts() -> keras.Model:
    """Softmax gates over four expert networks."""
    inputs = keras.Input((32,))
    gates = kl.Dense(4, activation="softmax")(inputs)
    experts = ops.stack([kl.Dense(48, activation="relu")(inputs) for _ in range(4)], axis=1)
    mixed = ops.sum(experts * ops.expand_dims(gates, -1), axis=1)
    return keras.Model(inputs, kl.Dense(3)(mixed))


def n_beats() -> keras.Model:
    """N-BEATS: blocks that subtract their backcast and add up their forecasts."""
    inputs = rest = keras.Input((24,))
    forecasts = []
    for _ in range(3):
        x = rest
        for _ in range(3):
            x = kl.Dense(64, activation="relu")(x)
        rest = rest - kl.Dense(24)(kl.Dense(8)(x))
        forecasts.append(kl.Dense(6)(kl.Dense(8)(x)))
    return keras.Model(inputs, kl.Add()(forecasts))


def pointnet() -> keras.Model:
    """PointNet: a learned 3 x 3 transform, shared layers, maximum over points."""
    inputs = keras.Input((64, 3))
    x = kl.GlobalMaxPooling1D()(
        kl.Conv1D(64, 1, activation="relu")(kl.Conv1D(32, 1, activation="relu")(inputs))
    )
    transform = kl.Reshape((3, 3))(kl.Dense(9)(kl.Dense(32, activation="relu")(x)))
    x = kl.Dot(axes=(2, 1))([inputs, transform])
    for filters in (32, 64):
        x = kl.ReLU()(kl.BatchNormalization()(kl.Conv1D(filters, 1)(x)))
    return keras.Model(inputs, kl.Dense(8)(kl.Dropout(0.3)(kl.GlobalMaxPooling1D()(x))))


class Subclassed(keras.Model):
    """A model by subclassing, with layers in a list and a residual connection."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = kl.Dense(48, activation="relu")
        self.blocks = [kl.Dense(48, activation="relu") for _ in range(3)]
        self.head = kl.Dense(4)

    def call(self, x: object) -> object:
        """Run the blocks with residual connections."""
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def subclassed() -> keras.Model:
    """Build the subclassed model on 20 numbers."""
    model = Subclassed()
    model(keras.Input((20,)))
    return model


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    make.__name__: make
    for make in (
        unet,
        vae,
        dcgan_generator,
        dcgan_discriminator,
        transformer_encoder,
        transformer_decoder,
        seq2seq,
        bilstm_tagger,
        wavenet,
        ft_transformer,
        siamese,
        mlp_mixer,
        graph_convolution,
        two_tower,
        conv_lstm,
        crnn,
        siren,
        squeeze_excitation,
        mixture_of_experts,
        n_beats,
        pointnet,
        subclassed,
    )
}
