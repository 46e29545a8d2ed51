from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gondwana import tasks
from gondwana.tasks import registry
from gondwana.tasks.own_data.answers import Answers
from gondwana.tasks.own_data.image_folder import read_image
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.recipe import Recipe
from tests.helpers.networks import dense_network

DOCS = Path(__file__).resolve().parents[3] / "docs" / "tasks.md"


def test_importing_the_package_does_not_import_keras():
    code = "import sys, gondwana.tasks, gondwana.tasks.training.recipe\n"
    code += "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=DOCS.parents[1], check=False).returncode == 0


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(rng.normal(level, 20, (12, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number:02d}.png")
    return tmp_path


def folder(**options: object) -> tasks.Task:
    return tasks.get(
        "image_folder", **{"path": "pictures", "classes": ["dark", "light"], "size": 8, **options}
    )


def test_a_folder_of_images_can_be_learned(images):
    task = folder()
    data, test = task.search_data(images), task.test_data(images)
    assert [len(s) for s in (data.train, data.validation, test)] == [24, 8, 8]
    assert data.train.x.shape[1:] == task.info.input_shape == (8, 8, 3)
    model = dense_network(task.info)
    train(model, data, task.info, Recipe(epochs=20, batch_size=8, learning_rate=0.01), 0)
    assert score(model, test, task.info)["fitness"] == 1.0


@pytest.mark.parametrize("color", [True, False])
def test_images_as_they_are_become_inputs_by_what_is_kept(images, color):
    task = folder(color=color)
    kept = task.preprocessing(images)
    files = sorted((images / "pictures").glob("*/*.png"))
    pixels = np.stack([read_image(file, task.info.input_shape) for file in files])
    found = {row.tobytes() for row in Answers(kept).inputs(pixels)}
    assert {row.tobytes() for row in task.test_data(images).x} <= found
    assert kept["classes"] == ["dark", "light"] and kept["input"]["range"] == [0, 255]


def test_gray_images_have_one_channel(images):
    assert folder(color=False).search_data(images).train.x.shape[1:] == (8, 8, 1)


def test_an_absolute_path_needs_no_data_folder(images, monkeypatch):
    monkeypatch.setenv("GONDWANA_DATA", "/nowhere")
    assert len(folder(path=str(images / "pictures")).search_data().train) == 24


def test_what_is_wrong_with_a_folder_is_said(images):
    with pytest.raises(tasks.MissingDataError, match=r"there is no .*picturs.*relative to the data folder"):
        folder(path="picturs").search_data(images)
    with pytest.raises(tasks.MissingDataError, match=r"no images in .*pictures/gray"):
        folder(classes=["dark", "gray"]).search_data(images)
    (images / "pictures" / "dark" / "00.png").write_bytes(b"no image")
    with pytest.raises(tasks.DamagedDataError, match=r"dark/00.png cannot be read as an image"):
        folder().search_data(images)
    with pytest.raises(ValueError, match="at least two different names"):
        folder(classes=["dark"])
    with pytest.raises(ValueError, match="needs the options path, classes"):
        tasks.get("image_folder")


def test_the_documented_example_of_a_python_file_works(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))
    (block,) = re.findall(r"```python\n(# parity\.py\n.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "parity.py"
    file.write_text(block, encoding="utf-8")
    assert tasks.load_file(file) == ("parity",)
    assert tasks.load_file(file) == ("parity",), "loading it again is harmless"
    task = tasks.get("parity", bits=3)
    data = task.search_data()
    model = dense_network(task.info)
    train(model, data, task.info, Recipe(epochs=150, batch_size=8, learning_rate=0.05), 0)
    assert score(model, task.test_data(), task.info)["fitness"] == 1.0


def test_a_file_that_registers_nothing_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(ValueError, match="registers no task"):
        tasks.load_file(tmp_path / "empty.py")
    with pytest.raises(ValueError, match="is a Python file that exists"):
        tasks.load_file(tmp_path / "absent.py")
