"""``predictor.keras``: the best network of a run with its preprocessing inside, and what is known of it, in one file.

The file is an ordinary ``.keras`` archive with one entry more, ``gondwana.json``, which Keras does not look at:
class names, the name and form of each input, the target, and how the preprocessing came about.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.nas.delivery.predicting import NoNetworkError, Predictor, best_path, preprocessing_of, target_of
from gondwana.tasks.predictor.inputs import describe_inputs

if TYPE_CHECKING:
    import keras

PREDICTOR = "predictor.keras"
"""File of a run folder."""
MOST_INPUTS = 1000
"""Inputs up to which it is written without being asked for: a hundred take about a second."""
NOTES = "gondwana.json"
"""Entry of the archive."""


def write_predictor(run: Path) -> Path | None:
    """Write :data:`PREDICTOR` into a run folder and return its path; None if there is no network or no preprocessing.

    ``best.keras``, the network alone, stays as it is.
    """
    from gondwana.nas.engine.records.run_folder import BEST_MODEL, RunFolder
    from gondwana.nas.evaluation.saved import load
    from gondwana.tasks.predictor.graph import NotExpressibleError

    folder = RunFolder.open(run)
    preprocessing = preprocessing_of(run)
    if preprocessing is None or not (run / BEST_MODEL).is_file():
        return None
    try:
        content = archive(load(run / BEST_MODEL), preprocessing, target_of(run))
    except NotExpressibleError:  # several heads: there is no one answer to a row
        return None
    folder.write_bytes(PREDICTOR, content)
    return run / PREDICTOR


def provide_predictor(run: Path) -> Path | None:
    """Return the predictor at the end of a run, written if it is missing; None if there can be none.

    One of very many columns takes a while to build, and is written when it is asked for (:func:`predictor_path`).
    A network that cannot be loaded here, with a layer type whose code only workers have, ends no run: the network is
    there, and :func:`predictor_path` says what is missing when it is asked for.
    """
    if (run / PREDICTOR).is_file():
        return run / PREDICTOR
    preprocessing = preprocessing_of(run)
    if preprocessing is None or len(describe_inputs(preprocessing)) > MOST_INPUTS:
        return None
    try:
        return write_predictor(run)
    except ValueError:
        return None


def predictor_path(run: Path) -> Path:
    """Return the file of a run's predictor, written now if the run is of an earlier version.

    Raises:
        ValueError: if there can be none; the message says why.
    """
    from gondwana.nas.engine.records.run_folder import RunFolder
    from gondwana.nas.evaluation.saved import load

    network = best_path(run)
    path = run / PREDICTOR
    if not path.is_file():
        preprocessing = preprocessing_of(run)
        if preprocessing is None:
            raise NoNetworkError(
                f"{run}: its task keeps nothing that makes inputs of raw rows, so there is best.keras only, "
                "the network itself"
            )
        found = archive(load(network), preprocessing, target_of(run))
        RunFolder.open(run).write_bytes(PREDICTOR, found)
    return path


def archive(network: keras.Model, preprocessing: Mapping[str, Any], target: str | None = None) -> bytes:
    """Return a network with its preprocessing inside as the content of a ``.keras`` file.

    Raises:
        gondwana.tasks.predictor.graph.NotExpressibleError: if the network has several inputs or outputs.
    """
    from gondwana.tasks.predictor.graph import with_preprocessing

    model = with_preprocessing(network, preprocessing)
    return content(model, notes(preprocessing, target))


def content(model: keras.Model, described: Mapping[str, Any]) -> bytes:
    """Return a model as the content of a ``.keras`` file, with notes in it if there are any."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "network.keras")
        model.save(path, include_optimizer=False)
        if described:
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
                file.writestr(NOTES, json.dumps(described, indent=1) + "\n")
        return path.read_bytes()


def notes(preprocessing: Mapping[str, Any], target: str | None = None) -> dict[str, Any]:
    """Return what a user of the network has to know, as a JSON object."""
    from gondwana.tasks.predictor.inputs import ROWS

    return {
        "format": 1,
        "predicts": "number" if preprocessing.get("classes") is None else "class",
        "classes": preprocessing.get("classes"),
        "target": target,
        "inputs": describe_inputs(preprocessing),
        "rows": ROWS,
        "preprocessing": dict(preprocessing),
    }


def read_notes(path: Path) -> dict[str, Any] | None:
    """Return the notes of a ``.keras`` file; None if it has none. Raises NoNetworkError if it is no such file."""
    try:
        with zipfile.ZipFile(path) as file:
            if NOTES not in file.namelist():
                return None
            found: dict[str, Any] = json.loads(file.read(NOTES))
    except (OSError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise NoNetworkError(f"{path} is not a network that can be loaded: {error}") from error
    return found


def load_predictor(path: Path | str) -> Predictor:
    """Return what predicts for raw rows: from a run folder, or a ``.keras`` file with its preprocessing inside.

    The file is loaded in Keras' safe mode: code in it is refused.

    Raises:
        ValueError: if there is no such network.
    """
    from gondwana.nas.delivery.predicting import predictor_of
    from gondwana.nas.evaluation.saved import load

    path = Path(path)
    if path.is_dir():
        return predictor_of(path)
    found = read_notes(path)
    if found is None:
        raise NoNetworkError(
            f"{path} is a network without its preprocessing; give the folder of its run, or load it with "
            "gondwana.load_network"
        )
    return Predictor(load(path), found["preprocessing"], raw=True, target=found.get("target"))
