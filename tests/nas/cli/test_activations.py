"""``gondwana activations``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from gondwana import activations
from gondwana.nas.cli.activations import OutputError, app
from gondwana.nas.cli.quiet import quiet

KEYS = {"text", "latex", "parameters", "mean", "second_moment", "valid", "reason"}


def run(*arguments: str):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_sample_writes_one_json_object_a_line_and_repeats_itself(tmp_path):
    first, second = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    for path in (first, second):
        result = run("sample", "--count", 30, "--seed", 4, "--out", path)
        assert result.exit_code == 0
        assert "30 functions, " in result.stderr
    assert first.read_bytes() == second.read_bytes()
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    assert len(lines) == 30
    assert all(set(line) == KEYS for line in lines)
    assert all(line["valid"] == (line["reason"] is None) for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.jsonl", "two.jsonl"]


def test_sample_writes_a_table_by_the_ending_of_the_file(tmp_path):
    for name in ("f.jsonl", "f.csv", "f.tex"):
        assert run("sample", "--count", 5, "--seed", 4, "--out", tmp_path / name).exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    table = pd.read_csv(tmp_path / "f.csv")
    assert list(table["text"]) == [line["text"] for line in lines] and set(table) == KEYS
    assert "\\toprule" in (tmp_path / "f.tex").read_text()


def test_sample_to_standard_output():
    result = run("sample", "--count", 3)
    assert [set(json.loads(line)) for line in result.stdout.splitlines()] == [KEYS] * 3


def test_sample_unique_and_valid_with_a_sheet(tmp_path):
    result = run(
        "sample", "--count", 6, "--unique", "--valid", "--sheet", tmp_path / "s.svg", "--out", tmp_path / "f"
    )
    assert result.exit_code == 0
    assert "6 functions, 6 valid" in result.stderr
    assert (tmp_path / "s.svg").stat().st_size > 5000


def test_more_functions_than_a_sheet_holds_get_further_sheets(tmp_path, monkeypatch):
    monkeypatch.setattr("gondwana.nas.cli.activations._MOST_ON_SHEET", 4)
    result = run("sample", "--count", 9, "--sheet", tmp_path / "s.svg", "--out", tmp_path / "f")
    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["s-2.svg", "s-3.svg", "s.svg"]
    assert "functions 9 to 9 drawn to" in result.stderr


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path):
    result = run("sample", "--count", 1, "--out", tmp_path / "missing" / "f.jsonl")
    assert isinstance(result.exception, OutputError)
    assert "cannot write" in str(result.exception)


def test_an_unwritable_picture_leaves_nothing_behind(tmp_path):
    result = run("show", "relu", "--plot", tmp_path / "p.bmp")
    assert isinstance(result.exception, ValueError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [("--count", "-1"), ("--seed", "-1"), ("--count", "many")])
def test_wrong_options_exit_with_2(arguments):
    assert run("sample", *arguments).exit_code == 2


def test_show_prints_everything(tmp_path):
    result = run("show", "a*swish(b*x)", "--plot", tmp_path / "p.png")
    assert result.exit_code == 0
    for expected in (
        "simplified",
        "derivative",
        "limit at infinity",
        "oo",
        "0.2066209641",
        "zero mean version",
        "f(1) = 0.7311 (",
        "yes",
    ):
        assert expected in result.stdout
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_show_as_json():
    facts = json.loads(run("show", "relu", "--json").stdout)
    assert facts["text"] == "relu(x)"
    assert facts["kinks_and_poles"] == [0.0]
    assert facts["second_moment"] == pytest.approx(0.5)


def test_show_gives_the_shapes_that_parameters_reach():
    facts = json.loads(run("show", "a*relu(x)", "--json").stdout)
    start, low, high = facts["shapes"]["2"]
    assert start == 2
    assert 1 <= low < 1.01
    assert 3.99 < high <= 4
    assert facts["shapes"]["-1"] == [0, 0, 0]
    assert (
        json.loads(run("show", "reciprocal(x)", "--json", "--seconds", "1").stdout)["shapes"]["0"]
        == [None] * 3
    )


def test_the_variance_of_a_nearly_constant_function_survives():
    part = "erfc(exp(exp(softplus(x))))"
    facts = json.loads(run("show", f"add(one(x),{part})", "--json").stdout)
    moments = activations.gaussian_moments(activations.parse(part))
    assert facts["gaussian_variance"] == pytest.approx(moments.variance, rel=1e-8)


def test_show_of_a_useless_function():
    result = run("show", "reciprocal(x)", "--seconds", "1")
    assert result.exit_code == 0
    assert "not finite at x = 0" in result.stdout


def test_show_of_hostile_text_is_a_value_error():
    result = run("show", "__import__('os').system('x')")
    assert isinstance(result.exception, ValueError)
    assert "\n" not in str(result.exception)


def test_catalogue(tmp_path):
    result = run("catalogue", "unary", "--out", tmp_path / "c.jsonl")
    assert result.exit_code == 0
    assert "729 functions of the unary form" in result.stderr
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert sum(1 + len(line.get("equal", [])) for line in lines) == 729


def test_operators():
    lines = run("operators").stdout.splitlines()
    assert len([line for line in lines if "PANGAEA" in line]) == 34
    assert any(line.startswith("div") and "b != 0" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["__import__('os').system('x')", "(" * 10_000], ids=["import", "parentheses"]
)
def test_hostile_text_is_one_line_on_stderr_and_exit_code_2(text):
    command = [sys.executable, "-c", "from gondwana.nas.cli import main; main()", "activations", "show", text]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_quiet_drops_what_is_written_and_shows_it_after_a_failure(capfd):
    with quiet():
        os.write(2, b"noise")
    assert capfd.readouterr().err == ""
    with pytest.raises(KeyError), quiet():
        os.write(2, b"the reason")
        raise KeyError
    assert capfd.readouterr().err == "the reason"
