"""One candidate, from its spec to its result: build, initialize, train, score.

:func:`evaluate` never raises for what a candidate does: whatever goes wrong becomes a :class:`Report` with a state and
a reason. A task that nobody registered is the caller's mistake, and raises. :func:`finalize` does the same for a
finalist and then scores the test split, once.
"""

from __future__ import annotations

import math
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.nas.candidate import RESULTS, State, strategy_options
from gondwana.nas.evaluation.limits import RefusedError, check_limits
from gondwana.nas.evaluation.training import Training

if TYPE_CHECKING:
    import keras

    from gondwana.tasks.base import SearchData, Split, TaskInfo
    from gondwana.tasks.training.fit import Diverged, History

LOADED = "loaded"
"""Phase before a candidate is looked at; what fails in it is no candidate's fault."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation came to: an outcome before it has a candidate and a worker.

    Attributes:
        state, fitness, metrics, parameters, seconds, reason: as in :class:`gondwana.nas.candidate.Outcome`.
        traceback: for people who look for the cause of a failure.
        model: the trained network as the bytes of a ``.keras`` file, if it was asked for.
        training_state: from which the training can go on, if the spec ends it early (``until_epoch``).
        curve: as in :class:`gondwana.nas.candidate.Outcome`.
        members: reports of candidates that were evaluated together, in their order; the report around them is
            completed, and its fitness means nothing.
    """

    state: State
    fitness: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    traceback: str | None = None
    model: bytes | None = None
    training_state: bytes | None = None
    curve: tuple[Mapping[str, float], ...] = ()
    members: tuple[Report, ...] = ()

    def __post_init__(self) -> None:
        if (self.fitness is None) == (self.state in RESULTS):
            raise ValueError(
                f"a report has a fitness exactly when its state is a result. "
                f"Received: state={self.state.value!r}, fitness={self.fitness!r}"
            )

    @classmethod
    def failure(cls, state: State, reason: str, trace: str | None = None) -> Report:
        """Return the report of an evaluation that failed."""
        return cls(state, reason=" ".join(reason.split())[:1000], traceback=trace)


@dataclass(frozen=True, slots=True)
class FinalData:
    """What :func:`finalize` needs; made once, when a search has ended."""

    search: SearchData
    test: Split | None
    """None if the task has no test rows."""


def load_search_data(task: Mapping[str, Any], data_dir: Path | None = None) -> SearchData:
    """Return training and validation split of ``{"name": ..., "options": {...}}``. Raises as the task does."""
    from gondwana import tasks

    return tasks.get(task["name"], **task.get("options", {})).search_data(data_dir)


def load_final_data(task: Mapping[str, Any], data_dir: Path | None = None) -> FinalData:
    """Return all three splits. Raises as the task does."""
    from gondwana import tasks

    found = tasks.get(task["name"], **task.get("options", {}))
    test = found.test_data(data_dir)
    return FinalData(found.search_data(data_dir), test if len(test) else None)


def evaluate(
    spec: Mapping[str, Any],
    data: SearchData | None = None,
    *,
    data_dir: Path | None = None,
    state: bytes | None = None,
) -> Report:
    """Build, initialize, train and score one candidate.

    Args:
        spec: see :func:`gondwana.nas.candidate.make_spec`.
        data: training and validation split; None loads them.
        data_dir: where to load them from.
        state: ``training_state`` of the same candidate trained for fewer epochs, from which the training goes on. If it
            is damaged, the training begins anew, and comes to the same.

    Returns:
        The report. Whatever fails in loading, building, training or scoring is one, with its reason and traceback.

    Raises:
        ValueError: if the spec's task is unknown or refuses its options.
    """
    return Evaluation(spec).run(
        lambda work: work.search(work.loaded(data, lambda: load_search_data(spec["task"], data_dir)), state)
    )


def finalize(
    spec: Mapping[str, Any], data: FinalData | None = None, *, data_dir: Path | None = None
) -> Report:
    """Train a finalist again from its spec and seed, score it on validation and, once, on the test split.

    ``fitness`` is that of this training on the validation split; the test figures are in ``metrics`` under names that
    begin with ``test_``; ``model`` holds the network.
    """
    return Evaluation(spec).run(
        lambda work: work.final(work.loaded(data, lambda: load_final_data(spec["task"], data_dir)))
    )


def build_model(spec: Mapping[str, Any]) -> keras.Model:
    """Return the network of a spec, initialized by its strategy and within its limits, untrained.

    Raises:
        RefusedError: if it exceeds a limit.
        ValueError: if the spec does not describe a network.
    """
    work = Evaluation(spec)
    return work.initialized(work.built())


class Evaluation:
    """One evaluation under way: what is known so far, for the report of however it ends."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        from gondwana import tasks

        self._spec = spec
        task = spec["task"]
        self._info: TaskInfo = tasks.get(task["name"], **task.get("options", {})).info
        self._seconds: dict[str, float] = {}
        self._parameters: int | None = None
        self._phase = LOADED
        self._model_bytes: bytes | None = None
        self._training = Training(spec, self._info)

    def run(self, work: Any) -> Report:
        """Do ``work``, which returns metrics, and report how it ended."""
        try:
            metrics, failure = self.attempt(work)
            return failure or self.finished(metrics)
        finally:
            release_memory()

    def attempt(self, work: Any) -> tuple[Any, Report | None]:
        """Do ``work``; return its result, or the report of how it failed.

        The one boundary that catches everything that a candidate can cause.
        """
        from gondwana.tasks.training.fit import Diverged

        try:
            return work(self), None
        except Diverged as error:
            return None, self._report(State.DIVERGED, {}, self._info.chance, str(error))
        except RefusedError as error:
            return None, self._report(State.INVALID, {}, None, str(error))
        except Exception as error:  # noqa: BLE001  becomes an outcome with reason and traceback
            return None, self._failed(error)

    def finished(self, metrics: dict[str, float]) -> Report:
        """Return the report of an evaluation that came to its end."""
        fitness = metrics.pop("val_fitness")
        if not math.isfinite(fitness):
            reason = f"the validation metric was {fitness} after training"
            return self._report(State.DIVERGED, metrics, self._info.chance, reason)
        return self._report(State.COMPLETED, metrics, fitness, None)

    def loaded(self, data: Any, load: Callable[[], Any]) -> Any:
        """Return ``data``, or load them; a failure of that says nothing about the candidate."""
        self._phase = LOADED
        return load() if data is None else data

    def search(self, data: SearchData, state: bytes | None) -> dict[str, float]:
        """Train, and score on validation."""
        return self._trained(data, state)[1]

    def final(self, data: FinalData) -> dict[str, float]:
        """Train, score on validation and test, keep the network."""
        from gondwana.tasks.training.intervals import score_with_interval

        model, metrics = self._trained(data.search)
        with self._timed("scored"):
            test = {} if data.test is None else score_with_interval(model, data.test, self._info)
        self._model_bytes = _saved(model)
        return metrics | {f"test_{name}": value for name, value in test.items()}

    def built(self) -> keras.Model:
        """Build the network, refusing one over its limits before its weights exist."""
        import keras

        with self._timed("built"), keras.StatelessScope() as scope:
            # Inside the scope a weight is a shape; leaving it creates them all.
            try:
                model = _build(self._spec, self._info)
                self._parameters = int(model.count_params())
                check_limits(model, self._spec)
            except BaseException:
                scope.initialize_variables = False
                raise
        return model

    def initialized(self, model: keras.Model) -> keras.Model:
        """Initialize by strategy."""
        from gondwana import autoinit

        chosen = self._spec["initialization"]
        with self._timed("initialized"):
            return autoinit.initialize(
                model,
                chosen["strategy"],
                seed=int(self._spec["seed"]),
                input_mean=self._info.input_mean,
                input_variance=self._info.input_variance,
                options=strategy_options(chosen),
            )

    @property
    def info(self) -> TaskInfo:
        """Facts of the task."""
        return self._info

    @property
    def seed(self) -> int:
        """Of the spec."""
        return int(self._spec["seed"])

    @property
    def training(self) -> Training:
        """The training, as far as it has come."""
        return self._training

    def scored_after(self, history: History | Diverged, seconds: float) -> dict[str, float]:
        """Score a network that was trained with others; ``seconds`` are its share of their training.

        Raises:
            Diverged: if it did.
        """
        self._phase = "trained"
        self._seconds |= {"trained": seconds, "scored": self._training.scoring_seconds}
        if isinstance(history, Exception):
            raise history
        self._training.end(history)
        with self._timed("scored"):
            return self._training.score()

    def _trained(self, data: SearchData, state: bytes | None = None) -> tuple[keras.Model, dict[str, float]]:
        return self.trained(self.initialized(self.built()), data, state)

    def trained(
        self, model: keras.Model, data: SearchData, state: bytes | None = None
    ) -> tuple[keras.Model, dict[str, float]]:
        """Train an initialized network and score it on validation; return both."""
        training = self._training
        try:
            with self._timed("trained"):
                training.train(model, data, state)
        finally:  # the curve's validation is scoring, though it is done between epochs
            self._seconds["trained"] -= training.scoring_seconds
            self._seconds["scored"] = training.scoring_seconds
        with self._timed("scored"):
            return model, training.score()

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        self._phase = phase
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[phase] = self._seconds.get(phase, 0.0) + time.perf_counter() - start

    def _failed(self, error: Exception) -> Report:
        trace = traceback.format_exc()
        if is_out_of_memory(error):
            state, reason = State.OUT_OF_MEMORY, f"out of memory: {error}"
        elif self._phase in ("built", "initialized") and any(
            isinstance(e, ValueError) for e in _chain(error)
        ):
            state, reason = State.INVALID, f"cannot be {self._phase}: {error}"
        else:
            what = "its data were" if self._phase == LOADED else "it was"
            state = State.CRASHED
            reason = f"{type(error).__name__} before {what} {self._phase}: {error}"
        return self._report(state, {}, None, " ".join(reason.split())[:1000], trace)

    def _report(
        self,
        state: State,
        metrics: Mapping[str, float],
        fitness: float | None,
        reason: str | None,
        trace: str | None = None,
    ) -> Report:
        return Report(
            state=state,
            fitness=fitness,
            metrics={name: float(value) for name, value in metrics.items() if math.isfinite(value)},
            parameters=self._parameters,
            seconds=self._seconds,
            reason=reason,
            traceback=trace,
            model=self._model_bytes if state is State.COMPLETED else None,
            training_state=self._training.state if state is State.COMPLETED else None,
            curve=tuple(self._training.curve),
        )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those it was raised from: Keras wraps what a layer refuses into a TypeError."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception of any backend says that memory, of the host or of a device, is exhausted."""
    if isinstance(error, MemoryError):
        return True
    name = type(error).__name__
    if name in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    text = str(error)
    return "RESOURCE_EXHAUSTED" in text or "OOM when allocating" in text or "CUDA out of memory" in text


def release_memory() -> None:
    """Give back what Keras keeps of the networks of this process."""
    import keras

    keras.utils.clear_session()  # collects garbage, too


def _build(spec: Mapping[str, Any], info: TaskInfo) -> keras.Model:
    model = dict(spec["model"])
    kind = model.pop("kind")
    seed = int(spec["seed"])
    if kind == "codeepneat":
        from gondwana.nas.searches.codeepneat.network.build import build as assemble

        return assemble(spec["model"], info, seed=seed)
    if kind == "architecture":
        from gondwana.activations import GraphActivation
        from gondwana.tasks import architectures

        text = model["activation"]
        return architectures.build(
            model["name"],
            info,
            activation=lambda name: GraphActivation(text, name=name),
            seed=seed,
            **model.get("options", {}),
        )
    raise ValueError(f"unknown kind of model {kind!r}; known are 'architecture' and 'codeepneat'")


def _saved(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.keras")
        model.save(path, include_optimizer=False)
        return path.read_bytes()
