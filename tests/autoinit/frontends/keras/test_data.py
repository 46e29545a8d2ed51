"""Plans for the data that a model will see."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from gondwana import autoinit
from gondwana.autoinit import AutoInitError

RNG = np.random.default_rng(0)
ROWS = RNG.normal(3.0, 2.0, (400, 10)).astype(np.float32)


def dense(name: str = "inputs", size: int = 10) -> keras.Model:
    inputs = keras.Input((size,), name=name)
    return keras.Model(inputs, layers.Dense(4)(inputs))


def deviation(model: keras.Model, **keywords: object) -> float:
    return autoinit.plan(model, **keywords).weights[0].deviation


EXPECTED = (10 * np.mean(ROWS.astype(float) ** 2)) ** -0.5


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        ROWS.tolist(),
        [ROWS],
        {"inputs": ROWS},
        pd.DataFrame(ROWS),
        keras.ops.convert_to_tensor(ROWS),
        [ROWS[start : start + 50] for start in range(0, 400, 50)],
        [(ROWS[start : start + 50], np.zeros(50)) for start in range(0, 400, 50)],
    ],
    ids=["array", "list", "list of one", "mapping", "DataFrame", "tensor", "batches", "batches with targets"],
)
@pytest.mark.parametrize("propagation", ["paper", "exact"])
def test_data_of_any_form_gives_the_moments(data, propagation, request):
    if "batches" in request.node.name:
        data = iter(data)
    assert deviation(dense(), data=data, propagation=propagation) == pytest.approx(EXPECTED, rel=0.01)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data needs TensorFlow")
@pytest.mark.parametrize("batched", [True, False])
def test_datasets_of_tensorflow(batched):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((ROWS, np.zeros(400)))
    dataset = dataset.batch(64) if batched else dataset
    assert deviation(dense(), data=dataset) == pytest.approx(EXPECTED, rel=0.06)


def test_a_dataset_without_end_is_not_read_to_the_end():
    def forever():
        while True:
            yield ROWS

    assert deviation(dense(), data=forever()) == pytest.approx(EXPECTED, rel=0.01)


def test_several_inputs_by_name_and_in_order():
    first, second = keras.Input((10,), name="a"), keras.Input((5,), name="b")
    model = keras.Model([first, second], [layers.Dense(2)(first), layers.Dense(2)(second)])
    other = RNG.normal(0.0, 10.0, (300, 5))
    by_name = autoinit.plan(model, data={"b": other, "a": ROWS})
    in_order = autoinit.plan(model, data=[ROWS, other])
    assert [w.deviation for w in by_name.weights] == [w.deviation for w in in_order.weights]
    assert by_name.weights[0].deviation == pytest.approx(EXPECTED, rel=0.01)
    assert by_name.weights[1].deviation == pytest.approx((5 * np.mean(other**2)) ** -0.5, rel=0.01)


def test_an_adapted_normalization_stands_for_its_data():
    table = RNG.normal([1000.0, 0.0, -5.0], [300.0, 0.01, 2.0], (500, 3))
    normalization = layers.Normalization()
    normalization.adapt(table)
    model = keras.Sequential([keras.Input((3,)), normalization, layers.Dense(8), layers.Dense(1)])
    planned = autoinit.plan(model, propagation="exact")
    assert planned.calls[0].outputs[0].mean == pytest.approx(0.0, abs=0.1)
    assert planned.calls[0].outputs[0].variance == pytest.approx(1.0, rel=0.1)
    assert planned.weights[0].deviation ** 2 == pytest.approx(1 / 3, rel=0.1)


def test_rescaled_pixels_are_pixels():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3)])
    planned = autoinit.plan(model)
    assert planned.calls[0].outputs[0].mean == pytest.approx(0.5, abs=0.01)
    assert planned.calls[0].outputs[0].variance == pytest.approx((64 / 255) ** 2, rel=0.05)
    given = autoinit.plan(model, input_mean=0.0)
    assert given.calls[0].outputs[0].mean == pytest.approx(0.0)


def test_one_hot_rows_and_tokens():
    one_hot = np.eye(10)[RNG.integers(0, 10, 200)]
    assert deviation(dense(), data=one_hot) == pytest.approx(1.0, rel=0.01)
    tokens = keras.Input((6,), dtype="int32")
    model = keras.Model(tokens, layers.Dense(2)(layers.Flatten()(layers.Embedding(20, 4)(tokens))))
    autoinit.plan(model, data=RNG.integers(0, 20, (50, 6)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ROWS[:, :3], r"shape \(any, 10\).*Received: \(400, 3\)"),
        (ROWS[:1], "two rows at least"),
        (np.where(ROWS > 6, np.nan, ROWS), "must be finite"),
        (np.full((4, 10), "x"), "must be numbers"),
        ({"other": ROWS}, "must name the inputs"),
        ([ROWS, ROWS], r"shape \(any, 10\)"),
        (iter([]), "no batches"),
        (3.0, "Received: float"),
    ],
    ids=["width", "one row", "NaN", "text", "name", "too many", "empty", "number"],
)
def test_data_that_does_not_fit_is_refused(data, message):
    model = dense()
    before = model.get_weights()[0].tobytes()
    with pytest.raises(AutoInitError, match=message):
        autoinit.AutoInit(seed=1).initialize_model(model, data=data)
    assert model.get_weights()[0].tobytes() == before


def test_data_and_moments_at_once_are_refused():
    with pytest.raises(AutoInitError, match="data= gives the mean"):
        autoinit.plan(dense(), data=ROWS, input_mean=1.0)
