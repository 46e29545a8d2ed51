"""What people would use instead of our search, each under a limit of CPU seconds: Optuna's TPE, KerasTuner's Hyperband.

Both search the plain CNN space of plain_cnn.py on MNIST and hand over the best network that they trained.
"""

from __future__ import annotations

import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIZE = 5000
"""Training and validation images each."""


@dataclass
class Found:
    """What a search hands over.

    Attributes:
        validation, test: its accuracy.
        evaluations: trainings begun.
        seconds: CPU seconds used.
        course: CPU seconds and best validation accuracy so far, at each improvement.
    """

    validation: float
    test: float
    evaluations: int
    seconds: float
    course: list[tuple[float, float]]
    notes: dict[str, Any] = field(default_factory=dict)


class Clock:
    """CPU seconds of this process since it was made; raises OutOfTime in the main thread when a limit is reached."""

    def __init__(self) -> None:
        from plain_cnn import OutOfTime

        def ring(*_: object) -> None:
            raise OutOfTime

        signal.signal(signal.SIGPROF, ring)
        self._begin = time.process_time()

    def __call__(self) -> float:
        return time.process_time() - self._begin

    def stop_at(self, seconds: float) -> None:
        """Ring when so many CPU seconds are used."""
        signal.setitimer(signal.ITIMER_PROF, max(0.001, seconds - self()))

    def silence(self) -> None:
        """Never ring."""
        signal.setitimer(signal.ITIMER_PROF, 0)


def _mnist(data_dir: Path | None) -> Any:
    from gondwana.nas.evaluation.evaluate import load_final_data

    return load_final_data(
        {"name": "mnist", "options": {"train_size": SIZE, "validation_size": SIZE}}, data_dir
    )


def optuna(seed: int, budget: float, data_dir: Path | None) -> Found:
    """Optuna's TPE with the median pruner."""
    import keras
    import optuna as library
    from plain_cnn import EPOCHS, Best, OptunaChoices, build, until_out_of_time

    library.logging.set_verbosity(library.logging.WARNING)
    data = _mnist(data_dir)
    train, validation = data.search.train, data.search.validation
    keras.utils.set_random_seed(seed)
    clock = Clock()
    best = Best(clock)

    class Prune(keras.callbacks.Callback):
        def __init__(self, trial: Any) -> None:
            super().__init__()
            self._trial = trial

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self._trial.report(logs["val_accuracy"], epoch)
            if self._trial.should_prune():
                raise library.TrialPruned

    def objective(trial: Any) -> float:
        keras.utils.clear_session()
        choose = OptunaChoices(trial)
        model = build(choose, train.x.shape[1:], 10)
        history = model.fit(
            train.x,
            train.y,
            batch_size=choose.one_of("batch_size", [32, 64, 128]),
            epochs=EPOCHS,
            validation_data=(validation.x, validation.y),
            callbacks=[best, Prune(trial)],
            verbose=0,
        )
        return float(max(history.history["val_accuracy"]))

    study = library.create_study(
        direction="maximize",
        sampler=library.samplers.TPESampler(seed=seed),
        pruner=library.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )
    with until_out_of_time():
        clock.stop_at(budget)
        study.optimize(objective, n_trials=None)
    clock.silence()
    states = [trial.state.name for trial in study.trials]
    notes = {name: states.count(name) for name in sorted(set(states))}
    return _handed_over(best, data, len(states), clock, notes)


def hyperband(seed: int, budget: float, data_dir: Path | None) -> Found:
    """KerasTuner's Hyperband, begun anew with another seed whenever it is through."""
    import keras
    import keras_tuner
    from plain_cnn import EPOCHS, Best, TunerChoices, build, until_out_of_time

    data = _mnist(data_dir)
    train, validation = data.search.train, data.search.validation
    keras.utils.set_random_seed(seed)
    clock = Clock()
    best = Best(clock)

    class Model(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, parameters: Any) -> keras.Model:
            return build(TunerChoices(parameters), train.x.shape[1:], 10)

        def fit(self, parameters: Any, model: keras.Model, *arguments: Any, **options: Any) -> Any:
            size = parameters.Choice("batch_size", [32, 64, 128])
            options["callbacks"] = [*options.get("callbacks", []), _shared(best)]
            return model.fit(*arguments, batch_size=size, **options)

    trials = 0
    with tempfile.TemporaryDirectory() as scratch, until_out_of_time():
        clock.stop_at(budget)
        for turn in range(1_000_000):
            tuner = keras_tuner.Hyperband(
                Model(),
                objective="val_accuracy",
                max_epochs=EPOCHS,
                factor=3,
                seed=1000 * seed + turn,
                directory=scratch,
                project_name=str(turn),
            )
            try:
                tuner.search(train.x, train.y, validation_data=(validation.x, validation.y), verbose=0)
            finally:
                trials += len(tuner.oracle.trials)
    clock.silence()
    return _handed_over(best, data, trials, clock, {})


def _shared(best: Any) -> Any:
    """Return a callback that passes on what it sees, and stays one when KerasTuner copies it."""
    import keras

    class Shared(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            best.set_model(self.model)
            best.on_epoch_end(epoch, logs)

        def __deepcopy__(self, memo: Any) -> Shared:
            return self

    return Shared()


def _handed_over(best: Any, data: Any, evaluations: int, clock: Clock, notes: dict[str, Any]) -> Found:
    import numpy as np

    seconds, model = clock(), best.network()
    outputs = model.predict(data.test.x, batch_size=250, verbose=0)
    test = float(np.mean(outputs.argmax(axis=-1) == data.test.y))
    return Found(
        best.value, test, evaluations, seconds, best.course, notes | {"parameters": model.count_params()}
    )
