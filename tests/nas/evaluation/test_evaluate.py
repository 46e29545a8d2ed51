"""Evaluating candidates for real: every way in which one can end, with digits and tiny networks."""

from __future__ import annotations

import copy
import io
import zipfile

import keras
import numpy as np
import pytest

from gondwana import tasks
from gondwana.nas.candidate import State, make_spec
from gondwana.nas.evaluation import evaluate as module
from gondwana.nas.evaluation.evaluate import (
    FinalData,
    activation_bytes,
    build_model,
    evaluate,
    finalize,
    is_out_of_memory,
    load_search_data,
)
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


def test_a_finalist_is_trained_again_and_its_network_scores_the_same(data, tmp_path):
    searched = evaluate(spec("mul(sigmoid(x),x)"), data)
    test = Split(data.validation.x[:100], data.validation.y[:100])
    report = finalize(spec("mul(sigmoid(x),x)"), FinalData(data, test))
    assert report.fitness == searched.fitness
    assert 0 <= report.metrics["test_fitness"] <= 1
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
