"""What a surrogate costs the driver: CPU time per evaluation over a run of 10,000, models, features and breeding
included.

``python benchmarks/search/surrogate_cost.py --evaluations 10000`` leads searches with and without a surrogate through
made-up outcomes and prints the milliseconds of the search's own work per evaluation, for the whole run and its last
tenth.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from landscapes import SPACE, additive

from gondwana import tasks
from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.pangaea.search import PangaeaSettings
from gondwana.nas.searches.protocol import Search
from tests.helpers.codeepneat import IMAGES

TARGET_MS = 5.0
PER_GENERATION = 100


def functions(generations: int, surrogate: bool) -> Search:
    """Return PANGAEA's search with its own population."""
    settings = PangaeaSettings(
        architecture={"name": "small_cnn"}, evaluations=PER_GENERATION, surrogate=surrogate
    )
    task = {"name": "digits", "options": {}}
    job = SearchJob(0, generations, task, tasks.get("digits").info, {"epochs": 1})
    return settings.create(job)


def networks(mode: str) -> Callable[[int, bool], Search]:
    """Return a maker of searches for networks, 25 blueprints and 40 modules."""

    def make(generations: int, surrogate: bool) -> Search:
        settings: dict[str, Any] = {
            "kind": "codeepneat",
            "mode": mode,
            "population": {"blueprints": 25, "modules": 40},
            "evaluations": 4,
            "space": SPACE,
            "surrogate": surrogate,
        }
        job = SearchJob(
            0, generations, {"name": "images", "options": {}}, IMAGES, {"epochs": 1, "learning_rate": 1e-3}
        )
        return CoDeepNEATConfig.model_validate(settings).create(job)

    return make


def outcome(candidate: Candidate) -> Outcome:
    """Return a fitness that can be learned in part."""
    digest = int(hashlib.sha256(candidate.key.encode()).hexdigest()[:8], 16) / 16**8
    if candidate.spec["model"]["kind"] == "codeepneat":
        return Outcome(candidate.id, State.COMPLETED, additive(candidate.spec) + 0.05 * digest)
    text = candidate.spec["model"]["activation"]
    return Outcome(
        candidate.id, State.COMPLETED, 0.3 + 0.1 * text.count("relu") / (1 + text.count("(")) + 0.1 * digest
    )


def cost(search: Search, evaluations: int) -> tuple[float, float]:
    """Return milliseconds of the search per evaluation, over all and over the last tenth."""
    spent, last, done = 0.0, 0.0, 0
    while not search.finished:
        begin = time.process_time()
        asked = search.ask(4)
        used = time.process_time() - begin
        for candidate in asked:
            result = outcome(candidate)
            begin = time.process_time()
            search.tell(result)
            used += time.process_time() - begin
        done += len(asked)
        spent += used
        if done > 0.9 * evaluations:
            last += used
    return spent / done * 1e3, last / (0.1 * evaluations) * 1e3


def main() -> int:
    """Measure, print; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=10_000)
    arguments = parser.parse_args()
    makers = {"pangaea": functions, "codeepneat": networks("generational"), "steady": networks("steady")}
    missed = False
    for name, make in makers.items():
        for surrogate in (False, True):
            search = make(arguments.evaluations // PER_GENERATION, surrogate)
            whole, last = cost(search, arguments.evaluations)
            missed |= surrogate and max(whole, last) > TARGET_MS
            print(
                f"{name:<11} {'with' if surrogate else 'without':<8} {whole:.2f} ms an evaluation, "
                f"{last:.2f} in the last tenth" + (f" (target {TARGET_MS})" if surrogate else ""),
                flush=True,
            )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
