"""Evaluating candidates for real: every way in which one can end, with digits and tiny networks."""

from __future__ import annotations

import copy
import io
import zipfile

import keras
import numpy as np
import pytest

from gondwana import tasks
from gondwana.nas.candidate import CURVE, State, make_spec
from gondwana.nas.evaluation import evaluate as module
from gondwana.nas.evaluation.evaluate import (
    FinalData,
    build_model,
    evaluate,
    finalize,
    is_out_of_memory,
    load_search_data,
)
from gondwana.nas.evaluation.limits import activation_bytes
from gondwana.tasks.base import SearchData, Split

TASK = {"name": "digits", "options": {}}


def spec(activation="relu(x)", strategy="autoinit", limits=None, **training):
    return make_spec(
        0,
        task=TASK,
        model={
            "kind": "architecture",
            "name": "small_cnn",
            "options": {"filters": [4], "depth": 1},
            "activation": activation,
        },
        initialization={"strategy": strategy},
        training={"epochs": 1, "batch_size": 64, **training},
        limits=limits,
    )


@pytest.fixture(scope="module")
def data() -> SearchData:
    whole = load_search_data(TASK)
    train = Split(whole.train.x[:256], whole.train.y[:256])
    return SearchData(train, whole.validation)


def test_a_candidate_is_built_initialized_trained_and_scored(data):
    report = evaluate(spec(), data)
    assert report.state is State.COMPLETED, report.traceback
    assert 0.0 <= report.fitness <= 1.0
    assert report.parameters > 0
    assert set(report.seconds) == {"built", "initialized", "trained", "scored"}
    assert all(value >= 0 for value in report.seconds.values())
    assert {"val_loss", "train_loss"} <= set(report.metrics)
    assert not [name for name in report.metrics if name.startswith("test")]
    assert report.model is None


@pytest.mark.slow
def test_equal_specs_are_trained_equally_whatever_went_before(data):
    first = evaluate(spec(), data)
    evaluate(spec("tanh(x)"), data)
    again = evaluate(spec(), data)
    assert (first.fitness, first.metrics["val_loss"]) == (again.fitness, again.metrics["val_loss"])


def test_data_are_not_written_to(data):
    frozen = copy.deepcopy(data)
    for split in (frozen.train, frozen.validation):
        split.x.flags.writeable = False
        split.y.flags.writeable = False
    assert evaluate(spec(), frozen).state is State.COMPLETED


def test_a_training_that_diverges_is_a_result_at_chance(data):
    report = evaluate(spec("exp(x)", learning_rate=1e6, optimizer="sgd"), data)
    assert report.state is State.DIVERGED
    assert report.fitness == tasks.get("digits").info.chance
    assert report.reason


def test_a_network_over_its_budget_is_refused_before_it_has_weights(data, monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("it must not be trained")

    monkeypatch.setattr("gondwana.tasks.training.fit.train", fail)
    report = evaluate(spec(limits={"max_parameters": 5}), data)
    assert report.state is State.INVALID
    assert report.parameters > 5
    assert f"{report.parameters:,} parameters, limits.max_parameters is 5" in report.reason
    report = evaluate(spec(limits={"max_activation_mb": 0.001}), data)
    assert report.state is State.INVALID
    assert "MB of activations, limits.max_activation_mb is 0.001" in report.reason


def test_a_network_far_too_large_for_the_machine_is_refused_too(monkeypatch):
    def monster(spec, info):
        inputs = keras.Input(info.input_shape)
        x = keras.layers.Dense(2_000_000)(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, keras.layers.Dense(2_000_000)(x))  # 16 TB

    monkeypatch.setattr(module, "_build", monster)
    report = evaluate(spec(limits={"max_parameters": 10**6}), None)
    assert report.state is State.INVALID
    assert report.parameters > 4 * 10**12


def test_what_cannot_be_built_is_invalid(data):
    broken = copy.deepcopy(spec())
    broken["model"]["name"] = "smal_cnn"
    report = evaluate(broken, data)
    assert report.state is State.INVALID
    assert "smal_cnn" in report.reason
    unknown = copy.deepcopy(spec())
    unknown["model"]["kind"] = "perceptron"
    assert "unknown kind of model 'perceptron'" in evaluate(unknown, data).reason
    assert evaluate(spec("__import__('os').system('x')"), data).state is State.INVALID


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (MemoryError("cannot allocate"), State.OUT_OF_MEMORY),
        (RuntimeError("OOM when allocating tensor with shape[1]"), State.OUT_OF_MEMORY),
        (RuntimeError("something else"), State.CRASHED),
        (ValueError("not while building"), State.CRASHED),
    ],
)
def test_errors_of_the_training_are_told_apart(data, monkeypatch, error, state):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("gondwana.tasks.training.fit.train", fail)
    report = evaluate(spec(), data)
    assert report.state is state
    assert str(error) in report.reason
    assert "Traceback" in report.traceback
    assert report.parameters > 0
    assert "trained" in report.seconds


def test_memory_errors_of_other_backends_are_known():
    class OutOfMemoryError(RuntimeError):
        """Like torch.cuda.OutOfMemoryError."""

    assert is_out_of_memory(OutOfMemoryError("CUDA"))
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: out of memory"))
    assert not is_out_of_memory(RuntimeError("memory lane"))


@pytest.mark.slow
def test_a_finalist_is_trained_again_and_its_network_scores_the_same(data, tmp_path):
    searched = evaluate(spec("mul(sigmoid(x),x)"), data)
    test = Split(data.validation.x[:100], data.validation.y[:100])
    report = finalize(spec("mul(sigmoid(x),x)"), FinalData(data, test))
    assert report.fitness == searched.fitness
    metrics = report.metrics
    assert 0 <= metrics["test_fitness_low"] <= metrics["test_fitness"] <= metrics["test_fitness_high"] <= 1
    assert zipfile.is_zipfile(io.BytesIO(report.model))
    path = tmp_path / "best.keras"
    path.write_bytes(report.model)
    model = keras.models.load_model(path)
    predicted = model.predict(data.validation.x, verbose=0).argmax(axis=-1)
    assert float(np.mean(predicted == data.validation.y.reshape(-1))) == pytest.approx(
        report.fitness, abs=1e-6
    )


def test_a_model_is_built_from_its_spec_alone():
    model = build_model(spec())
    again = build_model(spec())
    for one, two in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    outputs = 64 * 4 + 64 * 4 + 10  # at least: convolution, activation, head
    assert activation_bytes(model, batch_size=2) >= outputs * 2 * 8
    assert activation_bytes(model, batch_size=4) == 2 * activation_bytes(model, batch_size=2)


def test_data_that_cannot_be_loaded_are_not_the_candidates_fault(monkeypatch):
    def fail(task, folder=None):
        raise ValueError("digits: the files are gone")

    monkeypatch.setattr("gondwana.nas.evaluation.evaluate.load_search_data", fail)
    monkeypatch.setattr("gondwana.nas.evaluation.evaluate.load_final_data", fail)
    for report in (evaluate(spec()), finalize(spec())):
        assert report.state is State.CRASHED
        assert report.reason == "ValueError before its data were loaded: digits: the files are gone"


def test_a_shared_layer_counts_once_for_every_call():
    inputs = keras.Input((8,))
    shared = keras.layers.Dense(8)
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(100)])
    one, two = inner(shared(inputs)), inner(shared(shared(inputs)))
    model = keras.Model(inputs, keras.layers.Add()([one, two]))
    assert activation_bytes(model, batch_size=1) == (8 + 4 * 8 - 8 + 2 * 100 + 100) * 8


@pytest.mark.slow
def test_the_curve_has_a_point_an_epoch_and_ends_as_the_outcome(data):
    report = evaluate(spec(epochs=3), data)
    assert [point["epoch"] for point in report.curve] == [1, 2, 3]
    assert all(set(point) == set(CURVE) for point in report.curve)
    assert report.curve[-1]["train_loss"] == report.metrics["train_loss"]
    seconds = [point["seconds"] for point in report.curve]
    assert 0 < seconds[0] < seconds[1] < seconds[2]
    whole = evaluate(
        spec(epochs=3), SearchData(data.train, Split(data.validation.x[:40], data.validation.y[:40]))
    )
    assert whole.curve[-1]["val_fitness"] == pytest.approx(
        whole.fitness
    )  # so small a split is looked at whole
    assert whole.curve[-1]["val_loss"] == pytest.approx(whole.metrics["val_loss"], rel=1e-5)


def test_a_training_that_diverges_keeps_the_curve_until_then(data, monkeypatch):
    from gondwana.tasks.training import fit

    checked = fit.check_weights

    def check(model, epoch, recipe):
        if epoch == 2:
            raise fit.Diverged("in the third epoch")
        checked(model, epoch, recipe)

    monkeypatch.setattr(fit, "check_weights", check)
    report = evaluate(spec(epochs=4), data)
    assert report.state is State.DIVERGED
    assert [point["epoch"] for point in report.curve] == [1, 2]


def test_a_training_that_goes_on_comes_to_the_same_as_one_in_one_go(data):
    whole = evaluate(spec(epochs=4, schedule="cosine"), data)
    first = evaluate({**spec(epochs=4, schedule="cosine"), "until_epoch": 1}, data)
    assert whole.training_state is None
    assert first.training_state is not None
    then = evaluate({**spec(epochs=4, schedule="cosine"), "until_epoch": 3}, data, state=first.training_state)
    last = evaluate(spec(epochs=4, schedule="cosine"), data, state=then.training_state)
    assert last.training_state is None
    assert last.fitness == whole.fitness
    assert last.metrics["val_loss"] == whole.metrics["val_loss"]
    assert [then.metrics["continued_from_epoch"], last.metrics["continued_from_epoch"]] == [1, 3]
    figures = ("epoch", "train_loss", "val_loss", "val_fitness")
    assert [[p[k] for k in figures] for p in last.curve] == [[p[k] for k in figures] for p in whole.curve]


@pytest.mark.parametrize("lost", [b"damaged", "another"])
def test_a_state_of_no_use_is_trained_again_from_the_spec(data, lost):
    rung = {**spec(epochs=4), "until_epoch": 2}
    if lost == "another":
        other = spec("tanh(x)", epochs=4)
        other["model"] = {**other["model"], "options": {"filters": [6], "depth": 1}}
        lost = evaluate({**other, "until_epoch": 1}, data).training_state
    found = evaluate(rung, data, state=lost)
    expected = evaluate(rung, data)
    assert (found.fitness, found.metrics["val_loss"]) == (expected.fitness, expected.metrics["val_loss"])
    assert found.metrics["continued_from_epoch"] == 0
    assert [point["epoch"] for point in found.curve] == [1, 2]
