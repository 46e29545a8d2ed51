"""A saved network is loaded in a fresh process by one documented import."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from gondwana import nas
from gondwana.activations import GraphActivation
from gondwana.nas.searches.codeepneat.layers.weighted_sum import WeightedSum

pytestmark = pytest.mark.slow

CODE = """
import sys
import numpy as np
{imports}
x = np.arange(8.0, dtype="float32").reshape(2, 4)
np.save(sys.argv[2], np.asarray(model(x)))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[Path, keras.Model]:
    inputs = keras.Input((4,))
    parts = [keras.layers.Dense(3)(inputs) for _ in range(2)]
    outputs = GraphActivation("max(relu(x),tanh(p0*x))", name="function")(WeightedSum(name="mix")(parts))
    model = keras.Model(inputs, outputs)
    path = tmp_path_factory.mktemp("saved") / "best.keras"
    model.save(path)
    return path, model


@pytest.mark.parametrize(
    "imports",
    [
        "import gondwana; model = gondwana.load_network(sys.argv[1])",
        "import keras, gondwana.nas.evaluation.saved; model = keras.models.load_model(sys.argv[1])",
    ],
)
def test_a_saved_network_is_loaded_in_a_fresh_process(saved, imports, tmp_path):
    path, model = saved
    out = tmp_path / "out.npy"
    subprocess.run([sys.executable, "-c", CODE.format(imports=imports), path, out], check=True)
    x = np.arange(8.0, dtype="float32").reshape(2, 4)
    np.testing.assert_allclose(np.load(out), np.asarray(model(x)), rtol=1e-6)


def test_importing_nas_is_quick():
    code = "import sys, nas; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_layer_that_is_not_known_is_named(tmp_path):
    class Unheard(keras.layers.Layer):
        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((2,)), Unheard()])
    model.save(tmp_path / "own.keras")
    with pytest.raises(
        ValueError, match=r"own\.keras holds a layer of the class 'Unheard'; import the module"
    ):
        nas.load_network(tmp_path / "own.keras")
    with pytest.raises(ValueError, match="not found"):
        nas.load_network(tmp_path / "absent.keras")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("empty.keras", {}),
        ("text.keras", {"config.json": "no JSON", "metadata.json": "{}"}),
        ("text.h5", None),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, parts):
    path = tmp_path / name
    if parts is None:
        path.write_text("no network")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for part, text in parts.items():
                archive.writestr(part, text)
    with pytest.raises(ValueError, match=rf"{name} is not a network that can be loaded: .+"):
        nas.load_network(path)
