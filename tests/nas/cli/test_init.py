"""``gondwana init`` and ``gondwana signals``, as a user runs them."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from gondwana.nas.cli import app

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "net.keras"
    layers = keras.layers
    keras.Sequential(
        [keras.Input((64,))] + [layers.Dense(64, activation="relu", name=f"dense_{i}") for i in range(4)]
    ).save(path)
    return path


def test_init_keeps_the_variance_and_is_the_same_for_the_same_seed(saved, tmp_path):
    outs = [tmp_path / "a.keras", tmp_path / "b.keras"]
    for out in outs:
        result = RUNNER.invoke(app, ["init", str(saved), "--out", str(out), "--seed", "3"])
        assert result.exit_code == 0, result.output
    first, second = (keras.models.load_model(out).get_weights() for out in outs)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    # After a ReLU of N(0, 1), E[x^2] = 1/2, so the weights have variance 2 / fan_in.
    assert np.var(first[2]) == pytest.approx(2 / 64, rel=0.1)


def test_signals_shows_every_layer_and_draws(saved, tmp_path):
    figure = tmp_path / "signals.svg"
    result = RUNNER.invoke(app, ["signals", str(saved), "--out", str(figure), "--draws", "2"])
    assert result.exit_code == 0, result.output
    assert all(f"dense_{i}" in result.output for i in range(4))
    assert figure.read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "not.keras"
    path.write_text("hello", encoding="utf-8")
    result = RUNNER.invoke(app, ["init", str(path), "--out", str(tmp_path / "out.keras")])
    assert isinstance(result.exception, ValueError)
    assert "not a .keras file" in str(result.exception)
    assert not (tmp_path / "out.keras").exists()


def test_the_output_has_to_be_a_keras_file(saved, tmp_path):
    result = RUNNER.invoke(app, ["init", str(saved), "--out", str(tmp_path / "out.h5")])
    assert "--out names a .keras file" in str(result.exception)


@pytest.mark.parametrize("command", ["init", "signals"])
def test_what_cannot_be_loaded_is_refused_and_nothing_is_overwritten(command, saved, tmp_path):
    hostile, torn = tmp_path / "hostile.keras", tmp_path / "torn.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)]).save(hostile)
    content = bytearray(saved.read_bytes())
    content[len(content) // 2 - 40 : len(content) // 2 + 40] = bytes(80)  # in the middle of the weights
    torn.write_bytes(content)
    out = tmp_path / ("kept.keras" if command == "init" else "kept.svg")
    out.write_text("precious", encoding="utf-8")
    for path in (hostile, torn, tmp_path, tmp_path / "missing.keras"):
        result = RUNNER.invoke(app, [command, str(path), "--out", str(out)])
        assert isinstance(result.exception, ValueError), (path, result.exception)
        assert path.name in str(result.exception) and "\n" not in str(result.exception)
        assert out.read_text(encoding="utf-8") == "precious"


def test_a_model_may_be_initialized_in_its_own_place_but_not_in_a_folders(saved, tmp_path):
    own = tmp_path / "own.keras"
    own.write_bytes(saved.read_bytes())
    assert RUNNER.invoke(app, ["init", str(own), "--out", str(own)]).exit_code == 0
    assert not np.array_equal(
        keras.models.load_model(own).get_weights()[0], keras.models.load_model(saved).get_weights()[0]
    )
    (tmp_path / "folder.keras").mkdir()
    result = RUNNER.invoke(app, ["init", str(own), "--out", str(tmp_path / "folder.keras")])
    assert isinstance(result.exception, ValueError) and "is a folder" in str(result.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.keras", "own.keras"]


def test_init_draws_the_layers_that_are_chosen(saved, tmp_path):
    out, data = tmp_path / "out.keras", tmp_path / "x.npy"
    np.save(data, np.random.default_rng(0).normal(3.0, 2.0, size=(100, 64)))
    chosen = ["--layers", "dense_3", "--layers", "*_2", "--data", str(data)]
    result = RUNNER.invoke(app, ["init", str(saved), "--out", str(out), *chosen])
    assert result.exit_code == 0, result.output
    assert "not chosen" in result.output
    before, after = keras.models.load_model(saved), keras.models.load_model(out)
    same = [
        np.array_equal(old.kernel, new.kernel) for old, new in zip(before.layers, after.layers, strict=True)
    ]
    assert same == [True, True, False, False]


def test_init_calibrates(saved, tmp_path):
    out = tmp_path / "out.keras"
    result = RUNNER.invoke(app, ["init", str(saved), "--out", str(out), "--calibrate"])
    assert result.exit_code == 0, result.output
    assert "corrected" in result.output
    assert out.exists()


def test_init_starts_from_what_a_preprocessing_layer_was_adapted_to(tmp_path):
    path = tmp_path / "net.keras"
    normal = keras.layers.Normalization()
    normal.adapt(np.random.default_rng(0).normal(50.0, 9.0, size=(500, 16)))
    keras.Sequential([keras.Input((16,)), normal, keras.layers.Dense(32, name="dense")]).save(path)
    for command in (["init", str(path), "--out", str(tmp_path / "out.keras")], ["signals", str(path)]):
        result = RUNNER.invoke(app, command)
        assert result.exit_code == 0, result.output
        row = next(
            line
            for line in result.output.splitlines()
            if ("dense" in line and "│" in line) or "dense " in line
        )
        numbers = [float(x) for x in re.findall(r"\d+\.\d+", row)]
        assert max(numbers) < 3, row  # not thousands, as for pixels taken for N(0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layers", "dens_3"], "no layer matches 'dens_3'"),
        (["--data", "missing.npy"], "not an array"),
        (["--calibrate", "--plusplus"], "leave --plusplus out"),
    ],
)
def test_wrong_options_are_named_and_nothing_is_saved(saved, tmp_path, options, message):
    out = tmp_path / "out.keras"
    result = RUNNER.invoke(app, ["init", str(saved), "--out", str(out), *options])
    assert message in str(result.exception)
    assert not out.exists()
