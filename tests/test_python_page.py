"""The page docs/python.md, executed from its first line to its last."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.helpers import ROOT

PAGE = ROOT / "docs" / "python.md"


def customers(rows: int = 600) -> pd.DataFrame:
    """The table that the page speaks of."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows).astype(float),
            "town": rng.choice(["Cork", "Graz", "Lyon", "Turku"], rows),
            "plan": rng.choice(["basic", "plus", "pro"], rows),
            "since": pd.date_range("2020-01-01", periods=rows, freq="17h").strftime("%Y-%m-%d"),
            "visits": rng.poisson(4, rows).astype(float),
        }
    )
    score = 0.05 * (table["age"] - 45) + (table["plan"] == "basic") - (table["town"] == "Graz") - 0.2
    table["leaves"] = np.where(score + rng.logistic(size=rows) > 0, "yes", "no")
    for name in ("age", "town", "visits"):
        table.loc[rng.random(rows) < 0.1, name] = None
    return table


@pytest.mark.slow
def test_every_snippet_of_the_page_works_without_a_warning(tmp_path):
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) == 5
    assert len([line for line in snippets[0].splitlines() if line]) == 6, "six lines"
    program = "\n".join(snippets).replace('time_budget="1m"', 'time_budget="15s"')
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    customers().to_csv(tmp_path / "customers.csv", index=False)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for name in ("network.keras", "best.keras", "outcomes.csv", "runs/customers/report.html"):
        assert (tmp_path / name).stat().st_size > 0
    assert "town: category (4: Cork, Graz, Lyon, Turku), with empty cells" in done.stdout


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, gondwana\n"
    code += "gondwana.__all__; dir(gondwana)\n"
    code += "sys.exit(any(name in sys.modules for name in ('keras', 'ray', 'pandas', 'sklearn', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
