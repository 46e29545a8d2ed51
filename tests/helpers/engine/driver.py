"""A driver to be killed: leads a fake search through a pool. ``driver.py FOLDER POOL SECONDS [steady]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gondwana.nas.candidate import Candidate
from gondwana.nas.engine.listener import Listener
from gondwana.nas.engine.loop import RunLoop, Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Job, Pool
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Store
from tests.helpers.engine.fakes import FakeSearch, SteadySearch, no_setup, score

SIZE, GENERATIONS = 8, 5


def make_search(seconds: float, steady: bool = False) -> FakeSearch:
    what = {"seconds": seconds}
    if steady:
        return SteadySearch(size=SIZE * GENERATIONS, **what)
    return FakeSearch(generations=GENERATIONS, size=SIZE, repeat=5, **what)


def job(candidate: Candidate, limit: float | None = None) -> Job:
    return Job(candidate.id, candidate.spec, score, max_seconds=limit)


def open_pool(kind: str) -> Pool:
    if kind == "local":
        return LocalPool()
    from gondwana.nas.engine.pools import ray_environment
    from gondwana.nas.engine.pools.ray_options import RayOptions

    ray_environment.prepare("local")
    from gondwana.nas.engine.pools.ray_pool import RayPool

    return RayPool(RayOptions(workers=2, setup=no_setup))


def open_store(folder: Path) -> tuple[RunFolder, Store]:
    """Create or open the run; both may have been interrupted before."""
    if (folder / "run.json").exists() and (folder / "run.sqlite").exists():
        run = RunFolder.open(folder)
        return run, run.open_store()
    for name in ("run.json", "lock", "run.sqlite", "run.sqlite-wal", "run.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    run = RunFolder.create(folder)
    return run, Store.create(run.engine(), run.run_id, name="fake", config={})


def lead(
    folder: Path, pool: Pool, search: FakeSearch, listeners: Sequence[Listener] = (), stop: Stop | None = None
) -> bool:
    """Lead a search to its end in a new or an existing run folder; return whether it was finished."""
    run, store = open_store(folder)
    with run.lock(), store:
        loop = RunLoop(search, store, pool, partial(job), listeners, stop=stop or Stop())
        loop.replay()
        return loop.run()


if __name__ == "__main__":
    home = Path(sys.argv[1])
    with open_pool(sys.argv[2]) as workers:
        lead(home / "run", workers, make_search(float(sys.argv[3]), "steady" in sys.argv))
    print("finished", flush=True)
