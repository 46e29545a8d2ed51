"""Figures that describe functions: finite, the same for functions up to shift and scale, telling others apart."""

from __future__ import annotations

import numpy as np

from gondwana import activations
from gondwana.activations import FEATURES, features, parse


def column(name: str, *texts: str) -> np.ndarray:
    return features([parse(text) for text in texts])[:, FEATURES.index(name)]


def test_every_usable_function_has_finite_figures_of_one_length():
    graphs = list(activations.sample(np.random.default_rng(0), 200, valid=True))
    found = features(graphs)
    assert found.shape == (200, len(FEATURES))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(features(graphs[:3]), found[:3], rtol=0, atol=1e-12)


def test_a_functions_shape_does_not_depend_on_its_scale():
    once, twice = features([parse("relu(x)"), parse("add(relu(x),relu(x))")])
    skipped = {FEATURES.index("log deviation")} | {FEATURES.index(n) for n in ("operators", "depth")}
    for place, name in enumerate(FEATURES):
        if place not in skipped and not name.startswith("number of"):
            assert abs(once[place] - twice[place]) < 1e-9


def test_figures_are_what_they_are_called():
    assert np.allclose(column("value at 0", "negative(x)", "tanh(x)"), 0)
    assert np.allclose(column("Hermite coefficient 1", "negative(x)"), np.arcsinh(-1))
    assert np.allclose(np.sinh(column("Hermite coefficient 2", "square(x)")), 1, atol=1e-6)
    assert np.allclose(np.sinh(column("skewness", "square(x)")), 8**0.5, atol=1e-4)
    assert np.allclose(np.sinh(column("share flat", "relu(x)")), 0.5, atol=0.03)
    assert column("turns", "square(x)")[0] > 0 == column("turns", "tanh(x)")[0]
    assert column("number of tanh", "tanh(tanh(x))").tolist() == [2]
    assert column("sharpest bend", "relu(x)")[0] > 5 * column("sharpest bend", "tanh(x)")[0]
