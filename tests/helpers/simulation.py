"""One layer as a model, its simulation over many weight draws, and the comparison with a predicted signal."""

import keras
import numpy as np

from gondwana import autoinit


def model_of(layer, *shapes, dtype="float32"):
    """A model that is one layer (or a function of symbolic tensors)."""
    inputs = [keras.Input(shape, dtype=dtype) for shape in shapes]
    given = inputs[0] if len(inputs) == 1 else inputs
    return keras.Model(given, layer(given))


def simulate(model, planned, mean, variance, draws, batch, seed=0, make_inputs=None):
    """Return per draw of weights and inputs the mean and mean square of the first output, shape (draws, 2)."""
    rng = np.random.default_rng(seed)
    rows = []
    for draw in range(draws):
        autoinit.apply(planned, model, seed=seed * 100_003 + draw)
        if make_inputs is not None:
            inputs = make_inputs(rng, batch)
        else:
            inputs = [
                rng.normal(mean, variance**0.5, (batch, *(n or 32 for n in t.shape[1:]))).astype("float32")
                for t in model.inputs
            ]
        y = model(inputs[0] if len(inputs) == 1 else inputs, training=True)
        y = np.asarray(keras.ops.convert_to_numpy(keras.tree.flatten(y)[0]), np.float64)
        rows.append((y.mean(), np.square(y).mean()))
    return np.array(rows)


def assert_agrees(signal, rows, z=5.0, bias=1e-4):
    """The predicted mean and second moment lie within z standard errors of the simulated ones.

    ``bias`` allows for the epsilon and float32 of Keras.
    """
    estimate = rows.mean(axis=0)
    error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    scale = max(signal.second_moment, 1e-12)
    assert abs(signal.mean - estimate[0]) <= z * error[0] + bias * scale**0.5, (
        signal.mean,
        estimate[0],
        error[0],
    )
    assert abs(signal.second_moment - estimate[1]) <= z * error[1] + bias * scale, (
        signal.second_moment,
        estimate[1],
        error[1],
    )
