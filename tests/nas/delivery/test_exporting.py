"""The best network of a run in other formats, read by programs that do not know this project."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from keras import layers

import gondwana
from gondwana.activations import GraphActivation
from gondwana.nas.delivery.exporting import ENDINGS, ExportError, _difference, checked_path, export_network
from gondwana.nas.delivery.samples import sample_frame
from gondwana.nas.searches.codeepneat.layers.weighted_sum import WeightedSum
from gondwana.tasks.predictor.inputs import graph_inputs
from tests.helpers.delivered import delivered, mixed_table

LABELS = np.where(np.arange(120) % 3 == 0, "a", "b")


def evolved(shape: tuple[int, ...], units: int) -> keras.Model:
    """A network with an evolved activation function with parameters, and a weighted sum."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(4, 3, padding="same")(inputs) if len(shape) == 3 else layers.Dense(6)(inputs)
    strange = GraphActivation("max(a*erf(x),mul(bessel_i1e(x),arctan(sinh(x))))", center=True)(x)
    x = layers.BatchNormalization()(WeightedSum()([strange, GraphActivation("gelu(a*x)")(x)]))
    x = layers.GlobalAveragePooling2D()(x) if len(shape) == 3 else x
    return keras.Model(inputs, layers.Dense(units, "softmax" if units > 1 else "linear", name="output")(x))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return delivered(
        tmp_path_factory.mktemp("runs") / "mixed", mixed_table(), LABELS, model=evolved((41,), 2)
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3)).astype("float32")
    return delivered(
        tmp_path_factory.mktemp("runs") / "images", pixels, np.arange(60) % 3, model=evolved((8, 8, 3), 3)
    )


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    frame = mixed_table()[["age", "code"]].assign(number=np.arange(120), wide=np.linspace(-3, 9, 120))
    path = tmp_path_factory.mktemp("runs") / "numbers"
    return delivered(path, frame, 400_000 + 1e4 * np.linspace(-3, 9, 120))


FOREIGN = """
import json, sys
import numpy as np
form, path, rows, found = sys.argv[1:]
cells = json.load(open(rows))
if form == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    answer = session.run(None, {session.get_inputs()[0].name: np.array(cells, "float32")})[0]
elif form == "torch":
    import torch
    answer = torch.export.load(path).module()(torch.tensor(np.array(cells, "float32"))).detach().numpy()
elif form == "tflite":
    import tensorflow as tf
    x, reader = np.array(cells, "float32"), tf.lite.Interpreter(path)
    place = reader.get_input_details()[0]["index"]
    reader.resize_tensor_input(place, x.shape)
    reader.allocate_tensors()
    reader.set_tensor(place, x)
    reader.invoke()
    answer = reader.get_tensor(reader.get_output_details()[0]["index"])
else:
    import tensorflow as tf
    x = {
        name: tf.constant(column, tf.string if isinstance(column[0][0], str) else tf.float64)
        for name, column in cells.items()
    }
    if form == "keras":
        import keras
        answer = np.asarray(keras.models.load_model(path)(x))
    else:
        model = tf.saved_model.load(path)
        answer = np.asarray(model.serve(x))
assert "gondwana" not in sys.modules
np.save(found, answer)
"""


def answered_elsewhere(form, path, rows, tmp_path):
    """Return what a process that does not know this project gets from an exported network."""
    if isinstance(rows, dict):
        cells = {name: column.tolist() for name, column in rows.items()}
    else:
        cells = rows.tolist()
    (tmp_path / "rows.json").write_text(json.dumps(cells))
    (tmp_path / "foreign.py").write_text(FOREIGN)
    command = [sys.executable, "foreign.py", form, str(path), "rows.json", "found.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.load(tmp_path / "found.npy")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["keras", "savedmodel"])
def test_a_table_of_all_kinds_is_answered_elsewhere(mixed, form, tmp_path):
    out = tmp_path / f"network{ENDINGS[form]}"
    found = export_network(mixed, form, out, plain=form == "keras")
    assert found.takes == "raw" and found.plain and found.difference < 1e-5
    predictor = gondwana.load_predictor(mixed)
    frame = sample_frame(predictor.preprocessing["encoder"], 100, np.random.default_rng(1))
    rows = graph_inputs(predictor.preprocessing, frame)
    answer = answered_elsewhere(form, out, rows, tmp_path)
    np.testing.assert_allclose(answer, predictor.predict_proba(frame), rtol=0, atol=1e-4)


def skipped_without(form):
    package = {"onnx": "onnxruntime", "torch": "torch"}.get(form)
    return package is not None and find_spec(package) is None


@pytest.mark.slow
@pytest.mark.parametrize("form", ["tflite", "onnx", "torch"])
def test_images_are_answered_elsewhere(images, form, tmp_path):
    if skipped_without(form):
        pytest.skip(f"{form} is not installed: pip install 'gondwana[{form}]'")
    out = tmp_path / f"network{ENDINGS[form]}"
    found = export_network(images, form, out)
    assert found.takes == "raw" and found.difference < 1e-5
    pixels = np.random.default_rng(1).integers(0, 256, (100, 8, 8, 3))
    answer = answered_elsewhere(form, out, pixels, tmp_path)
    expected = gondwana.load_run(images).predict_proba(pixels)
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-4)


def test_a_table_of_numbers_goes_in_as_one_array_and_comes_out_in_its_own_units(numbers, tmp_path):
    found = export_network(numbers, "tflite", tmp_path / "network.tflite")
    assert found.takes == "numbers"
    assert found.inputs[0]["columns"] == ["age", "code", "wide"]  # and not the number of the row


def test_text_stays_outside_of_formats_without_text(mixed, tmp_path):
    found = gondwana.load_run(mixed).export(tmp_path / "network.tflite")
    from gondwana.nas.delivery.backend import run_tflite

    predictor = gondwana.load_predictor(mixed)
    answer = run_tflite(found, predictor.encode(mixed_table()))
    np.testing.assert_allclose(answer, predictor.predict_proba(mixed_table()), rtol=0, atol=1e-4)


def test_a_network_with_layers_of_ours_says_so(mixed, tmp_path):
    found = export_network(mixed, "keras", tmp_path / "network.keras")
    assert not found.plain
    both = [gondwana.load_predictor(path) for path in (found.path, mixed)]
    first, second = (predictor.predict_proba(mixed_table()) for predictor in both)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)


def test_places_that_are_none_are_refused(mixed, tmp_path):
    with pytest.raises(ExportError, match="one of keras, savedmodel"):
        checked_path(mixed, "pickle", None, False)
    with pytest.raises(ExportError, match=r"ends with \.onnx. Received"):
        checked_path(mixed, "onnx", tmp_path / "network.keras", False)
    with pytest.raises(ExportError, match="there is no folder"):
        checked_path(mixed, "onnx", tmp_path / "absent" / "network.onnx", False)
    with pytest.raises(ExportError, match="plain is for the format keras"):
        checked_path(mixed, "onnx", None, True)
    (tmp_path / "mine").mkdir()
    with pytest.raises(ExportError, match="is no SavedModel"):
        checked_path(mixed, "savedmodel", tmp_path / "mine", False)
    assert checked_path(mixed, "savedmodel", None, False) == mixed / "predictor-savedmodel"


def test_an_export_that_answers_otherwise_is_refused():
    with pytest.raises(ExportError, match=r"0\.01 apart on 100 rows"):
        _difference(np.array([0.5, 0.51]), np.array([0.5, 0.5]), 1.0)
    assert _difference(np.array([4e5 + 1.0, np.nan]), np.array([4e5, np.nan]), 2e4) < 1e-4
    with pytest.raises(ExportError):
        _difference(np.array([np.nan]), np.array([0.5]), 1.0)


@pytest.mark.parametrize(("form", "package"), [("onnx", "tf2onnx"), ("torch", "torch")])
def test_a_missing_package_is_named(images, form, package, tmp_path):
    if find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    with pytest.raises(ValueError, match=rf"pip install 'gondwana\[{form}\]'"):
        export_network(images, form, tmp_path / f"network{ENDINGS[form]}")
    assert list(tmp_path.iterdir()) == []


def test_a_task_without_preprocessing_gives_the_network_itself(tmp_path):
    tokens = keras.Input((6,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(tokens))
    path = delivered(tmp_path / "run", mixed_table(), LABELS, model=keras.Model(tokens, layers.Dense(1)(x)))
    (path / "preprocessing.json").unlink()
    for form in ("keras", "tflite"):
        found = export_network(path, form, tmp_path / f"network{ENDINGS[form]}")
        assert found.takes == "encoded" and "not inside" in found.inputs[0]["form"]
    with pytest.raises(ValueError, match="without its preprocessing"):
        gondwana.load_predictor(tmp_path / "network.keras")
    both = keras.Model(tokens, [layers.Dense(1)(x), layers.Dense(1)(x)])
    both.save(path / "best.keras")
    with pytest.raises(ExportError, match="one input and one output; this one has 1 and 2"):
        export_network(path, "savedmodel", tmp_path / "saved")
