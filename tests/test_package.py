"""One import name: what is installed, what importing it loads, and folders that hold files of the same names."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gondwana
from tests.helpers import ROOT

FOLDERS = ("activations", "autoinit", "nas", "tasks")


def python(code: str, cwd: Path, *, path: Path | None = ROOT) -> subprocess.CompletedProcess[str]:
    """Run code as a program that stands in ``cwd`` and reads from standard input, as a notebook's kernel does."""
    import os

    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONPATH", None)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-"],
        input=code,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_folder_with_code_is_in_the_wheel():
    listed = set(project()["tool"]["setuptools"]["packages"])
    found = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "gondwana").rglob("__init__.py")
    }
    for folder in FOLDERS:
        found |= {
            "gondwana." + ".".join(path.parent.relative_to(ROOT).parts)
            for path in (ROOT / folder).rglob("__init__.py")
        }
    data = [*(ROOT / "configs").rglob("*.yaml"), *(ROOT / "nas" / "report").rglob("*.j2")]
    found |= {"gondwana." + ".".join(path.parent.relative_to(ROOT).parts) for path in data}
    assert listed == found


def test_every_name_in_the_wheel_lies_under_one():
    setuptools = project()["tool"]["setuptools"]
    assert {name.split(".")[0] for name in setuptools["packages"]} == {"gondwana"}
    assert "py-modules" not in setuptools


def test_every_preset_is_package_data():
    data = project()["tool"]["setuptools"]["package-data"]
    for path in (ROOT / "configs").rglob("*.yaml"):
        package = "gondwana." + ".".join(path.parent.relative_to(ROOT).parts)
        assert "*.yaml" in data[package], path


def test_the_face_gives_its_names_and_loads_nothing_before():
    code = (
        "import sys, gondwana\n"
        "assert not {'keras', 'ray', 'tensorflow', 'numpy', 'pandas'} & set(sys.modules)\n"
        "assert {'AutoInit', 'load_network', '__version__', 'nas'} <= set(dir(gondwana))\n"
        "print(gondwana.__version__)"
    )
    done = python(code, ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == gondwana.__version__ == project()["project"]["version"]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"no attribute 'autoint'; it has .*AutoInit"):
        gondwana.autoint  # noqa: B018


@pytest.mark.slow
def test_the_four_folders_give_the_same_objects_in_the_clones_root():
    code = (
        "from autoinit import AutoInit\nfrom activations import Graph\n"
        "from tasks import Task\nfrom nas import load_network\n"
        "import gondwana.activations, gondwana.tasks\n"
        "assert AutoInit is gondwana.AutoInit and load_network is gondwana.load_network\n"
        "assert Graph is gondwana.activations.Graph and Task is gondwana.tasks.Task\n"
        "try:\n    import autoinit.signals\nexcept ModuleNotFoundError:\n    print('once')"
    )
    done = python(code, ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, "once"), done.stderr


@pytest.fixture
def homework(tmp_path: Path) -> Path:
    """A folder of a user who has files called like ours, each of which would end a program that imports it."""
    for name in ("tasks.py", "autoinit.py", "activations.py", "nas/__init__.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise RuntimeError('the file of the user was imported')\n", encoding="utf-8")
    (tmp_path / "small.yaml").write_text(
        "task: {name: digits}\ntraining: {epochs: 1}\nsearch:\n  kind: codeepneat\n"
        "  population: {blueprints: 1, modules: 1}\n  evaluations: 1\n  species: {blueprints: 1, modules: 1}\n"
        "  space: {layers: [Add, Dense], genes: {activation: [relu], units: {low: 4, high: 8}}}\n"
        "engine: {workers: 1}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["local", "ray"])
def test_a_run_works_beside_files_of_the_same_names(homework: Path, pool: str):
    arguments = ["gondwana", "evolve", "small.yaml", "--set", f"engine.pool={pool}", "--run-dir", "run"]
    code = f"import sys\nsys.argv = {arguments!r}\nfrom gondwana.nas.cli import main\nmain()"
    done = python(code, homework)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 evaluations recorded, 0 failed" in done.stdout + done.stderr
    assert (homework / "run" / "best.keras").is_file()
