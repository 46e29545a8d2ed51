"""The network of an estimator: the best candidate of a search, trained on all rows."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.interface.data import GivenData

if TYPE_CHECKING:
    import keras

TRIED = 5
"""Candidates that are tried, the best first, if trainings on all rows diverge."""


class NoCandidateError(RuntimeError):
    """No candidate of the search could be trained on all rows."""


def final_network(run_dir: Path, found: GivenData) -> tuple[float, keras.Model, bytes]:
    """Train the best candidate of a run anew, on the first split of ``found``.

    Returns:
        its fitness in the search, the network, and the network as the content of a ``.keras`` file.

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
    reason = "no candidate could be trained to the end"
    for fitness, spec in _ranked(run_dir):
        model = build_model({**spec, "task": found.task})
        try:
            train(model, data, info, Recipe.from_json(spec["training"]), int(spec["seed"]))
        except Diverged as error:
            reason = str(error)
            continue
        return fitness, model, _content(model)
    raise NoCandidateError(f"no network: {reason}")


def keep_network(run_dir: Path, content: bytes, preprocessing: Mapping[str, Any]) -> None:
    """Put a network, and how rows become its inputs, into a run folder."""
    from gondwana.nas.engine.execute import PREPROCESSING
    from gondwana.nas.engine.records.run_folder import BEST_MODEL, RunFolder

    folder = RunFolder.open(run_dir)
    folder.write_bytes(BEST_MODEL, content)
    folder.write_text(PREPROCESSING, json.dumps(preprocessing) + "\n")


def loaded(content: bytes) -> keras.Model:
    """Return the network in the content of a ``.keras`` file."""
    from gondwana.nas import load_network
    from gondwana.nas.cli.quiet import load_keras

    load_keras()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "network.keras")
        path.write_bytes(content)
        return load_network(path)


def _ranked(run_dir: Path) -> Iterator[tuple[float, dict[str, Any]]]:
    from gondwana.nas.candidate import State
    from gondwana.nas.engine.records.run_folder import RunFolder

    with RunFolder.open(run_dir).open_store(read_only=True) as store:
        found = [item for item in store.outcomes() if item.state is State.COMPLETED and item.fitness is not None]
        found.sort(key=lambda item: (-(item.fitness or 0.0), item.candidate_id))
        for item in found[:TRIED]:
            yield item.fitness or 0.0, dict(store.candidate(item.candidate_id).spec)


def _content(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "network.keras")
        model.save(path, include_optimizer=False)
        return path.read_bytes()
