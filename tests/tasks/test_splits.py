from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana.tasks.splits import draw, shares, standardization, standardize


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.data())
def test_shares_sum_up_and_stay_within_one_of_proportional(counts, data):
    counts = np.array(counts)
    size = data.draw(st.integers(0, int(counts.sum())))
    result = shares(counts, size)
    assert result.sum() == size
    assert (result >= 0).all() and (result <= counts).all()
    if counts.sum():
        assert (abs(result - counts * size / counts.sum()) < 1).all()


@given(st.lists(st.integers(0, 4), min_size=20, max_size=80), st.integers(0, 9), st.integers(0, 9))
def test_subsets_are_disjoint_sorted_and_of_the_size_asked_for(labels, first, second):
    one, two = draw(np.array(labels), (first, second), seed=3)
    assert (len(one), len(two)) == (first, second)
    assert not set(one) & set(two)
    assert list(one) == sorted(one) and list(two) == sorted(two)


def test_a_draw_is_stratified():
    labels = np.repeat([0, 1, 2], [100, 200, 300])
    (rows,) = draw(labels, (60,), seed=0)
    assert np.bincount(labels[rows]).tolist() == [10, 20, 30]


def test_earlier_subsets_do_not_depend_on_later_sizes_and_smaller_ones_are_part_of_larger_ones():
    labels = np.tile(np.arange(10), 30)
    validation, train = draw(labels, (50, 200), seed=1)
    same_validation, small_train = draw(labels, (50, 20), seed=1)
    assert np.array_equal(validation, same_validation)
    assert set(small_train) <= set(train)


def test_the_seed_decides_the_draw():
    labels = np.tile(np.arange(10), 30)
    assert np.array_equal(draw(labels, (90,), seed=1)[0], draw(labels, (90,), seed=1)[0])
    assert not np.array_equal(draw(labels, (90,), seed=1)[0], draw(labels, (90,), seed=2)[0])


def test_too_large_a_draw_is_refused():
    with pytest.raises(ValueError, match="cannot draw 3 \\+ 3 of 5 examples"):
        draw(np.zeros(5), (3, 3), seed=0)


def test_standardized_entries_have_mean_0_and_variance_1():
    x = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), dtype=np.uint8)
    y = standardize(x, *standardization(x))
    assert y.dtype == np.float32 and y.flags.c_contiguous
    assert abs(y.mean(dtype=np.float64)) < 1e-6 and abs(y.var(dtype=np.float64) - 1) < 1e-6


def test_constant_examples_are_refused():
    with pytest.raises(ValueError, match="all entries of the training examples are equal"):
        standardization(np.ones((3, 2)))
