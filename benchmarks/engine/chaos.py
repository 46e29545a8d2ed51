"""6. Chaos: a run in which 30% of the candidates raise, hang, exhaust memory, segfault, exit or return NaN.

It has to end normally, with every failure in its right state and every healthy candidate completed. Hanging is done in
C while holding Python's lock, so that nothing but SIGKILL helps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from common import table

from gondwana.nas.candidate import Candidate, Json, State
from gondwana.nas.engine.loop import RunLoop
from gondwana.nas.engine.pools import ray_environment
from gondwana.nas.engine.pools.protocol import Job
from gondwana.nas.engine.pools.ray_options import RayOptions
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Store
from tests.helpers.engine.fakes import FakeSearch, no_setup, score

DEEDS = {
    "raise": State.CRASHED,
    "hang": State.TIMED_OUT,
    "exhaust": State.OUT_OF_MEMORY,
    "raise_memory": State.OUT_OF_MEMORY,
    "segfault": State.CRASHED,
    "exit": State.CRASHED,
    "diverge": State.DIVERGED,
}
SHARE = 0.3
LIMITS = {"max_seconds": 10.0, "max_memory_mb": 500.0}


class Chaos(FakeSearch):
    """Three of ten candidates misbehave, by the seed."""

    def _special(self, number: int) -> Json:
        rng = np.random.default_rng((self.seed, number))
        return {"do": str(rng.choice(list(DEEDS)))} if rng.random() < SHARE else {}


def make_job(candidate: Candidate) -> Job:
    """Return the job with both limits."""
    return Job(candidate.id, candidate.spec, score, **LIMITS)


def main() -> int:
    """Run and check every state."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--size", type=int, default=20)
    arguments = parser.parse_args()
    ray_environment.prepare("local")
    from gondwana.nas.engine.pools.ray_pool import RayPool

    search = Chaos(generations=arguments.generations, size=arguments.size, seconds=0.05)
    begin = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        RayPool(RayOptions(workers=2, setup=no_setup, max_retries=1)) as pool,
    ):
        run = RunFolder.create(Path(folder, "run"))
        with Store.create(run.engine(), run.run_id, name="chaos", config={}) as store:
            finished = RunLoop(search, store, pool, make_job).run()
            outcomes = list(store.outcomes())
    wrong, counts = 0, Counter()
    for outcome in outcomes:
        deed = search.candidates[outcome.candidate_id].spec["model"].get("do", "score")
        right = DEEDS.get(deed, State.COMPLETED)
        counts[deed, outcome.state.value] += 1
        if outcome.state is not right or (right is not State.COMPLETED and not outcome.reason):
            wrong += 1
            print(f"candidate {outcome.candidate_id} ({deed}) ended {outcome.state.value}: {outcome.reason}")
    for (deed, state), number in sorted(counts.items()):
        print(f"{deed:<14} {state:<14} {number}")
    bad = sum(number for (deed, _), number in counts.items() if deed != "score")
    total = arguments.generations * arguments.size
    print(f"{time.monotonic() - begin:.0f} s\n")
    return table(
        [
            ("ended normally", finished, "True", finished),
            ("outcomes", len(outcomes), str(total), len(outcomes) == total),
            ("share that misbehaves", f"{bad / total:.2f}", f"about {SHARE}", bad > 0),
            ("in a wrong state", wrong, "0", wrong == 0),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
