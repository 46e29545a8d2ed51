"""Quadrature under a Gaussian: closed forms, kinks, and functions that have no moments."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana.autoinit import NotIntegrableError, SignalError, gaussian_moments

pytestmark = pytest.mark.slow

CLOSED = {
    "identity": (lambda x: x, 0.0, 1.0),
    "relu": (lambda x: np.maximum(x, 0), 1 / math.sqrt(2 * math.pi), 0.5),
    "kink off the grid": (lambda x: np.abs(x - 0.3), None, 1.09),
    "step": (
        lambda x: (x > 0.123) * 1.0,
        0.5 * math.erfc(0.123 / math.sqrt(2)),
        0.5 * math.erfc(0.123 / math.sqrt(2)),
    ),
    "exp": (np.exp, math.exp(0.5), math.exp(2.0)),
    "exp(3x)": (lambda x: np.exp(3 * x), math.exp(4.5), math.exp(18.0)),
    "x^10": (lambda x: x**10, 945.0, 654729075.0),
    "log|x|": (lambda x: np.log(np.abs(x)), -(np.euler_gamma + math.log(2)) / 2, None),
    "exp(x^2/5)": (lambda x: np.exp(x**2 / 5), 1 / math.sqrt(0.6), 1 / math.sqrt(0.2)),
    "sin(50x)": (lambda x: np.sin(50 * x), 0.0, 0.5),
    "zero": (np.zeros_like, 0.0, 0.0),
    "a constant": (lambda x: 3.0, 3.0, 9.0),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name):
    f, mean, second = CLOSED[name]
    moments = gaussian_moments(f)
    if mean is not None:
        assert moments.mean == pytest.approx(mean, rel=1e-8, abs=1e-8 * math.sqrt(moments.second_moment))
    if second is not None:
        assert moments.second_moment == pytest.approx(second, rel=1e-8)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1 / x,
        lambda x: 1 / (x - 0.3),
        lambda x: 1 / np.sinh(x),
        np.tan,
        lambda x: np.abs(x) ** -0.5,
        lambda x: np.exp(x**2 / 3),
        lambda x: np.exp(np.exp(x)),
        np.log,
        lambda x: np.sin(1e7 * x),
    ],
)
def test_functions_without_moments_are_refused(f):
    with pytest.raises(NotIntegrableError, match="no usable moments under"):
        gaussian_moments(f)


@settings(max_examples=30, deadline=None)
@given(mean=st.floats(-50, 50), variance=st.floats(1e-6, 1e4), kink=st.floats(-20, 20))
def test_moments_of_an_absolute_value_anywhere(mean, variance, kink):
    moments = gaussian_moments(lambda x: np.abs(x - kink), mean, variance)
    assert moments.second_moment == pytest.approx(variance + (mean - kink) ** 2, rel=1e-8)
    assert moments.variance >= 0


def test_narrow_gaussian_far_from_zero_is_not_missed():
    """A quadrature over the whole line that does not know where the mass is returns 0 here."""
    assert gaussian_moments(lambda x: x, 5.0, 0.01).mean == pytest.approx(5.0)


def test_variance_does_not_cancel():
    assert gaussian_moments(lambda x: 1e3 + 1e-6 * x).variance == pytest.approx(1e-12, rel=1e-6)


def test_no_variance_means_a_constant():
    moments = gaussian_moments(np.square, 3.0, 0.0)
    assert (moments.mean, moments.variance, moments.second_moment) == (9.0, 0.0, 81.0)


@pytest.mark.parametrize("variance", [-1.0, math.nan, math.inf])
def test_impossible_variance_is_refused(variance):
    with pytest.raises(SignalError, match="variance"):
        gaussian_moments(np.tanh, 0.0, variance)


def test_same_result_twice():
    assert gaussian_moments(np.tanh, 0.3, 2.0) == gaussian_moments(np.tanh, 0.3, 2.0)


def test_a_smooth_function_takes_under_two_milliseconds():
    def seconds():
        start = time.perf_counter()
        gaussian_moments(np.tanh)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(20)) < 2e-3
