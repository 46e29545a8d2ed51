"""Which propagation trains better networks, the paper's formulas or the exact ones: what the default is to be.

    python benchmarks/autoinit/default_propagation.py --data-dir DIR --out FILE

Fifteen networks (plain, normalized, deep, recurrent, attention) on MNIST, CIFAR-10 and Adult, five seeds each, the same
seeds under both. A network is one subject, with the mean over its seeds. Fixed before the first training: the default
is the propagation with the higher mean accuracy if Wilcoxon's test over networks decides it (p < 0.05); if not, the one
that predicts the signals better (``accuracy.py``, ``typical_accuracy.py``). Every training is appended to FILE; a
second call goes on where the first one ended, and only prints the table when all is there.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as kl

from gondwana import autoinit, tasks
from gondwana.nas.statistics import compare
from gondwana.nas.statistics.tables import text
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.recipe import Recipe

SEEDS = range(5)
PROPAGATIONS = ("paper", "exact")


def head(inputs: Any, x: Any) -> keras.Model:
    """Return a classifier of ten classes."""
    return keras.Model(inputs, kl.Dense(10, activation="softmax")(x))


def plain_cnn(depth: int = 6, norm: bool = False, rate: float = 0.0) -> keras.Model:
    """VGG-like: pairs of convolutions and a pooling layer, without or with batch normalization and dropout."""
    inputs = x = keras.Input((32, 32, 3))
    for number in range(depth):
        x = kl.Conv2D(16 * 2 ** (number * 3 // depth), 3, padding="same")(x)
        x = kl.ReLU()(kl.BatchNormalization()(x) if norm else x)
        if (number + 1) % (depth // 3) == 0:
            x = kl.Dropout(rate)(kl.MaxPooling2D()(x))
    return head(inputs, kl.Dense(64, activation="relu")(kl.Flatten()(x)))


def deep_mlp(
    activation: str, depth: int, shape: tuple[int, ...] = (28, 28, 1), units: int = 64
) -> keras.Model:
    """Dense layers, no normalization."""
    inputs = keras.Input(shape)
    x = kl.Flatten()(inputs)
    for _ in range(depth):
        x = kl.Dense(units, activation=activation)(x)
    return head(inputs, x)


def residual(norm: bool, blocks: int = 6) -> keras.Model:
    """Residual blocks of two convolutions."""
    inputs = keras.Input((32, 32, 3))
    x = kl.Conv2D(16, 3, padding="same")(inputs)
    for number in range(blocks):
        y = x
        for _ in range(2):
            y = kl.Conv2D(16, 3, padding="same")(kl.ReLU()(kl.BatchNormalization()(y) if norm else y))
        x = kl.Add()([x, y])
        x = kl.AveragePooling2D(2)(x) if number in (1, 3) else x
    return head(inputs, kl.GlobalAveragePooling2D()(kl.ReLU()(x)))


def dense_blocks() -> keras.Model:
    """A small DenseNet."""
    inputs = keras.Input((32, 32, 3))
    x = kl.MaxPooling2D()(kl.Conv2D(16, 3, padding="same")(inputs))
    for _ in range(6):
        y = kl.Conv2D(8, 3, padding="same")(kl.ReLU()(kl.BatchNormalization()(x)))
        x = kl.Concatenate()([x, y])
    return head(inputs, kl.GlobalAveragePooling2D()(kl.ReLU()(kl.BatchNormalization()(x))))


def separable() -> keras.Model:
    """Inverted residuals of depthwise convolutions with squeeze-and-excitation."""
    inputs = keras.Input((32, 32, 3))
    x = kl.Conv2D(16, 3, strides=2, padding="same", activation="swish")(inputs)
    for _ in range(4):
        y = kl.Conv2D(48, 1, activation="swish")(x)
        y = kl.DepthwiseConv2D(3, padding="same", activation="swish")(y)
        gate = kl.Dense(12, activation="relu")(kl.GlobalAveragePooling2D(keepdims=True)(y))
        y = kl.Multiply()([y, kl.Dense(48, activation="sigmoid")(gate)])
        x = kl.Add()([x, kl.Conv2D(16, 1)(y)])
    return head(inputs, kl.GlobalAveragePooling2D()(x))


def recurrent(kind: type, both: bool) -> keras.Model:
    """Rows of an image as a sequence."""
    inputs = keras.Input((28, 28, 1))
    x = kl.Reshape((28, 28))(inputs)
    for sequences in (True, False):
        layer = kind(32, return_sequences=sequences)
        x = kl.Bidirectional(layer)(x) if both else layer(x)
    return head(inputs, x)


def transformer(norm: bool) -> keras.Model:
    """Patches, attention, with or without layer normalization."""
    inputs = keras.Input((28, 28, 1))
    x = kl.Reshape((49, 32))(kl.Conv2D(32, 4, strides=4)(inputs))
    for _ in range(3):
        y = kl.LayerNormalization()(x) if norm else x
        x = x + kl.MultiHeadAttention(4, 8)(y, y)
        y = kl.LayerNormalization()(x) if norm else x
        x = x + kl.Dense(32)(kl.Dense(64, activation="gelu")(y))
    return head(inputs, kl.GlobalAveragePooling1D()(x))


def adult_mlp() -> keras.Model:
    """A table: four dense layers with dropout, one probability."""
    inputs = x = keras.Input(tasks.get("adult").info.input_shape)
    for _ in range(4):
        x = kl.Dropout(0.3)(kl.Dense(64, activation="selu")(x))
    return keras.Model(inputs, kl.Dense(1, activation="sigmoid")(x))


SGD = {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.01}
ADAM = {"optimizer": "adam", "learning_rate": 0.001}
NETWORKS: dict[str, tuple[str, Callable[[], keras.Model], dict[str, Any]]] = {
    "plain CNN, 6 convolutions": ("cifar10", lambda: plain_cnn(6), SGD),
    "plain CNN, 12 convolutions": ("cifar10", lambda: plain_cnn(12), SGD),
    "CNN with batch normalization": ("cifar10", lambda: plain_cnn(6, norm=True), SGD),
    "CNN with dropout 0.4": ("cifar10", lambda: plain_cnn(6, rate=0.4), SGD),
    "residual, no normalization": ("cifar10", lambda: residual(norm=False), SGD),
    "residual, batch normalization": ("cifar10", lambda: residual(norm=True), SGD),
    "DenseNet": ("cifar10", dense_blocks, SGD),
    "inverted residuals, swish": ("cifar10", separable, SGD),
    "MLP, 20 tanh layers": ("mnist", lambda: deep_mlp("tanh", 20), SGD),
    "MLP, 30 ReLU layers": ("mnist", lambda: deep_mlp("relu", 30), SGD),
    "two LSTMs": ("mnist", lambda: recurrent(kl.LSTM, both=False), ADAM),
    "two bidirectional GRUs": ("mnist", lambda: recurrent(kl.GRU, both=True), ADAM),
    "transformer": ("mnist", lambda: transformer(norm=True), ADAM),
    "transformer, no normalization": ("mnist", lambda: transformer(norm=False), ADAM),
    "MLP on a table, dropout": ("adult", adult_mlp, ADAM),
}


def accuracy(name: str, propagation: str, seed: int, data_dir: Path, images: int, epochs: int) -> float:
    """Train one network and return its accuracy on 2,000 validation examples; chance if it diverges."""
    task_name, make, optimizer = NETWORKS[name]
    sizes = {} if task_name == "adult" else {"train_size": images, "validation_size": 2000}
    task = tasks.get(task_name, **sizes)
    data = task.search_data(data_dir)
    info = task.info
    model = autoinit.initialize(
        make(),
        "autoinit",
        seed=seed,
        input_mean=info.input_mean,
        input_variance=info.input_variance,
        options={"propagation": propagation},
    )
    recipe = Recipe(epochs=1 if task_name == "adult" else epochs, batch_size=64, **optimizer)
    try:
        train(model, data, info, recipe, seed)
    except tasks.training.Diverged:
        return float(info.chance)
    return float(score(model, data.validation, info)["fitness"])


def main() -> None:
    """Train what is missing, then print the table and the test."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=2)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    found: dict[tuple[str, str, int], float] = {}
    if chosen.out.exists():
        for line in chosen.out.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[row["network"], row["propagation"], row["seed"]] = row["accuracy"]
    for seed in SEEDS:
        for name in NETWORKS:
            for propagation in PROPAGATIONS:
                if (name, propagation, seed) in found:
                    continue
                keras.backend.clear_session()
                value = accuracy(name, propagation, seed, chosen.data_dir, chosen.images, chosen.epochs)
                found[name, propagation, seed] = value
                row = {"network": name, "propagation": propagation, "seed": seed, "accuracy": value}
                with chosen.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    print(f"{'network':32}" + "".join(f"{p:>22}" for p in PROPAGATIONS))
    groups: dict[str, list[float]] = {propagation: [] for propagation in PROPAGATIONS}
    for name in NETWORKS:
        cells = ""
        for propagation in PROPAGATIONS:
            values = np.array([found[name, propagation, seed] for seed in SEEDS])
            groups[propagation].append(float(values.mean()))
            cells += f"{values.mean():12.3f} ({values.std(ddof=1):.3f})  "
        print(f"{name:32}{cells}")
    print(text(compare(groups, paired=True)))


if __name__ == "__main__":
    main()
