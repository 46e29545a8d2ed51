"""The architecture of docs/architecture.md, read from the source: no circles, small folders, a current picture."""

from __future__ import annotations

import importlib.util
from collections import Counter
from graphlib import TopologicalSorter
from statistics import median

import pytest

from tests.helpers import ROOT

_SPEC = importlib.util.spec_from_file_location("draw_architecture", ROOT / "docs" / "draw_architecture.py")
assert _SPEC is not None and _SPEC.loader is not None
drawing = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(drawing)

MOST_FILES = 15
MEDIAN_LINES = 150


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    return drawing.read_imports()


def folders() -> list[str]:
    packages = {name.rpartition(".")[0] for name in drawing.module_files()}
    return sorted(packages | {"", *drawing.PACKAGES})


def test_imports_are_found(imports):
    assert "autoinit.signals.signal" in imports["autoinit.planning"]
    assert "tasks.base" in imports["nas.engine.execute"]  # one that only type checkers see counts
    assert "nas.engine.pools.ray_pool" in imports["nas.engine.pools.choose"]  # one inside a function counts
    assert sum(map(len, imports.values())) > 800


def test_no_module_imports_itself_by_a_detour(imports):
    tuple(TopologicalSorter(imports).static_order())  # raises CycleError


def test_a_circle_would_be_found(imports):
    with pytest.raises(ValueError, match="cycle"):
        tuple(TopologicalSorter(imports | {"autoinit.errors": {"autoinit.api"}}).static_order())


@pytest.mark.parametrize("folder", folders())
def test_files_and_folders_of_a_folder_stand_in_floors(imports, folder):
    drawing.floors(drawing.between_children(imports, folder))  # raises CycleError


def test_no_folder_has_too_many_files():
    count = Counter(path.parent for path in drawing.module_files().values())
    assert {str(folder): number for folder, number in count.items() if number > MOST_FILES} == {}


def test_files_are_short():
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in drawing.module_files().values()]
    assert median(lengths) <= MEDIAN_LINES


def test_the_picture_is_current(imports):
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.draw(imports), (
        "run: python docs/draw_architecture.py"
    )


def test_the_page_names_files_that_exist():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {
        word.strip("`") for word in page.split() if word.startswith("`") and word.count("/") and "." in word
    }
    paths = {
        word for word in (name.rstrip("`.,;:)") for name in named) if word.endswith((".py", ".md", ".toml"))
    }
    assert len(paths) > 20
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
