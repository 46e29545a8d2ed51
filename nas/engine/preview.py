"""What a run would be, without running it: its data, its first candidates, and how long it would take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gondwana.nas.config.schema import RunConfig
from gondwana.nas.engine.execute import Execution, build_search, checked_data, resolved_task
from gondwana.nas.evaluation.evaluate import build_model
from gondwana.nas.evaluation.limits import RefusedError

if TYPE_CHECKING:
    from gondwana.nas.candidate import Candidate
    from gondwana.tasks.base import SearchData, TaskInfo

STEPS = 6
"""Steps of a candidate's training that are timed; the first one, most of which is compiling, counts once."""


def preview(config: RunConfig, data_dir: Path | None, shown: int) -> Iterator[str]:
    """Yield lines that say what a run of ``config`` would do; nothing is written.

    Args:
        config: as read.
        data_dir: folder that holds a folder per dataset.
        shown: candidates that are drawn, built, and timed for a few steps.

    Raises:
        ValueError: what a run would be refused for.
    """
    task, config = resolved_task(config, data_dir)
    search = build_search(config)
    data, notes = checked_data(config, Execution(), data_dir)
    info = task.info
    yield f"task        {config.task.name}: inputs {info.input_shape}, {_outputs(info)}"
    yield from (f"  {line}" for line in task.describe())
    yield f"rows        {len(data.train):,} training, {len(data.validation):,} validation"
    yield from notes
    total = search.progress().total
    yield f"candidates  {total:,} of a search of kind {config.search.kind!r}"
    seconds = []
    for candidate in search.ask(shown):
        line, cost = _tried(candidate, data, info)
        yield line
        seconds += [cost] if cost is not None else []
    if seconds:
        workers = 1 if config.engine.pool == "local" else config.engine.workers
        mean = sum(seconds) / len(seconds)
        if workers:
            each = f"{_words(total * mean / workers)} with {workers} worker{'s' if workers > 1 else ''}"
        else:
            each = f"{_words(total * mean)}, divided by the number of workers that the cluster has room for"
        yield f"time        about {each}; {_words(mean)} for a candidate, measured here"


def _outputs(info: TaskInfo) -> str:
    heads = info.heads
    plain = (head.metric.removeprefix("sparse_categorical_").replace("_", " ") for head in heads)
    metrics = ", ".join(dict.fromkeys(plain))
    return f"{len(heads)} output{'s' if len(heads) > 1 else ''} of kind {heads[0].kind}, fitness {metrics}"


def _tried(candidate: Candidate, data: SearchData, info: TaskInfo) -> tuple[str, float | None]:
    """Build a candidate and train it for a few steps; return a line about it, and its estimated seconds."""
    from gondwana.tasks.training.fit import Diverged, train
    from gondwana.tasks.training.recipe import Recipe

    name = f"  candidate {candidate.id}"
    try:
        model = build_model(dict(candidate.spec))
    except RefusedError as error:
        return f"{name}: refused, {error}", None
    layers = sum(bool(layer.weights) for layer in model.layers)
    size = f"{model.count_params():,} parameters in {layers} layers with weights"
    recipe = Recipe.from_json(candidate.spec["training"])
    batch = min(recipe.batch_size, len(data.train))
    steps = recipe.epochs * (recipe.steps_per_epoch or math.ceil(len(data.train) / batch))
    short = replace(recipe, epochs=1, steps_per_epoch=STEPS)
    try:
        history = train(model, data, info, short, int(candidate.spec["seed"]))
    except Diverged as error:
        return f"{name}: {size}; {error}", None
    first = history.first_step_seconds
    seconds = first + steps * max(0.0, history.epochs[0].seconds - first) / (STEPS - 1)
    return f"{name}: {size}, about {_words(seconds)}", seconds


def _words(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"
