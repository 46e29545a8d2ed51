"""Rules: registration, look-up through base classes, and layers that have none."""

import warnings

import keras
import pytest

from gondwana import autoinit
from gondwana.autoinit import AutoInitError, Signal, UnsupportedLayerError
from gondwana.autoinit.registry import _RULES, registered_rules, rule_for
from tests.helpers.simulation import model_of

layers = keras.layers


class Scaled(layers.Layer):
    def call(self, x):
        return 3.0 * x


class PlainSubclass(layers.Dropout):
    pass


class NewBehaviour(layers.Dropout):
    def call(self, x, training=False):
        return 2.0 * x


@pytest.fixture
def scaled_rule():
    @autoinit.rule(Scaled)
    def scaled(call, x):
        return x.affine(3.0)

    yield scaled
    del _RULES[Scaled]


def test_registered_rule_is_used(scaled_rule):
    found = autoinit.plan(model_of(Scaled(), (4,))).calls[-1].outputs[0]
    assert found.variance == pytest.approx(9.0)


def test_second_rule_for_a_class_is_refused(scaled_rule):
    with pytest.raises(AutoInitError, match="Scaled already has the rule scaled"):
        autoinit.rule(Scaled)(scaled_rule)


def test_refused_registration_leaves_nothing_behind():
    before = registered_rules()
    with pytest.raises(AutoInitError, match="already has"):
        autoinit.rule(Scaled, layers.Dense)(lambda call, x: x)
    assert registered_rules() == before


def test_plain_subclass_inherits_its_rule_and_new_behaviour_does_not():
    assert rule_for(PlainSubclass(0.1)) is rule_for(layers.Dropout(0.1))
    with pytest.raises(UnsupportedLayerError, match="NewBehaviour"):
        rule_for(NewBehaviour(0.1))


def test_unknown_layers_pass_through_with_one_warning_that_names_them():
    model = keras.Sequential([keras.Input((4,)), Scaled(name="one"), layers.Dense(3), Scaled(name="two")])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        planned = autoinit.plan(model, on_unknown="warn", propagation="paper")
    assert len(caught) == 1
    assert all(part in str(caught[0].message) for part in ("'one'", "'two'", "@autoinit.rule", "passthrough"))
    assert caught[0].filename == __file__
    assert planned.calls[0].outputs == (Signal(0.0, 1.0),)


def test_unknown_layers_are_silent_or_an_error_on_request():
    model = model_of(Scaled(), (4,))
    autoinit.plan(model, on_unknown="passthrough")
    with pytest.raises(UnsupportedLayerError, match=r"no rule for Scaled"):
        autoinit.plan(model, on_unknown="error")


def test_rules_of_one_plan_take_precedence():
    planned = autoinit.plan(
        model_of(layers.Dropout(0.5), (4,)), rules={layers.Dropout: lambda call, x: x.affine(2.0)}
    )
    assert planned.calls[-1].outputs[0].variance == pytest.approx(4.0)


def test_a_rule_that_returns_something_impossible_is_named():
    with pytest.raises(AutoInitError, match="variance >= 0"):
        autoinit.plan(
            model_of(layers.Dropout(0.5), (4,)), rules={layers.Dropout: lambda call, x: Signal(0.0, -1.0)}
        )
    with pytest.raises(AutoInitError, match="Dropout 'dropout_1' must return a Signal"):
        autoinit.plan(
            model_of(layers.Dropout(0.5, name="dropout_1"), (4,)), rules={layers.Dropout: lambda call, x: 3}
        )
