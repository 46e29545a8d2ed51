"""The network of an estimator: the best candidates of a search, trained on all rows, their outputs averaged."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.interface.data import GivenData

if TYPE_CHECKING:
    import keras

    from gondwana.nas.candidate import Outcome

TRIED = 5
"""Candidates that are tried beyond those wanted, the best first, if trainings on all rows diverge."""


class NoCandidateError(RuntimeError):
    """No candidate of the search could be trained on all rows."""


@dataclass(frozen=True, slots=True)
class FinalNetwork:
    """The result of a fit.

    Attributes:
        fitness: of the best of its members in the search.
        model: the network.
        content: the network as the content of a ``.keras`` file.
        members: networks whose outputs it averages.
    """

    fitness: float
    model: keras.Model
    content: bytes
    members: int


def final_network(
    run_dir: Path, found: GivenData, members: int, deadline: float | None = None
) -> FinalNetwork:
    """Train the best candidates of a run anew, on the first split of ``found``, and average their outputs.

    The best are those of least validation loss: on few rows it tells more than a count of mistakes. Where a metric was
    asked for, they are the best by that.

    Args:
        run_dir: the run.
        found: all rows.
        members: how many, at least 1.
        deadline: monotonic seconds after which no further member is begun.

    Raises:
        NoCandidateError: if there is none, or the trainings of the best ones diverge.
    """
    from gondwana.nas.evaluation.evaluate import build_model
    from gondwana.tasks.base import SearchData
    from gondwana.tasks.registry import get
    from gondwana.tasks.training.fit import Diverged, train
    from gondwana.tasks.training.recipe import Recipe

    if found.prepared is None:
        raise NoCandidateError("there are no rows to train on")
    data = SearchData(found.prepared.splits[0], found.prepared.splits[-1])
    info = get(found.task["name"], **found.task["options"]).info
    reason, best = "no candidate could be trained to the end", -math.inf
    models: list[keras.Model] = []
    for fitness, spec in _ranked(run_dir, members + TRIED, "metric" in found.task["options"]):
        if len(models) == members or (models and deadline is not None and time.monotonic() > deadline):
            break
        model = build_model({**spec, "task": found.task})
        try:
            train(model, data, info, Recipe.from_json(spec["training"]), int(spec["seed"]))
        except Diverged as error:
            reason = str(error)
            continue
        models.append(model)
        best = max(best, fitness)
    if not models:
        raise NoCandidateError(f"no network: {reason}")
    joined = _joined(models)
    return FinalNetwork(best, joined, _content(joined), len(models))


def _joined(models: Sequence[keras.Model]) -> keras.Model:
    """Return the network whose outputs are the means of those of several networks with equal inputs."""
    import keras

    if len(models) == 1:
        return models[0]
    like = models[0].inputs[0]
    inputs = keras.Input(like.shape[1:], dtype=like.dtype, name="rows")
    parts = []
    for number, model in enumerate(models):
        model.name = f"member_{number}"
        parts.append(model(inputs))
    outputs = keras.layers.Average(name=models[0].output_names[0])(parts)
    return keras.Model(inputs, outputs, name="members")


def keep_network(run_dir: Path, content: bytes, preprocessing: Mapping[str, Any]) -> None:
    """Put a network, how rows become its inputs, and both in one file, into a run folder."""
    from gondwana.nas.delivery.predictor import write_predictor
    from gondwana.nas.engine.execute import PREPROCESSING
    from gondwana.nas.engine.records.run_folder import BEST_MODEL, RunFolder

    folder = RunFolder.open(run_dir)
    folder.write_bytes(BEST_MODEL, content)
    folder.write_text(PREPROCESSING, json.dumps(preprocessing) + "\n")
    write_predictor(run_dir)


def loaded(content: bytes) -> keras.Model:
    """Return the network in the content of a ``.keras`` file."""
    from gondwana.nas import load_network
    from gondwana.nas.cli.quiet import load_keras

    load_keras()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "network.keras")
        path.write_bytes(content)
        return load_network(path)


def _ranked(run_dir: Path, count: int, by_fitness: bool) -> Iterator[tuple[float, dict[str, Any]]]:
    from gondwana.nas.candidate import State
    from gondwana.nas.engine.records.run_folder import RunFolder

    with RunFolder.open(run_dir).open_store(read_only=True) as store:
        found = [
            item for item in store.outcomes() if item.state is State.COMPLETED and item.fitness is not None
        ]

        def place(item: Outcome) -> tuple[float, int]:
            first = -(item.fitness or 0.0) if by_fitness else item.metrics.get("val_loss", math.inf)
            return first, item.candidate_id

        found.sort(key=place)
        for item in found[:count]:
            yield item.fitness or 0.0, dict(store.candidate(item.candidate_id).spec)


def _content(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "network.keras")
        model.save(path, include_optimizer=False)
        return path.read_bytes()
