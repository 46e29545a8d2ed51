"""Accuracy on held-out rows beside scikit-learn's logistic regression with the usual preprocessing, 600 training rows.

Tables are made by a logistic rule with noise, which the regression is made for, and two come with scikit-learn.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import gondwana


def customers(rows: int, seed: int, *, curved: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table with missing cells and text categories, and who stays; ``curved`` bends the rule."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, rows),
            "income": rng.lognormal(10, 0.6, rows),
            "town": rng.choice(["Cork", "Graz", "Lyon", "Turku", "Brno"], rows),
            "plan": rng.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.3, 0.2]),
            "visits": rng.poisson(4, rows).astype(float),
        }
    )
    age = 0.06 * (frame["age"] - 40)
    score = np.abs(2 * age) - 1.2 if curved else age
    score = score + 1.2 * (frame["plan"] == "pro") - 0.9 * (frame["town"] == "Graz")
    score = score + 0.5 * np.log(frame["income"] / 22000) + 0.3 * (frame["visits"] - 4)
    label = np.where(score + rng.logistic(size=rows) > 0, "stays", "leaves")
    for name in ("age", "income", "town"):
        frame.loc[rng.random(rows) < 0.12, name] = None if name == "town" else np.nan
    return frame, label


def regression() -> Any:
    """Return the pipeline to compare with."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude=np.number)),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="time budget of a fit")
    parser.add_argument("--seeds", type=int, default=3, help="tables of each rule")
    options = parser.parse_args()
    tables = {
        f"{'curved' if curved else 'logistic'} {seed}": customers(1600, seed, curved=curved)
        for curved in (False, True)
        for seed in range(options.seeds)
    }
    for name, load in (("breast cancer", load_breast_cancer), ("wine", load_wine)):
        tables[name] = load(as_frame=True, return_X_y=True)
    print("| table | network | logistic regression | seconds |\n|---|---|---|---|")
    for name, (rows, label) in tables.items():
        size = 600 if len(rows) == 1600 else len(rows) * 2 // 3
        x, x_test, y, y_test = train_test_split(rows, label, train_size=size, random_state=0, stratify=label)
        begin = time.monotonic()
        ours = gondwana.NetworkClassifier(time_budget=options.seconds).fit(x, y)
        seconds = time.monotonic() - begin
        figures = [model.score(x_test, y_test) for model in (ours, regression().fit(x, y))]
        print(f"| {name} | {figures[0]:.4f} | {figures[1]:.4f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
