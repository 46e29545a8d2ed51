"""4. The driver: what it adds to each evaluation, whether that grows, and how busy it keeps the workers.

Part 1 evaluates instantly: a run of ``--evaluations`` candidates in a real run folder (every outcome on the disk
before the next decision, those that are ready together by one write) in windows of a tenth each. The driver's CPU
seconds are printed beside the wall seconds, as only they mean something on a machine that others use.

Part 2 simulates 8 workers whose evaluations last log-normally (median 1, sigma 0.75), in virtual time to which the
driver's real time is added, for fakes and for CoDeepNEAT itself in both modes (configs/mnist-small.yaml, trainings only
pretended). Utilisation is the workers' busy time over 8 times the makespan.
"""

from __future__ import annotations

import argparse
import heapq
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, table

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import build_search
from gondwana.nas.engine.loop import RunLoop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Job, Result
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Store
from gondwana.nas.evaluation.evaluate import Report
from gondwana.nas.searches.protocol import Progress, Search
from tests.helpers.engine.driver import job
from tests.helpers.engine.fakes import FakeSearch, SteadySearch, score


class Endless(SteadySearch):
    """Asks for ``size`` candidates and keeps nothing of them: what grows then is the driver's."""

    def ask(self, count: int) -> list[Candidate]:
        asked = super().ask(count)
        self.candidates.clear()
        return asked

    def tell(self, outcome: Outcome) -> None:
        self.outcomes[outcome.candidate_id] = None
        self.level = outcome.fitness

    def progress(self) -> Progress:
        return Progress(0, 1, len(self.outcomes), self.size, self.level, self.level)


class Virtual:
    """Eight workers in virtual time; the driver's real time between two calls counts as well."""

    def __init__(self, workers: int, seed: int, evaluate: Callable[[Mapping[str, Any]], Report]) -> None:
        self.capacity, self._rng, self._evaluate = workers, np.random.default_rng(seed), evaluate
        self._running: list[tuple[float, int, Job]] = []
        self._queue: list[Job] = []
        self.now = self.busy = 0.0
        self._left = time.perf_counter()

    @property
    def pending(self) -> int:
        return len(self._running) + len(self._queue)

    def _begin(self) -> None:
        while self._queue and len(self._running) < self.capacity:
            work, duration = self._queue.pop(0), float(self._rng.lognormal(0.0, 0.75))
            self.busy += duration
            heapq.heappush(self._running, (self.now + duration, work.id, work))

    def submit(self, work: Job) -> None:
        self.now += time.perf_counter() - self._left
        self._left = time.perf_counter()
        self._queue.append(work)
        self._begin()

    def wait(self, timeout: float | None = None) -> list[Result]:
        self.now += time.perf_counter() - self._left
        moment, _, work = heapq.heappop(self._running)
        self.now = max(self.now, moment)
        report = self._evaluate(work.spec)
        self._begin()
        self._left = time.perf_counter()
        return [Result(work.id, report, "virtual", 1, 0.0)]

    def withdraw(self) -> list[int]:
        return []


def instant(evaluations: int, home: Path) -> list[tuple[float, float, float]]:
    """Return (wall ms, CPU ms, resident MB) per evaluation for each tenth of the run."""
    windows = []
    start = time.perf_counter(), time.process_time()

    class Watched(Endless):
        def tell(self, outcome: Outcome) -> None:
            nonlocal start
            super().tell(outcome)
            step = evaluations // 10
            if len(self.outcomes) % step == 0:
                wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
                resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
                windows.append((wall / step * 1e3, cpu / step * 1e3, resident))
                start = time.perf_counter(), time.process_time()

    run = RunFolder.create(home)
    with Store.create(run.engine(), run.run_id, name="driver", config={}) as store:
        RunLoop(Watched(size=evaluations), store, LocalPool(capacity=8, gather_seconds=0.02), job).run()
    return windows


def codeepneat(mode: str) -> Search:
    """Return the search of Table 1's sizes: 22 blueprints, 4 networks of each, 10 generations."""
    sizes = ["population.blueprints=22", "population.modules=56", "evaluations=4", f"mode={mode}"]
    changes = ["generations=10", *(f"search.{size}" for size in sizes)]
    return build_search(load_config(ROOT / "configs" / "mnist-small.yaml", changes))


def pretend(spec: Mapping[str, Any]) -> Report:
    """Score a network by its seed."""
    return Report(State.COMPLETED, fitness=(spec["seed"] % 1000) / 1000, parameters=1)


def utilisation(
    search: Search, home: Path, seed: int, evaluate: Callable[[Mapping[str, Any]], Report] = score
) -> float:
    """Return busy time over capacity times makespan."""
    run = RunFolder.create(home)
    pool = Virtual(8, seed, evaluate)
    with Store.create(run.engine(), run.run_id, name="virtual", config={}) as store:
        RunLoop(search, store, pool, job).run()
    return pool.busy / (pool.capacity * pool.now)


def main() -> int:
    """Measure both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        windows = instant(arguments.evaluations, Path(folder, "instant"))
        print("tenth  wall ms  CPU ms  peak MB")
        for number, (wall, cpu, resident) in enumerate(windows):
            print(f"{number:>5}  {wall:7.3f}  {cpu:6.3f}  {resident:7.0f}")
        steady = utilisation(SteadySearch(size=2000), Path(folder, "steady"), 0)
        generational = utilisation(FakeSearch(generations=20, size=100), Path(folder, "generational"), 0)
        real = {
            mode: utilisation(codeepneat(mode), Path(folder, f"codeepneat-{mode}"), 0, pretend)
            for mode in ("steady", "generational")
        }
    wall = max(window[0] for window in windows)
    growth = windows[-1][1] / windows[0][1]
    print()
    return table(
        [
            ("evaluations", arguments.evaluations, "", True),
            ("wall ms per evaluation, slowest tenth", f"{wall:.3f}", "under 2", wall < 2),
            ("CPU ms, last tenth over first", f"{growth:.2f}", "flat: at most 1.2", growth <= 1.2),
            ("peak memory, MB", f"{windows[-1][2]:.0f}", "under 1000", windows[-1][2] < 1000),
            ("utilisation, steady", f"{steady:.3f}", "at least 0.95", steady >= 0.95),
            ("utilisation, 20 generations of 100", f"{generational:.3f}", "", True),
            (
                "utilisation, CoDeepNEAT, steady",
                f"{real['steady']:.3f}",
                "at least 0.95",
                real["steady"] >= 0.95,
            ),
            ("utilisation, CoDeepNEAT, 10 generations of 88", f"{real['generational']:.3f}", "", True),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
