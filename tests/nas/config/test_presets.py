"""Presets are found by their names, whole, and a misspelt one is answered with those that are like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.presets import find_config, preset_names, summary
from gondwana.nas.config.schema import load_config
from tests.helpers import ROOT


def test_every_config_is_a_preset():
    there = {
        path.relative_to(ROOT / "configs").with_suffix("").as_posix()
        for path in (ROOT / "configs").rglob("*.yaml")
    }
    assert set(preset_names()) == {name for name in there if not name.startswith("cluster/")}


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_anywhere_and_says_what_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert load_config(name).name
    assert len(summary(name)) > 20


def test_a_file_goes_before_a_preset_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_text("", encoding="utf-8")
    assert find_config("digits") == Path("digits")


@pytest.mark.parametrize("name", ["digit", "paper/section", "../digits", "/digits", ""])
def test_an_unknown_name_is_refused_with_those_that_are_like_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    if name == "":
        assert find_config(name) == Path()  # the folder itself, which the reader refuses as a folder
        return
    with pytest.raises(ConfigError, match=r"neither a file nor a preset .*like it are \w"):
        find_config(name)


def test_a_missing_file_stays_a_missing_file():
    assert find_config("no-such.yaml") == Path("no-such.yaml")
