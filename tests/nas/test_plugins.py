"""A user's own code: where a config names it, when it is loaded, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gondwana import tasks
from gondwana.nas.config.schema import ConfigError, load_config, parse_config
from gondwana.nas.plugins import Plugin, PluginError, environment_plugins, load_plugins, resolved
from gondwana.nas.searches.codeepneat.layers import registry as layer_types
from gondwana.tasks import registry as task_names

TASK = """
import tasks

@tasks.register("{name}")
class Mine(tasks.Task):
    info = search_data = test_data = None
"""
LAYER = """
from gondwana.nas.searches.codeepneat.layers.registry import LayerType, register

register(LayerType("{name}", (), frozenset({{1}}), lambda s, g: s, lambda s, g: 0, None, weighted=True))
"""


@pytest.fixture(autouse=True)
def _registries(monkeypatch):
    monkeypatch.setattr(task_names, "_TASKS", dict(task_names._TASKS))
    monkeypatch.setattr(layer_types, "_TYPES", dict(layer_types._TYPES))


def config(folder: Path, task: dict[str, Any], **space: Any) -> dict[str, Any]:
    return {
        "name": "own",
        "task": task,
        "search": {"kind": "codeepneat", "space": {"layers": ["Dense"], "genes": GENES, **space}},
    }


GENES = {"units": [4], "activation": ["relu"]}


@pytest.mark.parametrize(
    "section", [{"file": "mine.py"}, {"name": "mine.py"}, {"file": "mine.py", "name": "mine"}]
)
def test_a_task_file_is_relative_to_the_config(tmp_path, section):
    (tmp_path / "mine.py").write_text(TASK.format(name="mine"))
    found = parse_config(config(tmp_path, {**section, "options": {"a": 1}}), source="x", folder=tmp_path)
    assert (found.task.name, found.task.options) == ("mine", {"a": 1})
    (plugin,) = found.plugins
    assert plugin.source == str(tmp_path / "mine.py") and len(plugin.sha256 or "") == 64
    assert "mine" in tasks.names()


def test_a_plugin_written_as_a_mapping_is_relative_to_the_config(tmp_path):
    (tmp_path / "mine.py").write_text(TASK.format(name="mine"))
    data = {**config(tmp_path, {"name": "mine"}), "plugins": [{"source": "mine.py"}]}
    (plugin,) = parse_config(data, source="x", folder=tmp_path).plugins
    assert plugin.source == str(tmp_path / "mine.py") and len(plugin.sha256 or "") == 64
    data["plugins"] = [{"source": "mine.py", "sha256": "0" * 64}]
    with pytest.raises(ConfigError, match="has changed"):
        parse_config(data, source="x", folder=tmp_path)


def test_the_recorded_config_needs_no_folder_and_notices_a_change(tmp_path):
    (tmp_path / "mine.py").write_text(TASK.format(name="mine"))
    recorded = parse_config(config(tmp_path, {"file": "mine.py"}), source="x", folder=tmp_path).to_json()
    assert parse_config(recorded, source="run").to_json() == recorded
    (tmp_path / "mine.py").write_text(TASK.format(name="mine") + "# changed\n")
    with pytest.raises(ConfigError, match=r"run: .*mine\.py has changed since the run began"):
        parse_config(recorded, source="run")
    (tmp_path / "mine.py").unlink()
    with pytest.raises(ConfigError, match=r"mine\.py cannot be read"):
        parse_config(recorded, source="run")


def test_layer_types_come_from_files_and_modules_of_the_space(tmp_path, monkeypatch):
    (tmp_path / "one.py").write_text(LAYER.format(name="One"))
    (tmp_path / "beside.py").write_text(LAYER.format(name="Beside"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "importable_two.py").write_text(LAYER.format(name="Two"))
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    data = config(
        tmp_path,
        {"name": "digits"},
        modules=["one.py", "beside", "importable_two"],
        layers=["Dense", "One", "Beside", "Two"],
    )
    found = parse_config(data, source="x", folder=tmp_path)
    assert [Path(plugin.source).name for plugin in found.plugins] == ["one.py", "beside.py", "importable_two"]
    parse_config(found.to_json(), source="again")


def test_a_file_is_run_once_in_a_process(tmp_path):
    (tmp_path / "count.py").write_text(f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n")
    plugin = resolved("count.py", tmp_path)
    load_plugins([plugin, plugin])
    load_plugins([plugin])
    assert (tmp_path / "runs").read_text() == "x"


@pytest.mark.parametrize(
    ("text", "task", "message"),
    [
        (None, {"file": "absent.py"}, r"absent\.py cannot be read: No such file"),
        ("", {"file": "mine.py"}, "task.file: .* registers no task"),
        ("x = 1\ny = z\n", {"file": "mine.py"}, r"mine\.py line 2: NameError"),
        ("def (", {"file": "mine.py"}, r"mine\.py line 1: SyntaxError"),
        ("", {"file": "mine"}, r"task.file is the path of a Python file. Received: 'mine'"),
        (TASK.format(name="a") + TASK.format(name="b"), {"file": "mine.py"}, "registers a, b; say which one"),
        (
            TASK.format(name="a"),
            {"file": "mine.py", "name": "b"},
            "registers a; say which one .*Received: 'b'",
        ),
        ("", {"file": ["mine.py"]}, "task.file is the path"),
    ],
)
def test_what_is_wrong_with_a_task_file_is_said_in_one_line(tmp_path, text, task, message):
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        parse_config(config(tmp_path, task), source="x.yaml", folder=tmp_path)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("x.yaml: ")


def test_a_module_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot import the module 'no_such_module'"):
        parse_config(
            config(tmp_path, {"name": "digits"}, modules=["no_such_module"]), source="x", folder=tmp_path
        )


def test_a_module_that_fails_is_named(tmp_path, monkeypatch):
    (tmp_path / "failing_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="the module 'failing_module' fails: ZeroDivisionError: division"):
        load_plugins(["failing_module"])


@pytest.mark.parametrize("plugins", [3, "x.py", {"x.py": None}, [{"sorce": "x"}], [1]])
def test_plugins_of_another_form_are_refused(tmp_path, plugins):
    with pytest.raises(ConfigError, match="plugins"):
        parse_config(
            {**config(tmp_path, {"name": "digits"}), "plugins": plugins}, source="x", folder=tmp_path
        )


def test_a_config_file_finds_its_neighbours_from_anywhere(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mine.py").write_text(TASK.format(name="mine"))
    (folder / "run.yaml").write_text(
        "task: {file: ./mine.py}\n"
        "search: {kind: codeepneat, space: {layers: [Dense], genes: {units: [4], activation: [relu]}}}"
    )
    monkeypatch.chdir(tmp_path)
    assert load_config("project/run.yaml").task.name == "mine"


def test_the_environment_names_code_for_commands_that_read(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(TASK.format(name="mine"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GONDWANA_PLUGINS", "mine.py:json")
    assert [plugin.source for plugin in environment_plugins()] == [str(tmp_path / "mine.py"), "json"]
    load_plugins(environment_plugins())
    assert "mine" in tasks.names()
    monkeypatch.setenv("GONDWANA_PLUGINS", "absent.py")
    with pytest.raises(PluginError, match=r"absent\.py"):
        environment_plugins()


def test_a_file_that_does_not_match_its_digest_is_not_run(tmp_path):
    (tmp_path / "mine.py").write_text("raise SystemExit('it was run')")
    with pytest.raises(PluginError, match="has changed"):
        load_plugins([Plugin(source=str(tmp_path / "mine.py"), sha256="0" * 64)])
