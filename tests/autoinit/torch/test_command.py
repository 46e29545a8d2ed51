"""``gondwana init mymodels:build``."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from typer.testing import CliRunner  # noqa: E402

from gondwana.nas.cli import app  # noqa: E402

RUNNER = CliRunner()
MODELS = """
import torch
from torch import nn

class Net(nn.Sequential):
    pass

def build():
    return Net(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))

def with_example():
    return build(), torch.zeros(2, 64)

def broken():
    raise RuntimeError("no data")

number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models_of_mine.py").write_text(MODELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments", [["models_of_mine:build", "--input-shape", "2,64"], ["models_of_mine:with_example"]]
)
def test_a_module_is_initialized_and_its_weights_saved(folder, arguments):
    result = RUNNER.invoke(app, ["init", *arguments, "--out", "net.pt", "--seed", "2"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "Linear" in result.output and "saved net.pt" in result.output
    weights = torch.load("net.pt", weights_only=True)
    assert float(weights["0.weight"].var()) == pytest.approx(1 / 64, rel=0.1)
    assert not weights["0.bias"].any()


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["models_of_mine:build"], "--input-shape"),
        (["models_of_mine:nothing"], "nothing"),
        (["no_such_module:build"], "no_such_module"),
        (["models_of_mine:broken"], "no data"),
        (["models_of_mine:number"], "is no function"),
        (["models_of_mine:build", "--input-shape", "a"], "--input-shape takes"),
        (["models_of_mine:build", "--input-shape", "2,5"], "fails on the example inputs"),
    ],
)
def test_what_cannot_be_initialized_is_one_line_and_nothing_is_written(folder, arguments, part):
    result = RUNNER.invoke(app, ["init", *arguments, "--out", "net.pt"])
    assert isinstance(result.exception, ValueError), result.exception
    assert part in str(result.exception) and "\n" not in str(result.exception)
    assert not (folder / "net.pt").exists()
