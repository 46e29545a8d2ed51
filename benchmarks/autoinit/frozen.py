"""A new head on a frozen backbone: are its weights untouched, and where does the loss start?

    python benchmarks/autoinit/frozen.py --data-dir ../shared/data [--seeds 5] [--steps 300] [--trials 40]

Three backbones (plain convolutions, residual with batch normalization, transformer on rows of pixels) on MNIST, each
once as Keras draws it and once trained on the digits 0 to 4, then frozen; a new head of two dense layers is fine-tuned
on 4,000 images of all digits for 300 steps of Adam. The head is initialized as Keras does, by AutoInit, and by AutoInit
with ``output_variance=0.01``. Printed are the loss at step 1 over that of a guess (ln 10), and loss and accuracy after
the fine-tuning on 2,000 others; the mean over seeds. Then trials of ``initialize`` with all strategies, in which
every byte of the backbone has to be what it was. Exits with 1 if bytes changed, or if a loss at step 1 with
``output_variance=0.01`` is more than 10% off that of a guess.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gondwana import autoinit, tasks

layers = keras.layers
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "Keras": ("default", {}),
    "AutoInit": ("autoinit", {}),
    "AutoInit, outputs 0.01": ("autoinit", {"output_variance": 0.01}),
}
GUESS, ALLOWED = float(np.log(10)), 0.10


def plain() -> keras.Model:
    """Return four convolutions without normalization."""
    x = inputs = keras.Input((28, 28, 1))
    for filters, stride in ((16, 1), (32, 2), (32, 1), (64, 2)):
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", activation="relu")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x), name="plain")


def residual() -> keras.Model:
    """Return two residual blocks with batch normalization."""
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, strides=2, padding="same")(inputs)
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.add([x, layers.Conv2D(32, 3, padding="same")(y)])
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.ReLU()(x)), name="residual")


def transformer() -> keras.Model:
    """Return one block of attention over the rows of an image."""
    inputs = keras.Input((28, 28, 1))
    x = layers.Dense(32)(layers.Reshape((28, 28))(inputs))
    y = layers.LayerNormalization()(x)
    x = layers.add([x, layers.MultiHeadAttention(4, 8)(y, y)])
    y = layers.Dense(64, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.add([x, layers.Dense(32)(y)])
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(x), name="transformer")


BACKBONES: tuple[Callable[[], keras.Model], ...] = (plain, residual, transformer)


def with_head(backbone: keras.Model, classes: int) -> keras.Model:
    """Return the frozen backbone with a new head of two layers."""
    inputs = keras.Input((28, 28, 1))
    x = layers.Dense(64, activation="relu")(backbone(inputs, training=False))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def train(model: keras.Model, x: Any, y: Any, steps: int, seed: int) -> float:
    """Train for a number of steps and return the loss of the first batch before it."""
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(seed)
    first = float(model.evaluate(x[:1024], y[:1024], verbose=0)[0])
    for _ in range(steps):
        rows = rng.choice(len(x), 64, replace=False)
        model.train_on_batch(x[rows], y[rows])
    return first


def trained(make: Callable[[], keras.Model], x: Any, y: Any, seed: int) -> keras.Model:
    """Return a backbone that has learned the digits 0 to 4."""
    keras.utils.set_random_seed(seed)
    backbone, few = make(), y < 5
    train(with_head(backbone, 5), x[few], y[few], 200, seed)
    return backbone


def row(
    backbone: keras.Model, head: str, data: tuple[Any, ...], steps: int, seed: int
) -> tuple[float, float, float]:
    """Return the loss at step 1 over that of a guess, and the loss and accuracy on other images in the end."""
    x, y, x_val, y_val = data
    backbone.trainable = False
    keras.utils.set_random_seed(seed)
    model = with_head(backbone, 10)
    strategy, options = HEADS[head]
    before = backbone.get_weights()
    autoinit.initialize(
        model, strategy, seed=seed, options=options, data=None if strategy == "default" else x[:256]
    )
    first = train(model, x, y, steps, seed)
    if not same(before, backbone.get_weights()):
        raise SystemExit(f"{backbone.name}: the frozen backbone has changed")
    loss, accuracy = model.evaluate(x_val, y_val, verbose=0)
    return first / GUESS, float(loss), float(accuracy)


def same(before: list[Any], after: list[Any]) -> bool:
    """Whether all arrays are equal, byte by byte."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))


def untouched(trials: int) -> int:
    """Return in how many trials, over backbones and strategies, every byte stayed what it was."""
    kept = 0
    for trial, (make, strategy) in zip(
        range(trials), itertools.cycle(itertools.product(BACKBONES, autoinit.STRATEGIES)), strict=False
    ):
        keras.utils.set_random_seed(trial)
        backbone = make()
        backbone.trainable = False
        before = backbone.get_weights()
        autoinit.initialize(with_head(backbone, 3), strategy, seed=trial)
        kept += same(before, backbone.get_weights())
    return kept


def main() -> int:
    """Print a row per backbone and head."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--trials", type=int, default=40)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    data = tasks.get("mnist", train_size=4000, validation_size=2000).search_data(chosen.data_dir)
    (x, y), (x_val, y_val) = ((split.x, split.y) for split in (data.train, data.validation))
    print(f"{'backbone':24}{'head':26}{'first / guess':>14}{'loss':>8}{'accuracy':>10}")
    off = []
    for make, learned, head in itertools.product(BACKBONES, (False, True), HEADS):
        rows = []
        for seed in range(chosen.seeds):
            keras.backend.clear_session()
            keras.utils.set_random_seed(seed)
            backbone = trained(make, x, y, seed) if learned else make()
            rows.append(row(backbone, head, (x, y, x_val, y_val), chosen.steps, seed))
        first, loss, accuracy = np.mean(rows, axis=0)
        name = f"{make.__name__}, {'trained' if learned else 'random'}"
        print(f"{name:24}{head:26}{first:14.3f}{loss:8.3f}{accuracy:10.3f}", flush=True)
        off += [name] if "0.01" in head and max(abs(r[0] - 1) for r in rows) > ALLOWED else []
    kept = untouched(chosen.trials)
    print(f"\nbackbone untouched in {kept} of {chosen.trials} trials")
    print(
        f"loss at step 1 more than {ALLOWED:.0%} off that of a guess with output_variance=0.01: "
        + (", ".join(off) or "none")
    )
    return int(kept < chosen.trials or bool(off))


if __name__ == "__main__":
    sys.exit(main())
