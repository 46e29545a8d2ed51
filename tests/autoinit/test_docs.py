"""The examples of docs/autoinit.md and docs/your-model.md run as they stand, in order, in processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PRELUDE = """
import keras
import numpy as np
from gondwana import autoinit

class MyActivation(keras.layers.Layer):
    def call(self, x):
        return keras.ops.tanh(x)

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6), keras.layers.Dense(3)])
before = model.get_weights()[0]
"""
AFTERWARDS = """
assert not np.array_equal(model.get_weights()[0], before)
assert "dense" in str(plan) and len(estimates) == 2, (str(plan), estimates)
one = keras.Sequential([keras.Input((8,)), MyActivation()])
assert 0.3 < autoinit.plan(one, on_unknown="error").calls[-1].outputs[0].variance < 0.5
"""


def blocks_of(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def output_of(parts: list[str], folder: Path) -> str:
    script = folder / "examples.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    blocks = blocks_of("autoinit.md")
    assert len(blocks) >= 3
    assert "dense" in output_of([PRELUDE, *blocks, AFTERWARDS], tmp_path)


@pytest.mark.slow
def test_the_examples_for_ones_own_model_run(tmp_path: Path) -> None:
    blocks = blocks_of("your-model.md")
    assert len(blocks) >= 8
    shown = output_of(blocks, tmp_path)
    assert all(word in shown for word in ("drawn", "simulated", "predicted"))
