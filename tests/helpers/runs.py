"""Run folders with made-up outcomes: real stores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from gondwana.nas.candidate import Candidate, Outcome, make_spec
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


def comparison_config(paired: bool) -> dict:
    strategies = [{"strategy": name, "options": {}} for name in ("glorot_uniform", "autoinit", "autoinit++")]
    search = {"kind": "compare", "paired": paired, "margin": 0.02, "strategies": strategies}
    return {"name": "compare", "seed": 0, "task": {"name": "digits", "options": {}}, "search": search}
