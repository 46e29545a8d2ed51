"""Adult, on a small table made here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gondwana import tasks
from gondwana.tasks.datasets.adult import AMOUNTS, CATEGORICAL, NUMERIC


def table(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 90, n).astype(float) for name in NUMERIC}
    columns |= {name: rng.integers(0, 5, n) * 1000.0 for name in AMOUNTS}
    columns |= {name: rng.integers(0, count, n) for name, count in CATEGORICAL.items()}
    return pd.DataFrame({**columns, "target": (np.arange(n) % 4 != 0).astype(int)})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "adult").mkdir()
    table().to_csv(tmp_path / "adult" / "adult.tsv.gz", sep="\t", index=False)
    return tmp_path


def test_splits_are_60_20_20_percent_and_stratified_with_1_for_more_than_50k(folder):
    task = tasks.get("adult")
    data, test = task.search_data(folder), task.test_data(folder)
    assert [len(s) for s in (data.train, data.validation, test)] == [120, 40, 40]
    assert [int(s.y.sum()) for s in (data.train, data.validation, test)] == [30, 10, 10]


def test_inputs_have_mean_0_and_variance_1_over_the_training_rows(folder):
    task = tasks.get("adult", train_size=80)
    x = task.search_data(folder).train.x
    assert x.shape == (80, *task.info.input_shape) and x.dtype == np.float32
    assert abs(x.mean(dtype=np.float64)) < 1e-6
    assert abs(x.var(dtype=np.float64) - 1) < 1e-5


def test_nothing_is_fitted_on_validation_or_test_rows(folder):
    task = tasks.get("adult")
    before = task.search_data(folder).train.x
    changed = table()
    rows = changed.index.difference(train_rows(folder, changed))
    changed.loc[rows, "age"] = 1e6
    changed.to_csv(folder / "adult" / "adult.tsv.gz", sep="\t", index=False)
    assert np.array_equal(task.search_data(folder).train.x, before)


def test_amounts_are_whether_and_rank_among_those_that_are(folder):
    frame = table()
    train = train_rows(folder, frame)
    x, rest = tasks.get("adult").search_data(folder).train.x, frame["capital-gain"].to_numpy()[train]
    there, rank = x[:, len(NUMERIC)], x[:, len(NUMERIC) + 1]
    assert len(np.unique(there)) == 2 and np.array_equal(there > 0, rest > 0)
    order = [rank[rest == amount] for amount in (1000, 2000, 3000, 4000)]
    assert all(np.ptp(values) == 0 for values in order)
    assert order[0][0] < order[1][0] < order[2][0] < order[3][0]
    assert np.allclose(rank[rest == 0], -rank.mean(), atol=1e-6), "in the middle"


def test_amounts_of_which_the_training_rows_have_none_are_harmless(folder):
    table().assign(**{"capital-gain": 0}).to_csv(folder / "adult" / "adult.tsv.gz", sep="\t", index=False)
    assert np.isfinite(tasks.get("adult").search_data(folder).train.x).all()


def train_rows(folder, frame: pd.DataFrame) -> np.ndarray:
    from gondwana.tasks.splits import draw

    labels = (frame["target"].to_numpy() == 0).astype(int)
    return draw(labels, (40, 40, 120), 0)[2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="age"), "expected the columns"),
        (lambda t: t.assign(sex=2), "column 'sex' must hold codes from 0 to 1"),
        (lambda t: t.assign(age=np.nan), "no cell may be empty"),
        (lambda t: t.assign(race="white"), "is not a table of numbers"),
    ],
)
def test_a_table_that_is_not_the_published_one_is_refused(folder, change, message):
    change(table()).to_csv(folder / "adult" / "adult.tsv.gz", sep="\t", index=False)
    with pytest.raises(tasks.DamagedDataError, match=message):
        tasks.get("adult").search_data(folder)


def test_a_file_that_is_no_gzip_is_refused(folder):
    (folder / "adult" / "adult.tsv.gz").write_bytes(b"plain text")
    with pytest.raises(tasks.DamagedDataError, match="is not a table of numbers"):
        tasks.get("adult").search_data(folder)


def test_too_large_a_subset_is_refused(folder):
    with pytest.raises(ValueError, match=r"'train_size' must be at most 120. Received: 121"):
        tasks.get("adult", train_size=121).search_data(folder)
