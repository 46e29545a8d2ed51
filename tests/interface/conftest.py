"""Small tables, and searches that take a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

SPACE = {
    "layers": ["Add", "Dense"],
    "genes": {"activation": ["relu"], "units": {"low": 8, "high": 16}},
}
TINY_SEARCH = {
    "kind": "codeepneat",
    "population": {"blueprints": 2, "modules": 2},
    "evaluations": 1,
    "species": {"blueprints": 1, "modules": 1},
    "space": SPACE,
}


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Config of a search whose candidates are trained in this process, in no time."""
    return {
        "name": "tiny",
        "generations": 1,
        "training": {"epochs": 5, "batch_size": 16, "learning_rate": 0.01},
        "search": TINY_SEARCH,
        "engine": {"pool": "local"},
    }


@pytest.fixture
def table() -> tuple[pd.DataFrame, pd.Series]:
    """Mixed columns with empty cells, and a label that they tell."""
    rng = np.random.default_rng(0)
    rows = 120
    frame = pd.DataFrame(
        {
            "size": rng.normal(10, 3, rows),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "day": pd.date_range("2024-01-01", periods=rows),
        }
    )
    label = pd.Series(np.where((frame["size"] > 10) == (frame["colour"] != "red"), "in", "out"), name="place")
    frame.loc[::7, "size"] = np.nan
    frame.loc[::9, "colour"] = None
    return frame, label
