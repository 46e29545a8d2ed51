"""Several candidates in one evaluation: those whose networks have one structure are trained as one program.

What fails for all of them at once is not held against any: where memory runs out the batch is halved, and after any
other failure of the whole each candidate is evaluated by itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gondwana.nas.candidate import State, canonical_json
from gondwana.nas.evaluation.evaluate import (
    Evaluation,
    Report,
    evaluate,
    is_out_of_memory,
    release_memory,
)

if TYPE_CHECKING:
    import keras

    from gondwana.tasks.base import SearchData

MEMBERS = "members"
"""Key of the specs in the spec of a batch."""

_FREE = ("seed", "replicate", "initialization")


def batch_key(spec: Mapping[str, Any]) -> str | None:
    """Return a text that is equal for candidates which may be trained together; None if it is trained alone.

    They may differ in their seeds, replicates, initializations and learning rates.
    """
    if "until_epoch" in spec:
        return None
    training = {name: value for name, value in spec["training"].items() if name != "learning_rate"}
    rest = {name: value for name, value in spec.items() if name not in _FREE}
    return canonical_json({**rest, "training": training})


def evaluate_batch(spec: Mapping[str, Any], data: SearchData) -> Report:
    """Evaluate the candidates of a batch.

    Args:
        spec: ``{"members": [...]}``, specs of equal :func:`batch_key`.
        data: training and validation split.

    Returns:
        A report whose ``members`` are the candidates', in their order; each has its share of the seconds.

    Raises:
        ValueError: if the task of the specs is unknown or refuses its options.
    """
    reports = _evaluated(spec[MEMBERS], data)
    return Report(State.COMPLETED, fitness=0.0, members=tuple(reports))


def _evaluated(specs: Sequence[Mapping[str, Any]], data: SearchData) -> list[Report]:
    if len(specs) == 1:
        return [evaluate(specs[0], data)]
    try:
        return _together(specs, data)
    except Exception as error:  # noqa: BLE001  the candidates are evaluated again, and have their own reports
        halves = is_out_of_memory(error)
    finally:
        release_memory()
    size = (len(specs) + 1) // 2 if halves else 1
    parts = [specs[start : start + size] for start in range(0, len(specs), size)]
    return [report for part in parts for report in _evaluated(part, data)]


def _together(specs: Sequence[Mapping[str, Any]], data: SearchData) -> list[Report]:
    """Build each network, then train those of one structure together."""
    from gondwana.tasks.training.together import structure

    works = [Evaluation(spec) for spec in specs]
    reports: dict[int, Report] = {}
    models: dict[int, keras.Model] = {}
    groups: dict[str, list[int]] = {}
    for number, work in enumerate(works):
        model, failure = work.attempt(lambda work: work.initialized(work.built()))
        if failure is not None:
            if failure.state is State.OUT_OF_MEMORY:
                raise MemoryError(failure.reason)
            reports[number] = failure
            continue
        models[number] = model
        groups.setdefault(structure(model) or f"alone: {number}", []).append(number)
    for group in groups.values():
        found = _train([works[i] for i in group], [models[i] for i in group], data)
        reports |= zip(group, found, strict=True)
    return [reports[number] for number in range(len(works))]


def _train(works: Sequence[Evaluation], models: Sequence[keras.Model], data: SearchData) -> list[Report]:
    """Train and score networks of one structure."""
    from gondwana.tasks.training.loops import make_predictor
    from gondwana.tasks.training.scoring import SCORING_BATCH
    from gondwana.tasks.training.together import Member, train_together

    start = time.perf_counter()
    predict = make_predictor(models[0], data.validation.x, min(SCORING_BATCH, len(data.validation)))
    members = []
    for work, model in zip(works, models, strict=True):
        work.training.begin(model, data, predict.like(model))  # type: ignore[attr-defined]  # of JAX alone
        members.append(Member(model, work.training.recipe, work.seed, work.training.note))
    histories = train_together(members, data, works[0].info)
    scoring = sum(work.training.scoring_seconds for work in works)
    share = (time.perf_counter() - start - scoring) / len(works)
    reports = []
    for work, history in zip(works, histories, strict=True):
        metrics, failure = work.attempt(lambda work, history=history: work.scored_after(history, share))
        reports.append(failure or work.finished(metrics))
    return reports
