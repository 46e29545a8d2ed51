"""Every backward rule against gradients measured over many draws of weights, inputs and cotangents.

For ``L = sum of u * y`` with independent u of mean square 1, the mean square of dL/dx at a layer's input x is what the
plan calls the gradient there.
"""

import keras
import numpy as np
import pytest

from gondwana import autoinit
from tests.helpers.autoinit_examples import EXAMPLES, OPERATIONS

pytestmark = pytest.mark.slow

if keras.backend.backend() != "tensorflow":
    pytest.skip("gradients are measured with TensorFlow", allow_module_level=True)
tf = pytest.importorskip("tensorflow")

layers = keras.layers
DRAWS = 24

MODEL_ERROR = {
    layers.BatchNormalization: 0.15,  # statistics of 16 examples
    layers.LayerNormalization: 0.1,  # of 24 entries
    layers.MultiHeadAttention: 0.15,  # query, key and value are of the same input
    layers.GroupQueryAttention: 0.15,
    layers.Attention: 0.15,
    layers.AdditiveAttention: 0.15,
}
"""What a theory of wide layers may be wrong by, where it is more than 0.03."""


UNMEASURED = {(layers.Activation, 6)}
"""sparsemax: in Keras most of its outputs are all 0, so that few examples have a gradient; see the last test here."""


def cases():
    for kind, examples in EXAMPLES.items():
        for number, example in enumerate(examples):
            if example.dtype != "int32" and (kind, number) not in UNMEASURED:
                yield pytest.param(example, MODEL_ERROR.get(kind, 0.03), id=f"{kind.__name__}-{number}")
    for number, example in enumerate(OPERATIONS):
        if example.dtype != "int32":
            yield pytest.param(example, 0.03, id=f"operation-{number}")


def probed(example):
    """Return the model of an example with an identity in front of each input."""
    inputs = [keras.Input(shape) for shape in example.shapes]
    probes = [layers.Identity(name=f"probe_{i}")(x) for i, x in enumerate(inputs)]
    return keras.Model(inputs, example.make()(probes[0] if len(probes) == 1 else probes))


def measured_gradients(example, planned, model):
    """Return the mean square of the gradient at each input per draw, shape (draws, inputs)."""
    rng = np.random.default_rng(0)
    rows = []
    for draw in range(DRAWS):
        autoinit.apply(planned, model, seed=draw)
        inputs = [
            tf.constant(rng.normal(example.mean, example.variance**0.5, (example.batch, *shape)), tf.float32)
            for shape in example.shapes
        ]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = keras.tree.flatten(model(inputs, training=True))[0]
            loss = tf.reduce_sum(y * rng.normal(size=y.shape).astype("float32"))
        found = tape.gradient(loss, inputs, unconnected_gradients="zero")
        rows.append([float(tf.reduce_mean(tf.square(gradient))) for gradient in found])
    return np.array(rows)


@pytest.mark.parametrize("example, model_error", cases())
def test_gradient_agrees_with_measurement(example, model_error):
    model = probed(example)
    planned = autoinit.plan(
        model,
        propagation=example.modes[-1],
        input_mean=example.mean,
        input_variance=example.variance,
        on_unknown="error",
    )
    known = {call.name: call.gradient for call in planned.calls}
    predicted = np.array([known[f"probe_{i}"] for i in range(len(example.shapes))])
    rows = measured_gradients(example, planned, model)
    error = rows.std(axis=0, ddof=1) / np.sqrt(DRAWS)
    allowed = 5 * error + model_error * predicted + 1e-6
    assert np.all(np.abs(predicted - rows.mean(axis=0)) <= allowed), (predicted, rows.mean(axis=0), error)


@pytest.mark.parametrize("size", [4, 8])
def test_the_gradient_of_a_function_that_jumps_is_the_one_between_its_jumps(size):
    rng = np.random.default_rng(0)
    rows = tf.constant(rng.normal(size=(200_000, size)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        loss = tf.reduce_sum(
            keras.activations.sparsemax(rows) * rng.choice([-1.0, 1.0], rows.shape).astype("float32")
        )
    measured = float(tf.reduce_mean(tf.square(tape.gradient(loss, rows))))
    inputs = keras.Input((size,))
    model = keras.Model(inputs, layers.Activation("sparsemax")(layers.Identity(name="probe")(inputs)))
    assert autoinit.plan(model).calls[0].gradient == pytest.approx(measured, rel=0.15)
