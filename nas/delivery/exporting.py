"""The best network of a run in other formats, each loaded again at once and compared with the network itself."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gondwana.nas.delivery.predicting import best_path, outputs, preprocessing_of, target_of
from gondwana.nas.delivery.predictor import content, notes, predictor_path

if TYPE_CHECKING:
    import keras

ENDINGS = {"keras": ".keras", "savedmodel": "", "onnx": ".onnx", "tflite": ".tflite", "torch": ".pt2"}
"""Formats, and how their files end; a SavedModel is a folder."""
CHECKED_ROWS = 100
TOLERANCE = 1e-4
"""Largest difference between an export and the network: in probabilities, or in deviations of a number."""
RAW = "raw"


class ExportError(ValueError):
    """A network cannot be written in a format."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported network.

    Attributes:
        path: file, or folder of a SavedModel.
        form: one of :data:`ENDINGS`.
        takes: ``raw`` rows, ``numbers`` of a table as one array, or inputs that are ``encoded`` already.
        inputs: name, dtype, shape and form in words of each input.
        plain: whether Keras alone can load it.
        difference: largest difference from the network on 100 rows; None if what reads the format is not installed.
    """

    path: Path
    form: str
    takes: str
    inputs: list[dict[str, Any]]
    plain: bool
    difference: float | None


def export_network(run: Path, form: str, out: Path | None = None, *, plain: bool = False) -> Exported:
    """Write the best network of a run in another format and compare it with the network on 100 drawn rows.

    Args:
        run: run folder.
        form: one of :data:`ENDINGS`.
        out: file or folder; None is one in the run folder.
        plain: for ``keras``: without classes of this project. The other formats hold no classes at all.

    Raises:
        ExportError: if it cannot be written so, or answers otherwise than the network.
        NoNetworkError: if the run has no network.
    """
    from gondwana.nas.evaluation.saved import load

    out = checked_path(run, form, out, plain)
    network, preprocessing = load(best_path(run)), preprocessing_of(run)
    if form == "keras" and not plain and preprocessing is not None:
        found = predictor_path(run)
        if out.resolve() != found.resolve():
            shutil.copyfile(found, out)
        return Exported(out, form, RAW, notes(preprocessing)["inputs"], _is_plain(network), 0.0)
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ExportError(
            f"{form} is written of a network with one input and one output; this one has {len(network.inputs)} and "
            f"{len(network.outputs)}. best.keras in the run folder has all of them"
        )
    simple = _simple(network, form) if form != "keras" or plain else network
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
        partial = Path(scratch, out.name)
        exported = _written(form, partial, network, simple, preprocessing, target_of(run))
        if out.is_dir() and form == "savedmodel":
            shutil.rmtree(out)
        shutil.move(partial, out)
    inputs = described(preprocessing, exported.takes, network)
    return Exported(out, form, exported.takes, inputs, exported.plain, exported.difference)


def checked_path(run: Path, form: str, out: Path | None, plain: bool) -> Path:
    """Return where an export goes. Raises ExportError if that is no place for one."""
    if form not in ENDINGS:
        raise ExportError(f"the format is one of {', '.join(ENDINGS)}. Received: {form!r}")
    if plain and form != "keras":
        raise ExportError(f"plain is for the format keras; {form} holds no classes at all")
    ending = ENDINGS[form]
    if out is None:
        return run / {"keras": "predictor-plain.keras" if plain else "predictor.keras"}.get(
            form, f"predictor{ending or '-savedmodel'}"
        )
    if out.suffix.lower() != ending:
        what = f"a file that ends with {ending}" if ending else "a folder, whose name has no ending"
        raise ExportError(f"{form} is written to {what}. Received: {out}")
    if not out.resolve().parent.is_dir():
        raise ExportError(f"{out}: there is no folder {out.parent}")
    if not ending and out.exists() and not (out / "saved_model.pb").exists():
        raise ExportError(f"{out} exists and is no SavedModel; name a folder that does not exist")
    return out


def described(
    preprocessing: Mapping[str, Any] | None, takes: str, network: keras.Model
) -> list[dict[str, Any]]:
    """Return name, dtype, shape and form in words of the inputs of an export."""
    from gondwana.tasks.own_data.answers import Answers
    from gondwana.tasks.predictor.inputs import ROWS, used_columns

    if preprocessing is not None and takes == RAW:
        found: list[dict[str, Any]] = notes(preprocessing)["inputs"]
        return found
    encoder = (preprocessing or {}).get("encoder")
    if encoder is not None and takes == "numbers":
        columns = list(used_columns(encoder))
        form = "columns in this order, NaN for an empty cell"
        return [{"name": ROWS, "dtype": "float32", "shape": [len(columns)], "columns": columns, "form": form}]
    item: dict[str, Any] = {
        "name": ROWS,
        "dtype": str(network.input.dtype),
        "shape": list(network.input_shape[1:]),
        "form": "what the task gives networks; the preprocessing is not inside",
    }
    if encoder is not None:
        item["form"] = "encoded rows: gondwana.load_predictor(RUN).encode(rows)"
        item["columns"] = Answers(preprocessing or {}).encoder.names  # type: ignore[union-attr]
    return [item]


@dataclass(frozen=True, slots=True)
class _Written:
    takes: str
    plain: bool
    difference: float | None


def _written(
    form: str,
    path: Path,
    network: keras.Model,
    simple: keras.Model,
    preprocessing: Mapping[str, Any] | None,
    target: str | None,
) -> _Written:
    """Write a network to a path and compare what is read from there with the network."""
    from gondwana.nas.delivery import backend
    from gondwana.tasks.predictor.graph import portable, with_preprocessing

    spread = float((preprocessing or {}).get("deviation", 1.0))
    if form in ("keras", "savedmodel"):
        model = simple if preprocessing is None else with_preprocessing(simple, preprocessing)
        whole = network if preprocessing is None else with_preprocessing(network, preprocessing)
        takes = "encoded" if preprocessing is None else RAW
        if form == "keras":
            path.write_bytes(content(model, notes(preprocessing, target) if preprocessing else {}))
            return _Written(takes, _is_plain(model), _compared(_loaded(path), whole, preprocessing, spread))
        backend.write_saved_model(model, path)
        difference = _compared(lambda x: backend.run_saved_model(path, x), whole, preprocessing, spread)
        return _Written(takes, True, difference)
    model, takes = portable(simple, preprocessing)
    whole, _ = portable(network, preprocessing)
    rows = _drawn(whole, preprocessing if takes != "encoded" else None, takes)
    expected = np.asarray(outputs(whole, rows))
    found = _converted(form, path, model, rows)
    return _Written(takes, True, None if found is None else _difference(found, expected, spread))


def _converted(form: str, path: Path, model: keras.Model, rows: np.ndarray) -> np.ndarray | None:
    """Write ONNX, LiteRT or PyTorch; return what it answers to rows, None if nothing here can read it."""
    from gondwana.nas.delivery import backend

    if form == "tflite":
        backend.write_tflite(model, path)
        return backend.run_tflite(path, rows)
    if form == "onnx":
        return _onnx(model, path, rows)
    with tempfile.TemporaryDirectory() as scratch:
        network = Path(scratch, "network.keras")
        model.save(network, include_optimizer=False)
        return backend.write_torch(network, path, rows)


def _onnx(model: keras.Model, path: Path, rows: np.ndarray) -> np.ndarray | None:
    from importlib.util import find_spec

    from gondwana.nas.delivery.backend import silent

    if find_spec("tf2onnx") is None or find_spec("onnx") is None:
        raise ExportError("ONNX needs the converter tf2onnx: pip install 'gondwana[onnx]'")
    model(rows[:1])  # Keras exports a network that was called
    with warnings.catch_warnings(), silent():
        warnings.simplefilter("ignore", FutureWarning)
        model.export(str(path), format="onnx", verbose=False)
    if find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, {session.get_inputs()[0].name: rows})[0])
    except Exception as error:  # onnxruntime's own classes are of a compiled module
        raise ExportError(f"the network cannot be written as ONNX: {str(error)[:300]}") from error


def _simple(network: keras.Model, form: str) -> keras.Model:
    """Return a network without classes of this project; a SavedModel holds what layers compute, whosever they are."""
    from gondwana.nas.delivery.plain import NotPlainError, plain

    try:
        return plain(network)
    except NotPlainError:
        if form == "savedmodel":
            return network
        raise


def _is_plain(network: keras.Model) -> bool:
    from gondwana.nas.delivery.plain import is_plain

    return is_plain(network)


def _loaded(path: Path) -> Any:
    from gondwana.nas.evaluation.saved import load

    model = load(path)
    return lambda x: np.asarray(model(x))


def _compared(
    answers: Any, whole: keras.Model, preprocessing: Mapping[str, Any] | None, spread: float
) -> float:
    from keras import ops

    rows = _drawn(whole, preprocessing, RAW)
    if isinstance(rows, dict):
        rows = {
            name: ops.convert_to_tensor(cells, dtype="string" if cells.dtype == object else "float64")
            for name, cells in rows.items()
        }
    return _difference(np.asarray(answers(rows)), np.asarray(ops.convert_to_numpy(whole(rows))), spread)


def _difference(found: np.ndarray, expected: np.ndarray, spread: float) -> float:
    """Return the largest difference; raise ExportError beyond :data:`TOLERANCE`."""
    both = np.isnan(found) & np.isnan(expected)
    difference = float(np.max(np.where(both, 0.0, np.abs(found - expected)))) / spread
    if not difference <= TOLERANCE:
        raise ExportError(
            f"the exported network answers otherwise than the network itself: {difference:.2g} apart on "
            f"{CHECKED_ROWS} rows, {TOLERANCE:g} allowed; nothing was written"
        )
    return difference


def _drawn(model: keras.Model, preprocessing: Mapping[str, Any] | None, takes: str) -> Any:
    """Return rows to compare on: a dict of cells, or an array in the dtype of the input."""
    from gondwana.nas.delivery.samples import sample_array, sample_frame
    from gondwana.tasks.predictor.inputs import graph_inputs, used_columns

    rng = np.random.default_rng(0)
    encoder = (preprocessing or {}).get("encoder")
    if encoder is None:
        given = (preprocessing or {}).get("input") or {}
        shape = tuple(model.input_shape[1:])
        vocabulary = "int" in str(model.input.dtype)
        rows = sample_array(shape, given.get("range") or ([0, 1] if vocabulary else None), CHECKED_ROWS, rng)
        return rows.astype(model.input.dtype)
    frame = sample_frame(encoder, CHECKED_ROWS, rng)
    if takes == "numbers":
        return frame[list(used_columns(encoder))].to_numpy(np.float32)
    return graph_inputs(preprocessing or {}, frame)
