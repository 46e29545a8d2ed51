"""Which finalist is best: each is trained again with several seeds, and the mean decides.

The best of many networks in a search is the best by luck as well: its fitness comes from one training, and it was
chosen for that. So none of these trainings has the seed of the search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gondwana.nas.candidate import Candidate, make_spec
from gondwana.nas.engine.finals import PATIENCE
from gondwana.nas.engine.loop import Stop, to_outcome
from gondwana.nas.engine.pools.protocol import Job, Pool, Work
from gondwana.nas.engine.records.store import Repeat, Store
from gondwana.tasks.training.recipe import Recipe

SEEDS = 1000
"""What the number of a seed is multiplied by for ``replicate`` in the spec: a search's own replicates are far below."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What is to be trained: how many finalists, seeds of each, epochs (None: as in the search), the run's seed."""

    count: int
    seeds: int
    epochs: int | None
    run_seed: int


def patience(candidate: Candidate, how: Repetition) -> float:
    """Return how many times ``limits.max_seconds`` a training of a finalist may take: longer for more epochs."""
    usual = Recipe.from_json(candidate.spec["training"]).epochs
    return PATIENCE * max(1.0, (how.epochs or usual) / usual)


def repeated(candidate: Candidate, number: int, how: Repetition) -> Candidate:
    """Return a finalist with its ``number``-th seed, from 1, trained to the end."""
    spec = candidate.spec
    training = dict(spec["training"]) | ({} if how.epochs is None else {"epochs": how.epochs})
    made = make_spec(
        how.run_seed,
        task=spec["task"],
        model=spec["model"],
        initialization=spec["initialization"],
        training=training,
        limits=spec["limits"],
        replicate=int(spec["replicate"]) + SEEDS * number,
    )
    return Candidate(candidate.id, candidate.generation, made, candidate.origin)


def repeat_finalists(
    ranked: Sequence[Candidate],
    how: Repetition,
    store: Store,
    pool: Pool,
    stop: Stop,
    work: Work,
    data: str,
    chance: float,
) -> list[Candidate] | None:
    """Train the first of ``ranked`` with several seeds each; return them by their mean, best first.

    Each is returned as its best training, so that training it again gives that network. What is recorded is not trained
    again.

    Args:
        ranked: best of the search first.
        how: how often and how long.
        store: where each training is recorded, on the validation split.
        pool: with the search's data under the name ``data``.
        stop: when one is asked for, what has begun is waited for, and None is returned if something is missing.
        work: what a worker does with a spec.
        data: see ``pool``.
        chance: what a training counts as that failed.
    """
    wanted = {
        (rank, number): repeated(candidate, number, how)
        for rank, candidate in enumerate(ranked[: how.count])
        for number in range(1, how.seeds + 1)
    }
    done = {(repeat.rank, repeat.number) for repeat in store.repeats()}
    missing = {key: candidate for key, candidate in wanted.items() if key not in done}
    jobs = [
        replace(Job.of(candidate, work, data, patience=patience(ranked[key[0]], how)), id=number)
        for number, (key, candidate) in enumerate(missing.items())
    ]
    if missing and (stop.requested or not _train(jobs, missing, store, pool, stop)):
        return None
    return _by_mean(store.repeats(), ranked, chance)


def _train(
    jobs: Sequence[Job],
    missing: Mapping[tuple[int, int], Candidate],
    store: Store,
    pool: Pool,
    stop: Stop,
) -> bool:
    """Train and record. Return whether all were."""
    for job in jobs:
        pool.submit(job)
    keys = dict(zip((job.id for job in jobs), missing, strict=True))
    withdrawn = False
    while keys:
        if stop.requested and not withdrawn:
            pool.withdraw()
            withdrawn = True
        if withdrawn and not pool.pending:
            break
        for result in pool.wait(timeout=1.0):
            key = keys.pop(result.id)
            store.add_repeat(Repeat(*key, missing[key], to_outcome(missing[key], result)))
    return not keys


def means(repeats: Sequence[Repeat], chance: float) -> dict[int, float]:
    """Return the mean fitness of each finalist by rank; a failed training counts as ``chance``."""
    values: dict[int, list[float]] = {}
    for repeat in repeats:
        fitness = repeat.outcome.fitness
        values.setdefault(repeat.rank, []).append(chance if fitness is None else fitness)
    return {rank: math.fsum(found) / len(found) for rank, found in values.items()}


def _by_mean(repeats: Sequence[Repeat], ranked: Sequence[Candidate], chance: float) -> list[Candidate]:
    found = means(repeats, chance)
    best: list[Candidate] = []
    for rank in sorted(found, key=lambda rank: (-found[rank], rank)):
        of_rank = [repeat for repeat in repeats if repeat.rank == rank]
        chosen = max(of_rank, key=lambda repeat: (_fitness(repeat), -repeat.number))
        candidate = ranked[rank]
        best.append(Candidate(candidate.id, candidate.generation, chosen.candidate.spec, candidate.origin))
    return best


def _fitness(repeat: Repeat) -> float:
    return -math.inf if repeat.outcome.fitness is None else repeat.outcome.fitness
