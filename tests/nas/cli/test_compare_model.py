"""``gondwana compare --model``: strategies on a network of the user's own, paired by seed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
import yaml

from gondwana.nas import cli
from gondwana.nas.config.schema import load_config
from gondwana.nas.report.data.compare_run import compare_run
from gondwana.nas.report.report import load_run

pytestmark = pytest.mark.slow
layers = keras.layers

Result = tuple[int, str, str]


@pytest.fixture
def gondwana(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["gondwana", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nets") / "my net.keras"
    keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(12, activation="relu"), layers.Dense(10)]
    ).save(path)
    return path


LOCAL = ("--set", "engine.pool=local", "--set", "training.epochs=1")


@pytest.mark.filterwarnings("ignore:TensorFlow is already in use")
def test_strategies_are_compared_over_seeds(
    gondwana: Callable[..., Result], net: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = ("--strategies", "glorot_uniform", "autoinit", "--seeds", 3, "--run-dir", run, *LOCAL)
    code, out, err = gondwana("compare", "--model", net, "--task", "digits", *arguments)
    assert code == 0, err
    assert "it takes at least 6 pairs" in out
    assert "nan" not in out.lower()
    found = compare_run(load_run(run))
    assert found.unit == "seed"
    assert {group.name: group.size for group in found.comparison.groups} == {
        "glorot_uniform": 3,
        "autoinit": 3,
    }  # type: ignore[union-attr]
    trials = load_run(run).trials
    seeds = {
        name: [t.candidate.spec["seed"] for t in trials if t.candidate.origin["strategy"] == name]
        for name in ("glorot_uniform", "autoinit")
    }
    assert seeds["glorot_uniform"] == seeds["autoinit"]  # the same order of examples under both
    assert len(set(seeds["autoinit"])) == 3
    assert "seed 2" in (run / "report.html").read_text(encoding="utf-8")
    net_is_not_needed = load_config(run / "config.yaml")
    assert "Flatten" in str(net_is_not_needed.search)


def test_a_config_names_the_file_beside_it(net: Path, tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(net.read_bytes())
    config = {
        "task": {"name": "digits"},
        "search": {
            "kind": "sweep",
            "architecture": {"name": "saved_model", "options": {"file": "net.keras"}},
            "strategies": ["default", "autoinit"],
            "replicates": 4,
        },
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    options = load_config(tmp_path / "c.yaml").search.architecture.options  # type: ignore[union-attr]
    assert set(options) == {"config"}
    (tmp_path / "net.keras").write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match=r"net\.keras: not a \.keras file; save the model with model\.save"):
        load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--strategies", "default,autoinit"), "--model needs --task"),
        (("--task", "digits"), "two or more initialization strategies"),
        (("--task", "digits", "--strategies", "default,default"), "each once"),
        (("--task", "digits", "--strategies", "default,autoint"), "Received: 'autoint'"),
        (("--task", "digits", "--strategies", "default", "autoinit", "--seeds", 1), "--seeds is at least 2"),
        (("--task", "digit", "--strategies", "default", "autoinit"), "unknown task 'digit'"),
        (("--task", "digits", "--strategies", "default", "autoinit", "--group", "x"), "CSV files only"),
    ],
)
def test_a_mistake_is_one_line(
    gondwana: Callable[..., Result], net: Path, tmp_path: Path, arguments: tuple[object, ...], words: str
) -> None:
    code, _, err = gondwana("compare", "--model", net, *arguments, "--run-dir", tmp_path / "run")
    assert code == 2
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_options_of_a_model_without_one_are_refused(gondwana: Callable[..., Result], tmp_path: Path) -> None:
    code, _, err = gondwana("compare", tmp_path, "--seeds", 3)
    assert (code, "--seeds can be given for --model only" in err) == (2, True)
    code, _, err = gondwana("compare")
    assert (code, "--model NET.keras" in err) == (2, True)
