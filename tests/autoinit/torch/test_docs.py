"""The examples of docs/pytorch.md run as they stand, in order, in a process of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

pytest.importorskip("torch")

BEFORE = "import torch\ntorch.manual_seed(0)\n"  # the page's own layers are drawn by PyTorch
AFTERWARDS = """
assert [row.name for row in rows] == [call.name for call in plan.calls]
assert len(calibration.layers) >= 10
head, found = autoinit.plan(model, examples[:8], data=examples), []
for seed in range(40):  # one draw of five outputs says little: their mean square varies by half
    autoinit.apply(head, model, seed)
    found.append(float(model(examples).square().mean()))
assert 0.75 < sum(found) / 40 < 1.3, found
one = autoinit.plan(nn.Sequential(nn.Linear(8, 8), Doubled()), torch.zeros(2, 8))
assert [call.kind for call in one.calls] == ["Linear", "Doubled"] and abs(one.calls[1].outputs[0].variance - 4) < 1e-6
"""


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "pytorch.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    script = tmp_path / "examples.py"
    script.write_text("\n".join([BEFORE, *blocks, AFTERWARDS]), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Conv2d" in done.stdout and "predicted" in done.stdout
