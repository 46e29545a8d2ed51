"""Listeners that pass a run's figures on to TensorBoard and MLflow."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gondwana.nas.candidate import RESULTS, Candidate, Json, Outcome
from gondwana.nas.engine.records.tensorboard_file import EventFile
from gondwana.nas.searches.protocol import Progress

TENSORBOARD = "tensorboard"
CURVES = "curves"
"""Folder of the event files with learning curves, below that of TensorBoard."""

TAG = "gondwana.run"
"""Tag of an MLflow run: the id of ours."""


class MissingTrackerError(ValueError):
    """The config asks for a tracker that is not installed."""


class UnusableTrackerError(ValueError):
    """The config asks for a tracker that does not work here."""


class _Sink(Protocol):
    def scalars(self, step: int, values: Mapping[str, float]) -> None: ...

    def curve(self, candidate: int, points: Sequence[Mapping[str, float]]) -> None: ...

    def close(self, finished: bool) -> None: ...


class Tracker:
    """Turns what happens in a run into scalars over the number of outcomes."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self._told = self._failures = 0
        self._best = -math.inf

    def started(self, progress: Progress, resumed: int, failed: int) -> None:
        """Count on from the outcomes that were recorded before."""
        self._told, self._failures = resumed, failed
        self._best = -math.inf if progress.best_fitness is None else progress.best_fitness

    def outcome(self, candidate: Candidate, outcome: Outcome, details: str | None) -> None:
        """Pass on fitness, parameters and seconds of an outcome, and the learning curve of each new best network."""
        self._told += 1
        self._failures += outcome.state not in RESULTS
        values: dict[str, float] = {"failures": self._failures}
        if outcome.fitness is not None:
            values["fitness/candidate"] = outcome.fitness
        if outcome.parameters is not None:
            values["resources/parameters"] = outcome.parameters
        values |= {f"seconds/{phase}": seconds for phase, seconds in outcome.seconds.items()}
        self._sink.scalars(self._told, values)
        if outcome.fitness is not None and outcome.fitness > self._best:
            self._best = outcome.fitness
            if outcome.curve:
                self._sink.curve(candidate.id, outcome.curve)

    def progress(self, progress: Progress, running: int) -> None:
        """Pass on best and mean fitness."""
        values: dict[str, float] = {"generation": progress.generation, "resources/running": running}
        if progress.best_fitness is not None and progress.mean_fitness is not None:
            values |= {"fitness/best": progress.best_fitness, "fitness/mean": progress.mean_fitness}
        self._sink.scalars(progress.told, values)

    def generation(self, generation: int) -> None:
        """Pass on nothing: the generation is among the figures of :meth:`progress`."""

    def stopping(self, running: int) -> None:
        """Pass on nothing: no figure changes."""

    def finalizing(self, count: int) -> None:
        """Pass on nothing: no figure changes."""

    def close(self, finished: bool) -> None:
        """Close what is written to; ``finished`` is False for a run that was stopped or failed and can be resumed."""
        self._sink.close(finished)


class _TensorBoard:
    """Scalars as an event file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = EventFile(folder)
        self.scalars = self._file.scalars

    def curve(self, candidate: int, points: Sequence[Mapping[str, float]]) -> None:
        """Write an event file of its own, which TensorBoard draws as a line of its own in one chart."""
        file = EventFile(self._folder / CURVES / f"candidate-{candidate:06d}")
        for point in points:
            file.scalars(
                int(point["epoch"]), {f"curve/{name}": v for name, v in point.items() if name != "epoch"}
            )
        file.close()

    def close(self, finished: bool) -> None:
        self._file.close()


class _MLflow:
    """Scalars as metrics of one MLflow run, which goes on when the run is resumed.

    A server that cannot be reached any more ends the tracking with a warning, and not the run.
    """

    def __init__(self, name: str, config: Json, run_id: str) -> None:
        self._mlflow = _import_mlflow()
        self._lost = False
        try:
            found = self._mlflow.search_runs(
                filter_string=f"tags.`{TAG}` = '{run_id}'", output_format="list", max_results=1
            )
            if found:
                self._mlflow.start_run(run_id=found[0].info.run_id)
            else:
                self._mlflow.start_run(run_name=name, tags={TAG: run_id})
                self._mlflow.log_params(dict(_flat(config)))
        except self._mlflow.exceptions.MlflowException as error:
            raise UnusableTrackerError(
                f"engine.mlflow is set, but MLflow refuses: {error}; see MLFLOW_TRACKING_URI, or set it to false"
            ) from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._try(lambda: self._mlflow.log_metrics(dict(values), step=step))

    def curve(self, candidate: int, points: Sequence[Mapping[str, float]]) -> None:
        """Log it as metrics over epochs, under the candidate's name."""
        for point in points:
            values = {f"curve/{candidate:06d}/{name}": v for name, v in point.items() if name != "epoch"}
            self.scalars(int(point["epoch"]), values)

    def close(self, finished: bool) -> None:
        """End MLflow's run, after a lost server too: it is the client that would take it up again."""
        self._try(lambda: self._mlflow.end_run("FINISHED" if finished else "KILLED"), last=True)

    def _try(self, call: Callable[[], object], *, last: bool = False) -> None:
        if self._lost and not last:
            return
        try:
            call()
        except self._mlflow.exceptions.MlflowException as error:
            if self._lost:
                return
            self._lost = True
            reason = " ".join(str(error).split())[:300]
            warnings.warn(f"MLflow is given up, the run goes on without it: {reason}", stacklevel=3)


def make_trackers(
    tensorboard: bool, mlflow: bool, path: Path, name: str, config: Json, run_id: str
) -> list[Tracker]:
    """Return the trackers that a run wants.

    Args:
        tensorboard, mlflow: which.
        path: run folder.
        name, config, run_id: of the run.

    Raises:
        MissingTrackerError: if one is not installed.
        UnusableTrackerError: if one refuses the run.
    """
    trackers = [Tracker(_TensorBoard(path / TENSORBOARD))] if tensorboard else []
    try:
        if mlflow:
            trackers.append(Tracker(_MLflow(name, config, run_id)))
    except BaseException:
        for tracker in trackers:
            tracker.close(False)
        raise
    return trackers


def check_trackers(mlflow: bool) -> None:
    """Check that what a run wants is installed. Raises MissingTrackerError."""
    if mlflow:
        _import_mlflow()


def _import_mlflow() -> Any:
    try:
        return importlib.import_module("mlflow")
    except ImportError as error:
        raise MissingTrackerError(
            "engine.mlflow is set, but MLflow is not installed: pip install mlflow, or set it to false"
        ) from error


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    items: list[tuple[str, str]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            items += _flat(value, f"{prefix}{key}.")
        else:
            items.append((f"{prefix}{key}", str(value)[:500]))
    return items
