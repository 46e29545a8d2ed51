"""What an estimator's search selects by."""

from __future__ import annotations

import numpy as np
import pytest

import gondwana

QUICK = {"generations": 1, "ensemble_size": 1, "training": {"epochs": 3}}


@pytest.mark.slow
def test_a_regressor_selects_by_an_error_in_the_units_of_its_target():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    y = 5000 + 1000 * x[:, 0]
    model = gondwana.NetworkRegressor(metric="mae", **QUICK).fit(x, y)
    assert -5000 < model.score_ < -10


def test_a_metric_that_does_not_fit_is_refused():
    x = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ValueError, match="predicts one of several classes"):
        gondwana.NetworkClassifier(metric="mae", **QUICK).fit(x, x[:, 0] > 0)
