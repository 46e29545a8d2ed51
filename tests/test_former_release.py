"""What version 0.1.0 left behind still works: its runs, its networks, its config keys, and files written for it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import gondwana
from gondwana.nas.cli import app
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import load_config, parse_config
from gondwana.nas.engine.execute import resume
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.tasks import registry, user_code

MADE = Path(__file__).parent / "data" / "release-0.1.0"


@pytest.fixture
def run_of(tmp_path: Path):
    """Return a maker of a run folder as 0.1.0 left it, stopped after ``keep`` outcomes if that is given."""

    def make(name: str, keep: int | None = None) -> Path:
        folder = tmp_path / f"{name}-{keep}"
        shutil.copytree(MADE / name, folder)
        script = (folder / "run.sql").read_text(encoding="utf-8")
        (folder / "run.sql").unlink()
        with sqlite3.connect(folder / "run.sqlite") as store:
            store.executescript(script)
            if keep is not None:
                store.execute("DELETE FROM outcomes WHERE sequence >= ?", (keep,))
                store.execute("DELETE FROM candidates WHERE told_before > ?", (keep,))
                store.execute("DELETE FROM snapshots WHERE generation > 0")
                store.execute("DELETE FROM finals")
                store.execute("UPDATE runs SET finished = NULL")
        return folder

    return make


def candidates_of(folder: Path) -> dict[int, str]:
    with RunFolder.open(folder).open_store(read_only=True) as store:
        return {item.candidate.id: item.candidate.key for item in store.candidates()}


def command(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def test_a_run_is_shown_exported_and_reported(run_of):
    folder = run_of("evolution")
    assert "8" in command("show", str(folder))
    table = folder / "outcomes.csv"
    command("export", str(folder), "--format", "csv", "--out", str(table))
    assert len(table.read_text(encoding="utf-8").splitlines()) == 9
    command("report", str(folder))
    assert "from-0.1.0" in (folder / "report.html").read_text(encoding="utf-8")


def test_evolutions_side_by_side_are_compared_and_reported(run_of):
    folder = run_of("side_by_side")
    assert "side_by_side" in command("show", str(folder))
    assert "evolved" in command("compare", str(folder))
    command("report", str(folder))
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "evolved, replicate 0" in page  # from a snapshot, whose form is 0.1.0's


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:TensorFlow is already in use")
@pytest.mark.parametrize("keep", [3, 6])
def test_a_run_that_was_stopped_is_resumed_to_the_same_candidates(run_of, keep):
    """6 of 8: the first generation is told from the record, so the second one must be bred as 0.1.0 bred it."""
    whole = candidates_of(run_of("evolution"))
    folder = run_of("evolution", keep)
    result = resume(folder)
    assert result.finished
    found = candidates_of(folder)
    assert len(found) == 8
    told = 8 if keep >= 4 else 4
    assert {number: found[number] for number in range(told)} == {
        number: whole[number] for number in range(told)
    }


def test_a_saved_network_gives_the_same_outputs():
    network = gondwana.load_network(MADE / "network.keras")
    x = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    expected = json.loads((MADE / "network.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(np.asarray(network(x)), expected, rtol=1e-5, atol=1e-6)


def config(**search) -> dict:
    data = yaml.safe_load((MADE / "evolution" / "config.yaml").read_text(encoding="utf-8"))
    return data | {"search": data["search"] | search}


def test_a_former_key_is_read_with_a_note():
    with pytest.warns(FutureWarning, match=r"old.yaml: search.credit is called fitness_assignment now"):
        found = parse_config(config(), source="old.yaml")
    assert found.search.fitness_assignment == "best"


def test_a_former_key_beside_the_new_one_is_refused():
    with pytest.raises(ConfigError, match=r"unknown key 'search.credit'"):
        parse_config(config(fitness_assignment="mean"), source="old.yaml")


def test_a_former_kind_is_read_with_a_note():
    path = MADE / "side_by_side" / "config.yaml"
    with pytest.warns(FutureWarning, match="arms is called side_by_side now"):
        assert load_config(path).search.kind == "side_by_side"


def test_todays_names_need_no_note():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = load_config(MADE.parents[2] / "configs" / "paper" / "section6-small.yaml")
    assert again.search.kind == "side_by_side"


def test_a_users_file_with_former_import_names_is_loaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))
    with pytest.warns(FutureWarning, match="write 'gondwana.tasks"):
        assert user_code.load_file(MADE / "parity.py") == ("parity",)
    assert issubclass(user_code.task_class("parity"), gondwana.tasks.Task)
