"""Run folders with a network that was not trained: everything that predictions and exports look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.engine.records.store import Final
from gondwana.tasks.own_data.memory import prepare
from tests.helpers.runs import SECONDS, write_run

WORDS = ["Hello,", "world!", "don't", "naïve", "well-known", "Straße", "x_y", "none"]


def mixed_table(rows: int = 120, seed: int = 0) -> pd.DataFrame:
    """Columns of every kind with empty cells, one with a name that Keras forbids."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "stamp / s": 1.7e9 + 100 * rng.random(rows),
            "town": rng.choice(["Cork", "Graz", "Lyon", "Ü", "NONE"], rows),
            "code": rng.choice([1.0, 2.0, 3.0], rows),
            "ok": rng.choice(["Yes", "no"], rows),
            "since": pd.date_range("2019-12-25", periods=rows, freq="17h").strftime("%d.%m.%Y %H:%M"),
            "when": pd.date_range("1965-12-25", periods=rows, freq="1000h"),
            "note": [" ".join(rng.choice(WORDS, 4)) for _ in range(rows)],
        }
    ).astype(dict.fromkeys(("town", "ok", "since", "note"), object))
    frame.loc[3, "town"] = "Oslo"
    for name in frame.columns:
        frame.loc[rng.random(rows) < 0.1, name] = None
    return frame


def odd_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with cells that no training row has, and empty cells written in several ways."""
    odd = frame.copy()
    odd.loc[:5, "town"] = ["  Graz ", " nOnE", "Rome", "", None, "cork"]
    odd.loc[0, "age"] = 1e9
    odd.loc[:4, "ok"] = ["TRUE", " yes", "zz", "N/A", "1"]
    odd.loc[:3, "note"] = ["HELLO world", "None", "", "naive dont"]
    odd.loc[:3, "since"] = ["30.02.2020", "29.02.2020 23:59", "x", ""]
    return odd


def network(width: int, units: int = 2) -> keras.Model:
    """A network with random weights: two classes, or one number."""
    return keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dense(8, "tanh", kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
            keras.layers.Dense(
                units,
                "softmax" if units > 1 else "linear",
                kernel_initializer=keras.initializers.GlorotUniform(seed=2),
                name="output",
            ),
        ]
    )


def delivered(
    path: Path,
    frame: pd.DataFrame,
    target: np.ndarray,
    *,
    model: keras.Model | None = None,
    task: dict[str, Any] | None = None,
    test: float = 0.7,
) -> Path:
    """Write a finished run whose best network takes the rows of a table, or ``model`` and the arrays ``frame``."""
    found = prepare((frame, target))
    if model is None:
        model = network(found.splits[0].x.shape[1], found.classes or 1)
    task = task or {"name": "table", "options": {"path": "rows.csv", "target": "y"}}
    spec = make_spec(
        0,
        task=task,
        model={"kind": "architecture", "name": "small_cnn", "options": {}, "activation": "relu"},
        initialization={"strategy": "autoinit", "options": {}},
        training={"epochs": 1},
        replicate=0,
    )
    config = {
        "name": "delivered",
        "seed": 7,
        "generations": 1,
        "task": task,
        "training": {"epochs": 1},
        "search": {"kind": "compare", "paired": False, "margin": 0.0, "strategies": []},
    }
    figures = {"fitness": 0.75, "loss": 0.5, "accuracy": 0.75, "test_fitness": test, "test_examples": 24.0}
    done = Outcome(
        0,
        State.COMPLETED,
        fitness=0.75,
        parameters=model.count_params(),
        seconds=SECONDS,
        seed=3,
        metrics=figures,
    )
    write_run(path, config, [Candidate(0, 0, spec, {})], [done], [Final(0, done, "best.keras")])
    model.save(path / "best.keras")
    (path / "preprocessing.json").write_text(json.dumps(found.preprocessing), encoding="utf-8")
    return path
