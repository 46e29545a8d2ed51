"""A run as plain data, read once from its store: what statistics, figures and the report work on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gondwana.nas.candidate import PHASES, RESULTS, Candidate, Json, Outcome, State
from gondwana.nas.engine.records.store import Final, Repeat, Store
from gondwana.nas.report.data.metric import metric_of

ANALYSIS = "analysis.json"
"""File of a run folder with what was computed once about its best network."""
LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate that was asked for, with its outcome; None while it has none."""

    candidate: Candidate
    outcome: Outcome | None = None

    @property
    def fitness(self) -> float | None:
        """Fitness of the outcome; None if there is none."""
        return None if self.outcome is None else self.outcome.fitness


def by_generation(trials: Iterable[Trial]) -> dict[int, list[float]]:
    """Return the fitness values of the results of each generation, ascending generations.

    A network that was trained in several rungs counts once, with the fitness that it had in the end.
    """
    trials = list(trials)
    went_on = {trial.candidate.origin.get("continues") for trial in trials if trial.fitness is not None}
    values: dict[int, list[float]] = {}
    for trial in trials:
        if trial.fitness is not None and trial.candidate.id not in went_on:
            values.setdefault(trial.candidate.generation, []).append(trial.fitness)
    return dict(sorted(values.items()))


@dataclass(frozen=True)
class RunData:
    """Everything that a run has recorded.

    Attributes:
        path: run folder.
        name: name of the run.
        config: resolved config, JSON.
        environment: versions, commit, devices and what else the engine noted about the run's surroundings, JSON.
        created, finished: Unix times; ``finished`` is None for a run that has not ended.
        trials: in the order of candidate ids.
        snapshots: state of the search by generation.
        finals: finalists, best of the search first, with their test figures.
        repeats: trainings of finalists with several seeds.
        recorded: Unix time at which each outcome was recorded, by candidate.
        notes: what the checks of the data found suspicious, in sentences.
        analysis: see :mod:`gondwana.nas.report.data.analysis`; None if it was not made.
    """

    path: Path
    name: str
    config: Json
    created: float
    finished: float | None
    trials: tuple[Trial, ...]
    environment: Mapping[str, object] = field(default_factory=dict)
    snapshots: Mapping[int, Json] = field(default_factory=dict)
    finals: tuple[Final, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    recorded: Mapping[int, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    analysis: Mapping[str, Any] | None = None

    @classmethod
    def from_store(cls, path: Path, store: Store, environment: Mapping[str, object]) -> RunData:
        """Read a run from its store."""
        record = store.run()
        outcomes = {outcome.candidate_id: outcome for outcome in store.outcomes()}
        trials = tuple(
            Trial(recorded.candidate, outcomes.get(recorded.candidate.id)) for recorded in store.candidates()
        )
        return cls(
            path=path,
            name=record.name,
            config=record.config,
            created=record.created,
            finished=record.finished,
            trials=trials,
            environment=environment,
            snapshots=store.snapshots(),
            finals=tuple(store.finals()),
            repeats=tuple(store.repeats()),
            recorded=store.recorded(),
            notes=tuple(_notes(path / LOG)),
            analysis=read_json(path / ANALYSIS),
        )

    @property
    def outcomes(self) -> list[Outcome]:
        """All outcomes, in the order of candidate ids."""
        return [trial.outcome for trial in self.trials if trial.outcome is not None]

    @property
    def kind(self) -> str:
        """Kind of the search, such as ``codeepneat`` or ``compare``; empty if the config does not say."""
        search = self.config.get("search", {})
        return str(search.get("kind", "")) if isinstance(search, Mapping) else ""

    @property
    def metric(self) -> str:
        """Name of the metric that is the fitness."""
        return metric_of(self.config)

    def states(self) -> Counter[State]:
        """Number of outcomes by state."""
        return Counter(outcome.state for outcome in self.outcomes)

    def reasons(self) -> Counter[tuple[State, str]]:
        """Number of outcomes by state and reason, for everything that did not complete and is no duplicate."""
        return Counter(
            (outcome.state, outcome.reason or "")
            for outcome in self.outcomes
            if outcome.state not in (State.COMPLETED, State.DUPLICATE)
        )

    def by_generation(self) -> dict[int, list[float]]:
        """Fitness values of the results of each generation, ascending generations."""
        return by_generation(self.trials)

    def seconds(self) -> dict[str, list[float]]:
        """Wall seconds of each phase, one per outcome that was not answered from the cache."""
        return {
            phase: [
                outcome.seconds[phase]
                for outcome in self.outcomes
                if phase in outcome.seconds and outcome.state is not State.DUPLICATE
            ]
            for phase in PHASES
        }

    def best(self, count: int = 5) -> list[Trial]:
        """The trials of largest fitness, best first, each candidate once."""
        results = [
            trial
            for trial in self.trials
            if trial.outcome is not None and trial.outcome.state in RESULTS - {State.DUPLICATE}
        ]
        return sorted(results, key=lambda trial: (-(trial.fitness or 0.0), trial.candidate.id))[:count]


def commit_of(run: RunData) -> str:
    """Return the commit of the code that made a run, 12 digits, with a "+" if files were changed; empty if unknown."""
    noted = run.environment.get("git")
    if not isinstance(noted, Mapping) or not noted.get("commit"):
        return ""
    return str(noted["commit"])[:12] + ("+" if noted.get("modified") else "")


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object that a file holds; None if it is not there or is not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _notes(path: Path) -> list[str]:
    """Return the notes on the data in a run's log, each once; a torn line, as a full disk leaves it, is skipped."""
    found: dict[str, None] = {}
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if '"event": "data"' in line]
    except (OSError, UnicodeDecodeError):
        return []
    for line in lines:
        try:
            note = str(json.loads(line).get("note", ""))
        except ValueError:
            continue
        found[note.removeprefix("warning: ")] = None
    return [note for note in found if note]
