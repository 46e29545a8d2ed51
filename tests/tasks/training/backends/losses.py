"""Prints the losses of one epoch's training, and those of ``Model.train_on_batch``, on the active backend, as JSON."""

from __future__ import annotations

import json

import keras

from gondwana import autoinit, tasks
from gondwana.tasks.base import SearchData, Split
from gondwana.tasks.training import fit
from gondwana.tasks.training.loops import KerasLoop
from gondwana.tasks.training.recipe import Recipe

RECIPES = (
    {"optimizer": "adam", "weight_decay": 1e-3, "augmentation": {"crop": 1, "flip": True}, "clip_norm": 1.0},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-2, "scale_penalties": True},
)


def network(info: tasks.TaskInfo) -> keras.Model:
    """A small network with convolution, normalization and pooling, the same on every backend."""
    inputs = keras.Input(info.input_shape)
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.MaxPooling2D()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(8, 3, activation="tanh", kernel_regularizer=keras.regularizers.L1(1e-4))(x)
    outputs = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(x))
    return autoinit.initialize(keras.Model(inputs, outputs), "he_normal", seed=3)


def losses() -> dict[str, list[float]]:
    """Return the mean training loss of the first epoch under each recipe, of our loop and of Keras' trainer."""
    task = tasks.get("digits")
    data = task.search_data(None)
    data = SearchData(Split(data.train.x[:200], data.train.y[:200]), data.validation)
    found: dict[str, list[float]] = {"ours": [], "keras": []}
    chosen = fit.make_loop
    for name, loop in (("ours", chosen), ("keras", KerasLoop)):
        fit.make_loop = loop
        for changes in RECIPES:
            recipe = Recipe.from_json({"epochs": 1, "batch_size": 32, "learning_rate": 0.01, **changes})
            history = fit.train(network(task.info), data, task.info, recipe, seed=4)
            found[name].append(history.epochs[0].loss)
    fit.make_loop = chosen
    return found


if __name__ == "__main__":
    print(json.dumps(losses()))
