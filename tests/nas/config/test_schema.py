"""Configs: what is right is read whole, and every mistake is one line that says where, what and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import RunConfig, load_config

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = sorted(ROOT.glob("configs/*.yaml"))

VALID = """
name: small
seed: 3
generations: 2
task: {name: digits}
training: {epochs: 2, learning_rate: 1e-3}
limits: {max_parameters: 1000}
search:
  kind: compare
  functions: 2
  architecture: {name: small_cnn}
"""


@pytest.fixture
def write(tmp_path):
    def make(text: str | bytes) -> Path:
        path = tmp_path / "small.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def refused(path: Path, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def test_a_config_is_read_with_its_defaults(write):
    config = load_config(write(VALID))
    assert config.seed == 3
    assert config.training["learning_rate"] == 0.001
    assert config.training["batch_size"] == 64
    assert config.engine.resources.num_cpus == 1.0
    assert config.limits_json() == {"max_parameters": 1000}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_of_the_project_is_valid(path):
    assert load_config(path).name


def test_the_resolved_config_reads_back_as_itself(write, tmp_path):
    config = load_config(write(VALID))
    again = tmp_path / "config.yaml"
    again.write_text(config.to_yaml())
    assert load_config(again) == config


def test_a_config_is_frozen(write):
    config = load_config(write(VALID))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 4


def test_the_name_defaults_to_that_of_the_file(write):
    assert load_config(write(VALID.replace("name: small\n", ""))).name == "small"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("generations:", "generatoins:", "unknown key 'generatoins'; did you mean 'generations'?"),
        ("  functions:", "  funktions:", "unknown key 'search.funktions'; did you mean 'functions'?"),
        ("max_parameters", "max_params", "unknown key 'limits.max_params'; did you mean 'max_parameters'?"),
        ("epochs: 2", "epoch: 2", "Did you mean 'epochs'?"),
        ("kind: compare", "kind: comparison", "search.kind is 'comparison'; did you mean 'compare'?"),
        ("  kind: compare\n", "", "search lacks the key 'kind'"),
        ("task: {name: digits}\n", "", "the key 'task' is missing"),
        ("functions: 2", "functions: -2", "search.functions: input should be greater than 0. Received: -2"),
        ("seed: 3", "seed: -1", "seed: input should be greater than or equal to 0. Received: -1"),
        ("seed: 3", "seed: yes", "seed: input should be a valid integer. Received: True"),
        ("epochs: 2", "epochs: two", "training: 'epochs' must be a whole number of at least 1"),
        ("seed: 3", "seed: 3\nseed: 4", "line 4: the key 'seed' stands twice"),
        ("seed: 3", "seed: 2020-01-01", "a date is not allowed here"),
        ("seed: 3", "seed: .nan", "numbers must be finite"),
        ("seed: 3", "3: 3", "keys must be words. Received: 3"),
        ("name: small", "name: ../../etc", "name: "),
        ("seed: 3", "store: postgresql+psycopg://me:secret@host/db", "holds a password"),
        ("seed: 3", "store: sqlite:///x", "must be postgresql"),
        ("seed: 3", "engine: {ray_address: somewhere}", "must be 'local', 'auto' or HOST:PORT"),
        (
            "seed: 3",
            "engine: {resources: {num_gpu: 1}}",
            "'engine.resources.num_gpu'; did you mean 'num_gpus'?",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_remedy(write, before, after, expected):
    assert before in VALID
    path = write(VALID.replace(before, after))
    message = refused(path)
    assert message.startswith(f"{path}: ")
    assert expected in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n- b\n", "must be a mapping of keys to values. Received: a list"),
        ("just words", "must be a mapping of keys to values. Received: a str"),
        ("a: [1, 2\n\tb: {", "not valid YAML at line 2"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"a: \x00", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("{a: " * 60 + "1" + "}" * 60, "nested deeper than 40 levels"),
        ("a: &a [*a]", "nested deeper than 40 levels"),
        ("#" * 1_000_001, "too large for a config"),
        ("x: !!python/object/apply:os.system ['touch executed']", "not valid YAML at line 1"),
    ],
)
def test_what_is_no_config_is_refused(write, text, expected):
    assert expected in refused(write(text))


def test_aliases_cannot_flood_the_memory(write):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "more than 100000 values" in refused(write("\n".join(lines)))


def test_nothing_is_executed(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for tag in ("apply:os.system ['touch executed']", "new:os.system ['touch executed']", "name:os.system"):
        refused(write(f"name: !!python/object/{tag}"))
    assert not (tmp_path / "executed").exists()


def test_missing_files_and_folders_are_refused(tmp_path):
    assert refused(tmp_path / "none.yaml").endswith("none.yaml: no such file")
    assert "cannot be read" in refused(tmp_path)


def test_overrides_are_applied_in_their_order(write):
    config = load_config(
        write(VALID),
        ["generations=7", "training.epochs=5", "limits.max_seconds=2.5", "generations=8", "engine.workers=3"],
    )
    assert (config.generations, config.training["epochs"], config.engine.workers) == (8, 5, 3)
    assert config.limits.max_seconds == 2.5


def test_overrides_reach_into_lists(write):
    config = load_config(
        write(VALID + "  strategies: [autoinit, he_normal]\n"), ["search.strategies.1=glorot_normal"]
    )
    assert [item.strategy for item in config.search.strategies] == ["autoinit", "glorot_normal"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("serach.kind=compare", "--set serach.kind=compare: unknown key 'serach'; did you mean 'search'?"),
        (
            "search.functions=-1",
            "--set search.functions=-1: search.functions: input should be greater than 0",
        ),
        ("generations", "--set generations: must be key.path=value"),
        ("=3", "--set =3: must be key.path=value"),
        ("seed.x=3", "--set seed.x=3: seed is the value 3, it has no keys below it"),
        ("seed=[1", "--set seed=[1: not valid YAML"),
        ("search.strategies.5=x", "must be the number of an item, 0 to 0, of a list"),
    ],
)
def test_a_wrong_override_is_named(write, override, expected):
    text = VALID + "  strategies: [autoinit]\n"
    assert expected in refused(write(text), (override,))


def test_several_mistakes_are_reported_together(write):
    text = VALID.replace("seed:", "sead:").replace("  functions: 2", "  functions: 0")
    message = refused(write(text))
    assert "did you mean 'seed'" in message
    assert "search.functions" in message


def test_json_of_a_config_is_plain(write):
    data = load_config(write(VALID)).to_json()
    assert yaml.safe_load(yaml.safe_dump(data)) == data
    assert RunConfig.model_validate(data).to_json() == data
