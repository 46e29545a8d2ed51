"""The documented examples of a user's own data and code, through the installed command."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import Execution, start
from gondwana.nas.engine.loop import Stop

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"
GONDWANA = Path(sys.executable).with_name("gondwana")
FEW = ["--set", "generations=1", "--set", "search.population.blueprints=2", "--set", "training.epochs=2"]


def documented(name: str) -> str:
    """Return the block of the documentation whose first line is ``# name``."""
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in ("tasks.md", "codeepneat.md"))
    (block,) = re.findall(rf"```\w+\n(# {re.escape(name)}\n.*?)```", text, re.DOTALL)
    return block


def gondwana(*arguments: object, cwd: Path, fails: bool = False, **environment: str) -> str:
    """Run the command; return what it prints."""
    done = subprocess.run(
        [GONDWANA, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def outcomes(run: Path) -> list[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    return list(csv.DictReader(gondwana("export", run, cwd=run.parent).splitlines()))


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with the documented files of the parity task."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("parity.py", "parity.yaml", "my_layers.py"):
        (folder / name).write_text(documented(name), encoding="utf-8")
    return folder


def test_a_task_and_a_layer_type_of_the_users_own_in_a_ray_worker(project, tmp_path):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    elsewhere.mkdir()
    options = ["--run-dir", run, "--set", "engine.workers=1", "--set", "training.epochs=10"]
    text = gondwana("evolve", project / "parity.yaml", *options, cwd=elsewhere)
    assert "network" in text
    rows = outcomes(run)
    assert len(rows) == 8 and {row["state"] for row in rows} <= {"completed", "duplicate"}
    assert sum('"Maxout"' in row["spec"] for row in rows) > 0
    assert str(project) not in json.loads(rows[0]["spec"]), "a spec does not depend on where the files are"

    refused = gondwana("best", run, cwd=elsewhere, fails=True)
    assert "unknown task 'parity'" in refused and "GONDWANA_PLUGINS" in refused
    code = f"{project / 'parity.py'}:{project / 'my_layers.py'}"
    assert "loaded and scored now" in gondwana("best", run, cwd=elsewhere, GONDWANA_PLUGINS=code)


@pytest.mark.filterwarnings("ignore:TensorFlow is already in use")  # by other tests of this process
def test_a_run_with_code_of_the_users_own_is_resumed_from_anywhere(project, tmp_path):
    stop = Stop()

    class Stopping:
        def outcome(self, *_: object) -> None:
            stop.requested = True

        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: None

    config = load_config(project / "parity.yaml", ["engine.pool=local", "training.epochs=1"])
    run = tmp_path / "run"
    assert not start(config, run, Execution(stop=stop, listeners=[Stopping()])).finished
    before = len(outcomes(run))
    assert before < 8
    text = (project / "my_layers.py").read_text()
    (project / "my_layers.py").write_text(text + "# changed\n")
    assert "my_layers.py has changed" in gondwana("resume", run, cwd=tmp_path, fails=True)
    (project / "my_layers.py").write_text(text)
    gondwana("resume", run, cwd=tmp_path)
    assert len(outcomes(run)) == 8


def test_a_folder_of_images(tmp_path):
    (tmp_path / "leaves.yaml").write_text(documented("leaves.yaml"), encoding="utf-8")
    rng = np.random.default_rng(0)
    for name, level in (("oak", 60), ("beech", 120), ("ash", 190)):
        (tmp_path / "data" / "leaves" / name).mkdir(parents=True)
        for number in range(15):
            pixels = np.clip(rng.normal(level, 20, (16, 20, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / "leaves" / name / f"{number}.png")
    options = ["--data-dir", "data", "--run-dir", "run", "--set", "engine.pool=local", *FEW]
    gondwana("evolve", "leaves.yaml", *options, cwd=tmp_path)
    assert {row["state"] for row in outcomes(tmp_path / "run")} <= {"completed", "duplicate"}


def test_a_table(tmp_path):
    (tmp_path / "houses.yaml").write_text(documented("houses.yaml"), encoding="utf-8")
    rng = np.random.default_rng(0)
    lines = ["area,rooms,heating,price"]
    for _ in range(60):
        area, rooms, heating = (
            rng.uniform(40, 200),
            rng.integers(1, 7),
            rng.choice(["gas", "oil", "heat pump"]),
        )
        lines.append(f"{area:.1f},{rooms},{heating},{1000 * area + 5000 * rooms:.0f}")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "houses.csv").write_text("\n".join(lines), encoding="utf-8")
    options = ["--data-dir", "data", "--run-dir", "run", "--set", "engine.pool=local", *FEW]
    gondwana("evolve", "houses.yaml", *options, cwd=tmp_path)
    assert {row["state"] for row in outcomes(tmp_path / "run")} <= {"completed", "duplicate"}
