"""The schema agrees with what reads a config."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from gondwana.nas.cli import app
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.json_schema import config_schema
from gondwana.nas.config.schema import RunConfig, parse_config
from tests.helpers import ROOT

CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if "cluster" not in path.parts)
LEAST = {
    "task": {"name": "digits"},
    "search": {"kind": "codeepneat", "space": {"layers": ["Dense"], "genes": {"units": [8, 16]}}},
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_preset_is_valid(validator, path):
    assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"time_budget": "20m"},
        {"finalists": {"count": 2}},
        {"training": {"schedule": "cosine"}},
        {"training": {"schedule": {"kind": "cosine", "warmup_epochs": 2}, "augmentation": {"flip": True}}},
        {"task": {"name": "digits", "metric": "f1_macro"}},
    ],
    ids=str,
)
def test_what_is_read_is_valid(validator, change):
    data = {**LEAST, **change}
    parse_config({"name": "x", **data}, source="test")
    assert [error.message for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 3},
        {"generations": 0},
        {"training": {"epoch": 3}},
        {"training": {"schedule": {"king": "cosine"}}},
        {"engine": {"pool": "slurm"}},
        {"task": {"options": {}}},
        {"search": {"kind": "codeepneat", "space": {}}},
    ],
    ids=str,
)
def test_what_is_refused_is_not_valid(validator, change):
    data = {**LEAST, **change}
    with pytest.raises(ConfigError):
        parse_config({"name": "x", **data}, source="test")
    assert not validator.is_valid(data)


def test_keys_are_explained_in_plain_words():
    found = config_schema()
    words = {name: value.get("description", "") for name, value in found["properties"].items()}
    assert set(words) == set(RunConfig.model_fields)
    assert all(words.values())
    assert found["$defs"]["Training"]["properties"]["batch_size"]["description"] == "examples per step."
    text = json.dumps(found)
    assert "``" not in text and ":class:" not in text and "Attributes:" not in text


def test_the_command_writes_it(tmp_path):
    printed = CliRunner().invoke(app, ["schema"])
    assert json.loads(printed.stdout) == config_schema()
    path = tmp_path / "new" / "schema.json"
    assert f"$schema={path}" in CliRunner().invoke(app, ["schema", "--out", str(path)]).stdout
    assert json.loads(path.read_text()) == config_schema()


def test_shells_complete_the_command():
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).stdout
