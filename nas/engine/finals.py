"""The end of a run: its finalists are trained again, scored on the test split once, and saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gondwana.nas.candidate import Candidate
from gondwana.nas.engine.loop import Stop, to_outcome
from gondwana.nas.engine.pools.protocol import Job, Pool, Result
from gondwana.nas.engine.records.run_folder import BEST_MODEL, RunFolder
from gondwana.nas.engine.records.store import Final, Store

DATA = "final"
PATIENCE = 3
"""A finalist may take this many times ``limits.max_seconds``: it was within them once."""


def train_finalists(
    ranked: Sequence[Candidate],
    count: int,
    folder: RunFolder,
    store: Store,
    pool: Pool,
    stop: Stop,
    patience: float = PATIENCE,
) -> bool:
    """Train the first ``count`` of ``ranked`` that have no recorded final yet. Return whether all have one at the end.

    If none of them could be trained to the end, the next ones are tried, one by one, until one could. When a stop is
    asked for, those that have not begun are withdrawn, and those that have are waited for.

    ``patience`` is how many times ``limits.max_seconds`` each may take.
    The pool must have been given the data under :data:`DATA`. A model is in the folder before its record is made, so
    that no record names a file that is not there.
    """
    goal = min(count, len(ranked))
    while True:
        finals = {final.rank: final for final in store.finals()}
        missing = {ranked[rank].id: rank for rank in range(goal) if rank not in finals}
        if missing:
            if stop.requested:
                return False
            jobs = [_job(ranked[rank], patience) for rank in missing.values()]
            if not _train(
                [ranked[rank] for rank in missing.values()], jobs, missing, folder, store, pool, stop
            ):
                return False
        elif goal < len(ranked) and goal and not any(final.model_file for final in finals.values()):
            goal += 1
        else:
            _provide_best(list(finals.values()), folder)
            return True


def _train(
    candidates: Sequence[Candidate],
    jobs: Sequence[Job],
    missing: dict[int, int],
    folder: RunFolder,
    store: Store,
    pool: Pool,
    stop: Stop,
) -> bool:
    """Train candidates whose ranks ``missing`` has by id. Return whether all were."""
    for job in jobs:
        pool.submit(job)
    by_id = {candidate.id: candidate for candidate in candidates}
    withdrawn = False
    while missing:
        if stop.requested and not withdrawn:
            pool.withdraw()  # what has begun is kept all the same, so that no test score is computed twice
            withdrawn = True
        if withdrawn and not pool.pending:
            break
        for result in pool.wait(timeout=1.0):
            _keep(by_id[result.id], missing.pop(result.id), result, folder, store)
    return not missing


def _provide_best(finals: Sequence[Final], folder: RunFolder) -> None:
    """Save the network of the best finalist that has one as the best network of the run."""
    saved = [final.model_file for final in sorted(finals, key=lambda final: final.rank) if final.model_file]
    if saved and not (folder.path / BEST_MODEL).exists():
        folder.write_bytes(BEST_MODEL, (folder.path / saved[0]).read_bytes())


def _job(candidate: Candidate, patience: float) -> Job:
    from gondwana.nas.evaluation.evaluate import finalize

    return Job.of(candidate, finalize, DATA, patience=patience)


def _keep(candidate: Candidate, rank: int, result: Result, folder: RunFolder, store: Store) -> None:
    model = result.report.model
    name = None
    if model is not None:
        name = BEST_MODEL if rank == 0 else f"final-{rank}.keras"
        folder.write_bytes(name, model)
    outcome = to_outcome(candidate, replace(result, report=replace(result.report, model=None)))
    store.add_final(Final(rank, outcome, name))
