"""The page docs/exporting.md, executed from its first line to its last."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.helpers import ROOT
from tests.test_python_page import customers

PAGE = ROOT / "docs" / "exporting.md"
CONFIG = """
name: customers
generations: 1
task: {name: table, options: {path: customers.csv, target: leaves}}
training: {epochs: 5, learning_rate: 0.01}
search:
  kind: codeepneat
  evaluations: 2
  population: {blueprints: 2, modules: 2}
  species: {blueprints: 1, modules: 1}
  space: {layers: [Add, Dense], genes: {activation: [relu], units: {low: 8, high: 16}}}
engine: {pool: local}
finalists: 1
"""


def wanted(command: str) -> bool:
    """Return whether what a command needs is installed."""
    for ending, package in ((".parquet", "pyarrow"), ("onnx", "onnx"), ("torch", "torch")):
        if ending in command:
            try:
                __import__(package)
            except ImportError:
                return False
    return True


@pytest.mark.slow
def test_every_command_and_snippet_works(tmp_path):
    customers().to_csv(tmp_path / "customers.csv", index=False)
    customers().drop(columns="leaves").head(100).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "customers.yaml").write_text(CONFIG, encoding="utf-8")
    blocks = re.findall(r"```(bash|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for kind, block in blocks if kind == "bash" for line in block.splitlines() if line]
    program = "\n".join(block for kind, block in blocks if kind == "python")
    # one process for all commands: Keras is imported once
    lines = [f"call({line!r})" for line in commands if wanted(line)]
    (tmp_path / "all.py").write_text(CALLS + "\n".join([*lines, program]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "all.py"], cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "predictions.csv").read_text(encoding="utf-8").startswith("prediction,probability no")


CALLS = """
import shlex
from gondwana.nas.cli import app


def call(line):
    program, *arguments = shlex.split(line, comments=True)
    assert program == "gondwana", line
    app(arguments, standalone_mode=False)


"""
