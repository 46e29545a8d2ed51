from __future__ import annotations

import numpy as np

from gondwana import tasks


def test_sizes_shapes_and_types(digits, digits_data):
    test = digits.test_data()
    assert (len(digits_data.train), len(digits_data.validation), len(test)) == (1077, 360, 360)
    for split in (digits_data.train, digits_data.validation, test):
        assert split.x.shape[1:] == digits.info.input_shape == (8, 8, 1)
        assert split.x.dtype == np.float32 and split.y.dtype == np.int32


def test_input_mean_and_variance_are_those_of_the_training_split(digits, digits_data):
    x = digits_data.train.x.astype(np.float64)
    assert abs(x.mean() - digits.info.input_mean) < 1e-6
    assert abs(x.var() - digits.info.input_variance) < 1e-6


def test_every_image_is_in_exactly_one_split(digits, digits_data):
    from sklearn.datasets import load_digits

    splits = (digits_data.train, digits_data.validation, digits.test_data())
    rows = np.concatenate([split.x.reshape(len(split), -1) for split in splits]).astype(np.float64)
    rows = np.rint((rows - rows.min()) / (rows.max() - rows.min()) * 16).astype(int)
    images = load_digits().data.astype(int)
    assert sorted(map(tuple, rows)) == sorted(map(tuple, images))


def test_the_seed_changes_the_split():
    one, other = (tasks.get("digits", seed=s).search_data().validation.y for s in (0, 1))
    assert not np.array_equal(one, other)


def test_chance_is_the_share_of_the_most_frequent_class_of_the_validation_split(digits, digits_data):
    assert digits.info.chance == np.bincount(digits_data.validation.y).max() / len(digits_data.validation)


def test_images_as_they_are_become_inputs_by_what_is_kept(digits):
    from sklearn.datasets import load_digits

    from gondwana.tasks.own_data.answers import Answers

    found = Answers(digits.preprocessing()).inputs(load_digits().images)
    assert found.shape == (1797, 8, 8, 1)
    rows = {row.tobytes() for row in found}
    assert all(row.tobytes() in rows for row in digits.test_data().x)
