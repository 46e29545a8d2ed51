"""Dates in text as numbers of days."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

from gondwana.tasks.predictor.dates import days_of


@pytest.fixture(scope="module")
def days():
    raw = keras.Input((1,), dtype="string")
    model = keras.Model(raw, days_of(raw))

    def read(texts):
        cells = ops.convert_to_tensor(np.array(texts, object)[:, None], dtype="string")
        found, empty = map(ops.convert_to_numpy, model(cells))
        return np.where(empty, np.nan, found)[:, 0]

    return read


def test_days_are_those_of_pandas(days):
    moments = pd.to_datetime(
        ["0004-02-29", "1600-02-29", "1899-12-31", "1970-01-01", "2000-02-29", "2024-03-31 14:05:59.250001"],
        format="mixed",
    ).astype("datetime64[us]")
    texts = [
        "0004-02-29",
        "1600-02-29",
        "1899-12-31",
        "1970-01-01",
        "2000-02-29",
        "2024-03-31T14:05:59.250001",
    ]
    expected = (moments - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    np.testing.assert_allclose(days(texts), expected, rtol=0, atol=1e-9)


def test_parts_may_be_missing_from_the_end(days):
    found = days(["1970-01-02", "1970-01-02T12:00", "1970-01-02 12:00:36", "1970-01-02T12:00:36.5Z"])
    np.testing.assert_allclose(found, [1, 1.5, 1.5 + 36 / 86400, 1.5 + 36.5 / 86400], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "x", "31.12.2020", "2023-02-29", "1900-02-29", "2020-13-01", "2020-00-10", "2020-04-31", "2020-01-00",
     "20-01-01", "2020-1-1", "2020-01-01T12:00+02:00", "2020-01-01T25:00", "2020-01-01 noon"],
)  # fmt: skip
def test_what_is_no_such_date_is_empty(days, text):
    assert np.isnan(days([text])).all()
