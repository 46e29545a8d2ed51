"""Simulated run folders: real stores with made-up outcomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.engine.records.store import Final
from tests.helpers.runs import HOSTILE, SECONDS, comparison_config, spec, write_run


@pytest.fixture
def evolution(tmp_path: Path) -> Path:
    """Three generations of six candidates; every state occurs, names and reasons are hostile."""
    rng = np.random.default_rng(0)
    failing = [State.INVALID, State.OUT_OF_MEMORY, State.TIMED_OUT, State.CRASHED]
    candidates, outcomes = [], []
    for number in range(18):
        candidate = Candidate(number, number // 6, spec(HOSTILE, "autoinit", number), {"parents": [HOSTILE]})
        candidates.append(candidate)
        common = {"seed": candidate.seed, "seconds": SECONDS, "worker": "host:1", "parameters": 1234}
        if number in (2, 7, 11, 16):
            state = failing.pop()
            outcomes.append(Outcome(number, state, reason=HOSTILE + state.value, seed=candidate.seed))
        elif number == 4:
            outcomes.append(
                Outcome(number, State.DIVERGED, 0.1, reason="loss is not finite " + HOSTILE, **common)
            )
        elif number == 5:
            outcomes.append(Outcome(number, State.DUPLICATE, 0.9, reason="same as 3", duplicate_of=3))
        else:
            fitness = 0.8 + 0.05 * (number // 6) + 0.02 * rng.random()
            outcomes.append(Outcome(number, State.COMPLETED, fitness, **common))
    config = {"name": HOSTILE, "seed": 0, "generations": 3, "search": {"kind": "codeepneat"}, "note": HOSTILE}
    best = max((o for o in outcomes if o.fitness is not None), key=lambda o: o.fitness or 0)
    final = Final(0, Outcome(best.candidate_id, State.COMPLETED, 0.93, {"test_accuracy": 0.92}), "best.keras")
    return write_run(tmp_path / "evolution", config, candidates, outcomes, [final])


@pytest.fixture
def make_comparison(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of run folders that compare three strategies on made-up functions."""

    def make(*, paired: bool = True, functions: int = 40, told: int | None = None) -> Path:
        rng = np.random.default_rng(1)
        candidates: list[Candidate] = []
        outcomes: list[Outcome] = []

        def add(text: str, strategy: str, origin: dict, fitness: float | None, state: State) -> None:
            number = len(candidates)
            candidates.append(Candidate(number, 0, spec(text, strategy, number), {**origin, "text": text}))
            reason = None if state is State.COMPLETED else "the worker died"
            outcomes.append(Outcome(number, state, fitness, seconds=SECONDS, reason=reason))

        for replicate in range(2):
            origin = {"role": "baseline", "strategy": "glorot_uniform", "replicate": replicate}
            add("relu(x)", "glorot_uniform", origin, 0.9, State.COMPLETED)
        for index in range(functions):
            for position, strategy in enumerate(("glorot_uniform", "autoinit", "autoinit++")):
                origin = {"role": "function", "strategy": strategy, "function": index, "replicate": 0}
                if index == 3 and position == 1:
                    add(f"tanh({HOSTILE})", strategy, origin, None, State.CRASHED)
                elif rng.random() < 0.5 - 0.15 * position:
                    add(f"elu({index})", strategy, origin, 37 / 360, State.DIVERGED)
                else:
                    add(
                        f"elu({index})",
                        strategy,
                        origin,
                        0.86 + 0.03 * position + 0.02 * rng.random(),
                        State.COMPLETED,
                    )
        path, config = tmp_path / "comparison", comparison_config(paired)
        return write_run(path, config, candidates, outcomes[:told], finished=told is None)

    return make
