"""What docs/activations.md shows works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gondwana import activations

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "activations.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_python_examples_run():
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    assert "activations.register" in code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_built_in_operator_is_named():
    section = PAGE[PAGE.index("## Operators") : PAGE.index("## Sampling")]
    words = set(re.findall(r"[a-z_0-9]+", section))
    assert set(activations.operators()) <= words
