"""The space that people write by hand for images: some convolutions, a dense layer, an optimizer. For the peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import keras

EPOCHS = 9
"""Most epochs of a training, as many as our search has on its last rung."""


class OutOfTime(BaseException):
    """The core time is used up; not an Exception, so that no search takes it for a failed trial."""


class Choices(Protocol):
    """What Optuna's trials and KerasTuner's hyperparameters have in common, under one set of names."""

    def integer(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def one_of(self, name: str, values: list[Any]) -> Any: ...


class OptunaChoices:
    """Choices made by an Optuna trial."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    def integer(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(self._trial.suggest_int(name, low, high, log=log))

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._trial.suggest_float(name, low, high, log=log))

    def one_of(self, name: str, values: list[Any]) -> Any:
        return self._trial.suggest_categorical(name, values)


class TunerChoices:
    """Choices made by KerasTuner."""

    def __init__(self, parameters: Any) -> None:
        self._parameters = parameters

    def integer(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        sampling = "log" if log else "linear"
        return int(self._parameters.Int(name, low, high, sampling=sampling))

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        sampling = "log" if log else "linear"
        return float(self._parameters.Float(name, low, high, sampling=sampling))

    def one_of(self, name: str, values: list[Any]) -> Any:
        return self._parameters.Choice(name, values)


def build(choose: Choices, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Return a compiled network."""
    inputs = x = keras.Input(shape)
    for number in range(choose.integer("convolutions", 1, 4)):
        filters = choose.integer(f"filters_{number}", 8, 64, log=True)
        size = choose.one_of(f"kernel_{number}", [3, 5])
        x = keras.layers.Conv2D(filters, size, padding="same")(x)
        if choose.one_of("normalize", [True, False]):
            x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Activation("relu")(x)
        if min(x.shape[1:3]) > 3:
            x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(choose.integer("units", 16, 256, log=True), "relu")(x)
    x = keras.layers.Dropout(choose.number("dropout", 0.0, 0.5))(x)
    outputs = keras.layers.Dense(classes, "softmax")(x)
    model = keras.Model(inputs, outputs)
    rate = choose.number("learning_rate", 1e-4, 1e-2, log=True)
    kind = choose.one_of("optimizer", ["adam", "rmsprop"])
    optimizer = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[kind](rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Best(keras.callbacks.Callback):
    """Keeps the weights of the best epoch of all trainings, and the course of the best so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self.value = 0.0
        self.course: list[tuple[float, float]] = []
        self.config: Mapping[str, Any] | None = None
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        value = float((logs or {})["val_accuracy"])
        if value > self.value:
            self.value = value
            self.course.append((self._clock(), value))
            self.config, self.weights = self.model.get_config(), self.model.get_weights()

    def network(self) -> keras.Model:
        """Return the network that is handed over."""
        if self.config is None:
            raise RuntimeError("no epoch of any training was finished in the time")
        model = keras.Model.from_config(self.config)
        model.set_weights(self.weights)
        return model


@contextmanager
def until_out_of_time() -> Iterator[None]:
    """Do what is inside until the time is used up."""
    try:
        yield
    except OutOfTime:
        return
