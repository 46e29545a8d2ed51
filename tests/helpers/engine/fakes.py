"""A cheap deterministic search, and workers that do what a spec says, good or bad."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gondwana.nas.candidate import Candidate, Json, Outcome, State, make_spec
from gondwana.nas.evaluation.evaluate import Report
from gondwana.nas.randomness import stream
from gondwana.nas.searches.protocol import Progress

TRACE = "ENGINE_FAKES_TRACE"
"""Environment variable of the workers."""


class FakeSearch:
    """Generational: the mean fitness of a generation decides the next one, so that a lost or doubled outcome shows.

    Every ``repeat``-th candidate is equal to the one before it.
    """

    def __init__(
        self, seed: int = 0, generations: int = 3, size: int = 4, repeat: int = 0, **what: Any
    ) -> None:
        self.seed, self.generations, self.size, self.repeat, self.what = seed, generations, size, repeat, what
        self.generation = 0
        self.asked = 0
        self.outcomes: dict[int, Outcome] = {}
        self.candidates: list[Candidate] = []
        self.level = 0.0
        self.history: list[float] = []

    def ask(self, count: int) -> list[Candidate]:
        asked = []
        while len(asked) < count and self.asked < (self.generation + 1) * self.size and not self.finished:
            number = self.asked
            if self.repeat and number % self.repeat == self.repeat - 1:
                spec = dict(self.candidates[number - 1].spec)
            else:
                value = self.level + stream(self.seed, "fake", number).random()
                model = {"kind": "fake", "value": value, **self.what, **self._special(number)}
                spec = make_spec(self.seed, task={}, model=model, initialization={}, training={})
            asked.append(self._ask_for(Candidate(number, self.generation, spec, {"parent": number // 2})))
        return asked

    def _ask_for(self, candidate: Candidate) -> Candidate:
        self.candidates.append(candidate)
        self.asked += 1
        return candidate

    def _special(self, number: int) -> Json:
        return {}

    def tell(self, outcome: Outcome) -> None:
        if outcome.candidate_id >= self.asked or outcome.candidate_id in self.outcomes:
            raise ValueError(f"candidate {outcome.candidate_id} was not asked for or was told before")
        self.outcomes[outcome.candidate_id] = outcome
        last = (self.generation + 1) * self.size
        if len(self.outcomes) == last:
            generation = [self.outcomes[i].fitness or 0.0 for i in range(last - self.size, last)]
            self.level = sum(generation) / self.size
            self.history.append(self.level)
            self.generation += 1

    @property
    def finished(self) -> bool:
        return self.generation == self.generations

    def progress(self) -> Progress:
        known = [item.fitness for item in self.outcomes.values() if item.fitness is not None]
        return Progress(
            generation=self.generation,
            generations=self.generations,
            told=len(self.outcomes),
            total=self.generations * self.size,
            best_fitness=max(known, default=None),
            mean_fitness=sum(known) / len(known) if known else None,
        )

    def finalists(self) -> list[Candidate]:
        known = [(-(item.fitness or 0.0), number) for number, item in self.outcomes.items()]
        return [self.candidates[number] for _, number in sorted(known)]

    def snapshot(self) -> Json:
        return {"history": self.history, "told": len(self.outcomes)}


class SteadySearch(FakeSearch):
    """Every candidate depends on all outcomes told before it was asked for, in their order."""

    def ask(self, count: int) -> list[Candidate]:
        asked = []
        while len(asked) < count and self.asked < self.size:
            number = self.asked
            value = self.level + stream(self.seed, "steady", number).random()
            model = {"kind": "fake", "value": value, **self.what}
            spec = make_spec(self.seed, task={}, model=model, initialization={}, training={})
            asked.append(self._ask_for(Candidate(number, 0, spec, {"told": len(self.outcomes)})))
        return asked

    def tell(self, outcome: Outcome) -> None:
        self.outcomes[outcome.candidate_id] = outcome
        self.level = 0.5 * self.level + 0.1 * (outcome.fitness or 0.0)

    @property
    def finished(self) -> bool:
        return len(self.outcomes) == self.size


def score(spec: Mapping[str, Any], data: Any = None) -> Report:
    """Do what ``spec["model"]`` says: sleep, then misbehave or score.

    Every evaluation leaves a file in the folder that :data:`TRACE` names, so that tests can count them.
    """
    model = spec["model"]
    if os.environ.get(TRACE):
        name = f"{model['value']:.12f}.{os.getpid()}.{time.monotonic_ns()}"
        Path(os.environ[TRACE], name).touch()
    if model.get("seconds"):
        time.sleep(model["seconds"])
    deed = model.get("do", "score")
    if deed in DEEDS:
        DEEDS[deed](model)
    if deed == "diverge":
        return Report(State.DIVERGED, fitness=0.1, reason="the loss became nan")
    return Report(
        State.COMPLETED,
        fitness=model["value"],
        metrics={"val_loss": 1.0 - model["value"], "shared": 0.0 if data is None else float(data[0])},
        parameters=10,
        seconds={"built": 0.0, "trained": model.get("seconds", 0.0)},
    )


def going_on(spec: Mapping[str, Any], data: Any = None, state: bytes | None = None) -> Report:
    """Score by the length of the state that the training goes on from, and return one that is longer by a byte."""
    length = 0 if state is None else len(state)
    return Report(State.COMPLETED, fitness=float(length), training_state=bytes(length + 1))


def by_seed(spec: Mapping[str, Any], data: Any = None) -> Report:
    """Score any spec by its seed, after up to 20 ms that differ from time to time."""
    time.sleep(time.monotonic_ns() % 20 / 1000)
    return Report(State.COMPLETED, fitness=float(stream(spec["seed"], "by_seed").random()), parameters=1)


class LostOnTheWay:
    """A model that a worker fails to read the first ``failures`` times, as if its node went under."""

    def __init__(self, model: Mapping[str, Any], folder: str, failures: int) -> None:
        self.model, self.folder, self.failures = model, folder, failures

    def __reduce__(self) -> tuple[Any, ...]:
        return _read, (self.model, self.folder, self.failures)


def _read(model: Mapping[str, Any], folder: str, failures: int) -> Mapping[str, Any]:
    tried = len(list(Path(folder).iterdir()))
    if tried < failures:
        Path(folder, str(tried)).touch()
        raise OSError("broken pipe")
    return model


def _raise(model: Mapping[str, Any]) -> None:
    raise RuntimeError("this candidate raises")


def _raise_memory(model: Mapping[str, Any]) -> None:
    raise MemoryError("this candidate is greedy")


def _die_once(model: Mapping[str, Any]) -> None:
    mark = Path(model["mark"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _die(model: Mapping[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault(model: Mapping[str, Any]) -> None:
    ctypes.string_at(0)


def _exit(model: Mapping[str, Any]) -> None:
    os._exit(3)


def _hang(model: Mapping[str, Any]) -> None:
    ctypes.PyDLL(None).sleep(600)  # in C, holding the interpreter lock


def _exhaust(model: Mapping[str, Any]) -> None:
    hoard = []
    for _ in range(2000):
        hoard.append(b"x" * 5_000_000)
        time.sleep(0.005)


DEEDS = {
    "raise": _raise,
    "raise_memory": _raise_memory,
    "die_once": _die_once,
    "die": _die,
    "segfault": _segfault,
    "exit": _exit,
    "hang": _hang,
    "exhaust": _exhaust,
}


def no_setup() -> list[str]:
    """Setup of a worker that needs no framework."""
    return ["cpu"]
