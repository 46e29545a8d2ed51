"""The examples of docs/autoinit.md run as they stand, in order, in a process of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "autoinit.md"
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


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 3
    script = tmp_path / "examples.py"
    script.write_text("\n".join([PRELUDE, *blocks, AFTERWARDS]), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "dense" in done.stdout
