"""The signal and its algebra."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana.autoinit import Signal, SignalError
from gondwana.autoinit.signals.signal import add, mixture, multiply

signals = st.builds(Signal, st.floats(-1e3, 1e3), st.floats(0, 1e6))


@pytest.mark.parametrize(
    "mean, variance, covariance",
    [(math.nan, 1.0, 0.0), (0.0, -1e-3, 0.0), (0.0, math.inf, 0.0), (0.0, 1.0, 2.0), (0.0, 1.0, math.nan)],
)
def test_impossible_signals_are_refused(mean, variance, covariance):
    with pytest.raises(SignalError, match="Received"):
        Signal(mean, variance, covariance)


@given(st.lists(signals, min_size=1, max_size=5))
def test_a_mixture_of_equal_parts_is_the_part_and_any_mixture_has_a_variance(parts):
    assert mixture([parts[0]] * 3, [1.0, 2.0, 3.0]).variance == pytest.approx(
        parts[0].variance, rel=1e-9, abs=1e-9
    )
    whole = mixture(parts, [1.0] * len(parts))
    assert whole.variance >= 0
    assert whole.second_moment == pytest.approx(
        sum(p.second_moment for p in parts) / len(parts), rel=1e-9, abs=1e-9
    )


@given(signals, signals, signals)
def test_sums_and_products_do_not_depend_on_the_order(a, b, c):
    assert add([a, b, c]).variance == pytest.approx(add([c, a, b]).variance)
    assert multiply([a, b, c]).second_moment == pytest.approx(multiply([b, c, a]).second_moment)


def test_affine_keeps_the_covariance_in_step():
    assert Signal(1.0, 4.0, 2.0).affine(-0.5, 3.0) == Signal(2.5, 1.0, 0.5)


@pytest.mark.parametrize("weights", [[], [1.0, -1.0], [0.0, 0.0], [1.0]])
def test_mixture_needs_a_weight_per_signal(weights):
    with pytest.raises(SignalError, match="weight"):
        mixture([Signal(), Signal()], weights)
