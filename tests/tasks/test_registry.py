from __future__ import annotations

import pytest

from gondwana import tasks
from gondwana.tasks import registry


def test_names_hold_every_task_that_the_package_has():
    assert {"digits", "mnist"} <= set(tasks.names())


def test_unknown_task_is_refused_with_the_closest_name():
    with pytest.raises(ValueError, match=r"unknown task 'minst'. Did you mean 'mnist'\?.*digits"):
        tasks.get("minst")


def test_unknown_option_is_refused_with_the_closest_name():
    with pytest.raises(ValueError, match=r"option of task 'mnist' 'trainsize'. Did you mean 'train_size'\?"):
        tasks.get("mnist", trainsize=5)


def test_options_are_reported_in_the_info():
    assert tasks.get("mnist", train_size=5).info.options == {
        "train_size": 5,
        "validation_size": 5000,
        "seed": 0,
    }


@pytest.mark.parametrize("value", [-1, 1.5, True, "3", None])
def test_a_seed_that_is_not_a_whole_number_is_refused(value):
    with pytest.raises(
        ValueError, match=r"digits: option 'seed' must be a whole number of at least 0. Received"
    ):
        tasks.get("digits", seed=value)


def test_a_second_class_of_one_name_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))
    with pytest.raises(ValueError, match=r"already registered by gondwana.tasks.datasets.digits.Digits"):

        @tasks.register("digits")
        class Other(tasks.Task):
            pass
