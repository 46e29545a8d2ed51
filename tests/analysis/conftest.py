"""Simulated run folders: real stores with made-up outcomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Final, Store

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"

SECONDS = {"queued": 0.01, "built": 0.2, "initialized": 0.1, "trained": 1.5, "scored": 0.1}


def spec(activation: str, strategy: str, replicate: int = 0) -> dict:
    return make_spec(
        0,
        task={"name": "digits", "options": {}},
        model={"kind": "architecture", "name": "small_cnn", "options": {}, "activation": activation},
        initialization={"strategy": strategy, "options": {}},
        training={"epochs": 1},
        replicate=replicate,
    )


def write_run(
    path: Path,
    config: dict,
    candidates: Sequence[Candidate],
    outcomes: Sequence[Outcome],
    finals: Sequence[Final] = (),
    *,
    finished: bool = True,
) -> Path:
    folder = RunFolder.create(path)
    with Store.create(folder.engine(), folder.run_id, name=str(config["name"]), config=config) as store:
        store.add_candidates([(candidate, candidate.key) for candidate in candidates], 0)
        store.add_outcomes(outcomes, 0)
        store.add_snapshot(0, {"kind": "simulated"})
        for final in finals:
            store.add_final(final)
        if finished:
            store.finish()
    folder.write_text(
        "environment.json", json.dumps({"versions": {"keras": "3.15.1"}, "commit": None, "seed": 0})
    )
    return path


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


def comparison_config(paired: bool) -> dict:
    strategies = [{"strategy": name, "options": {}} for name in ("glorot_uniform", "autoinit", "autoinit++")]
    search = {"kind": "compare", "paired": paired, "margin": 0.02, "strategies": strategies}
    return {"name": "compare", "seed": 0, "task": {"name": "digits", "options": {}}, "search": search}


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
