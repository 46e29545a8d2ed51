"""A run at a glance, read from its store while it runs or afterwards. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gondwana.nas.candidate import RESULTS, Json, Outcome, State
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Final, Store
from gondwana.nas.searches.best_so_far import BestSoFar

SHOWN_REASONS = 5


class NoResultError(ValueError):
    """The run has no result yet."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures that ``gondwana show`` prints of a run.

    Attributes:
        name: of the run.
        config: resolved config, JSON.
        finished: True when nothing is left to do.
        running: True while a driver holds the run's lock.
        asked, told: number of candidates, and of outcomes.
        states: number of outcomes by state.
        failures: the same, for states that are no result.
        best: outcome of largest fitness, the earliest among equals.
        mean: mean fitness of all results.
        worker_seconds: sum over outcomes of the seconds of their phases, without waiting.
        reasons: most frequent reasons of failures with their numbers.
        finals: finalists, best of the search first.
        functions: text of the activation function by candidate, of ``best`` and ``finals`` in a search for functions.
    """

    name: str
    config: Json
    finished: bool
    running: bool
    asked: int
    told: int
    states: Mapping[str, int]
    failures: Mapping[str, int]
    best: Outcome | None
    mean: float | None
    worker_seconds: float
    reasons: tuple[tuple[str, int], ...]
    finals: tuple[Final, ...]
    functions: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Best:
    """The best network of a run.

    Attributes:
        outcome: of the search.
        spec: what it was built from.
        final: its retraining, if it is done.
        model: the saved network, if there is one.
        data_dir: where the run's datasets lie, if that was said.
    """

    outcome: Outcome
    spec: Mapping[str, Any]
    final: Final | None
    model: Path | None
    data_dir: Path | None


def summarize(path: Path) -> Summary:
    """Return a run at a glance. Raises RunFolderError and StoreError."""
    folder = RunFolder.open(path)
    with folder.open_store(read_only=True) as store:
        record = store.run()
        outcomes = list(store.outcomes())  # before what was asked: the run may go on meanwhile
        asked, _ = store.counts()
        finals = tuple(store.finals())
        best = _best(outcomes)
        shown = [item.outcome for item in finals] + ([best] if best is not None else [])
        functions = {
            item.candidate_id: store.candidate(item.candidate_id).origin.get("text") for item in shown
        }
    fitness = [item.fitness for item in outcomes if item.fitness is not None]
    states = Counter(item.state for item in outcomes)
    reasons = Counter(f"{item.state.value}: {item.reason}" for item in outcomes if item.state not in RESULTS)
    return Summary(
        name=record.name,
        config=record.config,
        finished=record.finished is not None,
        running=folder.is_running(),
        asked=asked,
        told=len(outcomes),
        states={state.value: number for state, number in sorted(states.items())},
        failures={state.value: number for state, number in sorted(states.items()) if state not in RESULTS},
        best=best,
        mean=sum(fitness) / len(fitness) if fitness else None,
        worker_seconds=sum(
            seconds for item in outcomes for phase, seconds in item.seconds.items() if phase != "queued"
        ),
        reasons=tuple(reasons.most_common(SHOWN_REASONS)),
        finals=finals,
        functions={number: str(text) for number, text in functions.items() if text},
    )


class Follower:
    """Follows a run that another process is running. A look reads only what is new since the one before."""

    def __init__(self, path: Path) -> None:
        """Open the run. Raises RunFolderError."""
        self._folder = RunFolder.open(path)
        self.best_so_far = BestSoFar()
        """Of the outcomes seen so far."""
        self.failed = 0
        """Outcomes without a result among them."""
        self.asked = 0
        self.finished = False
        self.running = False

    def look(self) -> None:
        """Bring the attributes up to date. Raises StoreError."""
        self.running = self._folder.is_running()  # first: what ends after this is read below
        with self._folder.open_store(read_only=True) as store:
            self.finished = store.run().finished is not None
            for outcome in store.outcomes(since=self.best_so_far.told):
                self.best_so_far.add(outcome)
                self.failed += outcome.state not in RESULTS
            self.asked = store.counts()[0]


def best_of(path: Path) -> Best:
    """Return the best network: the first finalist that is saved, or the best outcome so far in an unfinished run.

    Raises:
        NoResultError: if the run has no result.
        RunFolderError, StoreError: if it cannot be read.
    """
    folder = RunFolder.open(path)
    with folder.open_store(read_only=True) as store:
        final = _best_final(store.finals())
        outcome = _outcome_of(final, store)
        if outcome is None:
            raise NoResultError(f"{path}: no candidate has a result yet")
        spec = _spec_of(final, outcome, store)
    model = None if final is None or final.model_file is None else path / final.model_file
    return Best(outcome, spec, final, model, folder.data_root)


def last_snapshot(path: Path) -> Json:
    """Return the search's snapshot of the last complete generation; raises NoResultError if none is complete."""
    with RunFolder.open(path).open_store(read_only=True) as store:
        snapshots = store.snapshots()
    if not snapshots:
        raise NoResultError(f"{path}: no generation is complete yet")
    return snapshots[max(snapshots)]


def _best_final(finals: Sequence[Final]) -> Final | None:
    """Return the first finalist with a network, whose is ``best.keras``; without one, the first with a result."""
    saved = [item for item in finals if item.model_file is not None]
    found = saved or [item for item in finals if item.outcome.state in RESULTS]
    return found[0] if found else None


def _outcome_of(final: Final | None, store: Store) -> Outcome | None:
    return _best(list(store.outcomes())) if final is None else store.outcome(final.outcome.candidate_id)


def _spec_of(final: Final | None, outcome: Outcome, store: Store) -> Mapping[str, Any]:
    """Return what the best network was built from: where seeds were tried, that of its training."""
    for repeat in [] if final is None else store.repeats():
        seed = None if final is None else final.outcome.seed
        if repeat.candidate.id == outcome.candidate_id and repeat.outcome.seed == seed:
            return repeat.candidate.spec
    return store.candidate(outcome.candidate_id).spec


def _best(outcomes: list[Outcome]) -> Outcome | None:
    found = [item for item in outcomes if item.fitness is not None and item.state is not State.DIVERGED]
    return min(found, key=lambda item: (-(item.fitness or 0.0), item.candidate_id), default=None)
