"""Functions of fields: steep ones on signals whose size differs from example to example."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from gondwana import activations, autoinit

STEEP = ["mul(exp(x),softsign(x))", "elu(sinh(x))", "sub(cosh(x),arctan(x))", "exp(elu(x))"]


def narrow(function: str) -> keras.Model:
    """Return convolutions of few channels, whose output differs much in size between examples."""
    x = inputs = keras.Input((12, 12, 1))
    for filters in (4, 8, 16):
        x = activations.GraphActivation(function)(layers.Conv2D(filters, 3, padding="same")(x))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("strategy", ["autoinit", "autoinit++"])
@pytest.mark.parametrize("function", STEEP)
def test_steep_functions_of_narrow_layers_are_planned(function, strategy):
    """In 9% of PANGAEA's minimal functions squares of what such a function makes of a loud example overflowed."""
    model = autoinit.initialize(narrow(function), strategy, seed=0)
    for weight in model.get_weights():
        assert np.isfinite(weight).all()
    assert any(np.abs(weight).max() > 0 for weight in model.get_weights())
