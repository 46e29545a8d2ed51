from __future__ import annotations

import numpy as np
import pytest

from gondwana.tasks.base import SearchData, Split
from gondwana.tasks.training.augmentation import Augmentation
from gondwana.tasks.training.fit import train
from gondwana.tasks.training.recipe import Recipe
from tests.helpers.networks import dense_network, same_weights


def images(n: int = 6, size: int = 9) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, size, size, 2)).astype(np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_by_default_nothing_changes():
    assert np.array_equal(Augmentation()(images(), rng()), images())


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(flip=True),
        Augmentation(crop=2),
        Augmentation(rotation=40.0),
        Augmentation(shift=0.2),
        Augmentation(shear=0.2),
        Augmentation(zoom=0.2),
    ],
)
def test_every_change_keeps_shape_and_dtype_and_is_decided_by_the_stream(augmentation):
    x = images(20)
    one, same, other = augmentation(x, rng(1)), augmentation(x, rng(1)), augmentation(x, rng(2))
    assert one.shape == x.shape and one.dtype == x.dtype and one.flags.c_contiguous
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.array_equal(x, images(20)), "the argument is left alone"


def test_a_flip_mirrors_about_half_of_the_images():
    x = images(200)
    y = Augmentation(flip=True)(x, rng())
    mirrored = [np.array_equal(b, a[:, ::-1]) for a, b in zip(x, y, strict=True)]
    unchanged = [np.array_equal(b, a) for a, b in zip(x, y, strict=True)]
    assert sum(mirrored) + sum(unchanged) == 200
    assert 60 < sum(mirrored) < 140


def test_a_crop_is_a_window_of_the_padded_image():
    x = images(50)
    for a, b in zip(x, Augmentation(crop=2)(x, rng()), strict=True):
        padded = np.pad(a, ((2, 2), (2, 2), (0, 0)))
        assert any(np.array_equal(b, padded[i : i + 9, j : j + 9]) for i in range(5) for j in range(5))


def test_turns_shifts_and_zooms_stay_within_their_limits():
    x = np.zeros((40, 41, 41, 1), np.float32)
    x[:, 18:23, 18:23] = 1.0
    moved = Augmentation(shift=0.1)(x, rng())
    centers = np.array([np.argwhere(image[..., 0] > 0.5).mean(0) for image in moved])
    assert np.abs(centers - 20).max() <= 4.1 + 0.5
    assert np.abs(centers - 20).max() > 1
    areas = Augmentation(zoom=0.2)(x, rng()).sum((1, 2, 3)) / 25
    assert 0.5 < areas.min() < 0.95 < 1.05 < areas.max() < 1.6
    turned = Augmentation(rotation=40.0)(x, rng()).sum((1, 2, 3)) / 25
    assert np.allclose(turned, 1, atol=0.1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"flp": True}, r"unknown key of augmentation 'flp'. Did you mean 'flip'\?"),
        ({"crop": -1}, "'crop' must be a whole number of at least 0"),
        ({"zoom": 1.5}, "'zoom' must be a number"),
        ("flip", "'augmentation' must be an object"),
    ],
)
def test_what_a_user_got_wrong_is_said(data, message):
    with pytest.raises(ValueError, match=message):
        Recipe.from_json({"augmentation": data})


def test_examples_that_are_not_images_are_refused():
    with pytest.raises(ValueError, match=r"needs images .* Received examples of shape \(3,\)"):
        Augmentation(flip=True)(np.zeros((2, 3)), rng())


def test_training_with_augmentation_is_deterministic_and_differs_from_training_without(digits, digits_data):
    data = SearchData(Split(digits_data.train.x[:100], digits_data.train.y[:100]), digits_data.validation)
    models = [dense_network(digits.info) for _ in range(3)]
    for model, augmentation in zip(models, (Augmentation(crop=1), Augmentation(crop=1), None), strict=True):
        train(model, data, digits.info, Recipe(epochs=2, augmentation=augmentation), 0)
    assert same_weights(models[0], models[1])
    assert not same_weights(models[0], models[2])


def test_epochs_take_turns_with_the_variants_of_a_split(digits, digits_data):
    x, y = digits_data.train.x[:64], digits_data.train.y[:64]
    nan = np.full_like(x, np.nan)
    seen = []
    data = SearchData(Split(x, y, variants=(x + 1, nan)), digits_data.validation)
    from gondwana.tasks.training.fit import Diverged

    with pytest.raises(Diverged, match="in epoch 3 of 4"):
        train(dense_network(digits.info), data, digits.info, Recipe(epochs=4), 0, on_epoch=seen.append)
    assert len(seen) == 2
