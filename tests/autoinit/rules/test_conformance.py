"""Every registered rule against simulation over many draws of weights and inputs, within five standard errors.

The table is fed from the registry: a rule without an example fails the suite.
"""

import keras
import pytest

from gondwana import autoinit
from gondwana.autoinit.registry import registered_rules
from tests.helpers.autoinit_examples import EXAMPLES, OPERATIONS, SIMULATED
from tests.helpers.simulation import assert_agrees, model_of, simulate

pytestmark = pytest.mark.slow


def cases():
    for kind, examples in EXAMPLES.items():
        for number, example in enumerate(examples):
            for mode in example.modes:
                yield pytest.param(example, mode, id=f"{kind.__name__}-{number}-{mode}")
    for number, example in enumerate(OPERATIONS):
        for mode in example.modes:
            yield pytest.param(example, mode, id=f"operation-{number}-{mode}")


@pytest.mark.parametrize("example, mode", cases())
def test_prediction_agrees_with_simulation(example, mode):
    model = model_of(example.make(), *example.shapes, dtype=example.dtype)
    planned = autoinit.plan(
        model,
        propagation=mode,
        input_mean=example.mean,
        input_variance=example.variance,
        on_unknown="error",
        samples=200_000,
    )
    make_inputs = None
    if example.dtype == "int32":
        make_inputs = lambda rng, batch: [rng.integers(0, 9, (batch, *example.shapes[0]))]  # noqa: E731
    rows = simulate(
        model, planned, example.mean, example.variance, example.draws, example.batch, make_inputs=make_inputs
    )
    assert_agrees(planned.calls[-1].outputs[0], rows, bias=example.bias)


def test_every_registered_layer_has_an_example():
    known = {
        kind
        for kind in registered_rules()
        if issubclass(kind, keras.Layer) and kind.__module__.startswith(("keras", "autoinit"))
    }
    assert known - set(EXAMPLES) == SIMULATED


def test_every_registered_operation_has_an_example_or_is_elementwise():
    from gondwana.autoinit.frontends.keras.graph import trace
    from gondwana.autoinit.registry import has_rule
    from gondwana.autoinit.rules import operations

    def rule_of(kind):
        return registered_rules()[kind]

    seen = set()
    for example in OPERATIONS:
        for step in trace(model_of(example.make(), *example.shapes, dtype=example.dtype), has_rule).steps:
            seen.add(rule_of(type(step.operation)))
    registered = {
        function for kind, function in registered_rules().items() if not issubclass(kind, keras.Layer)
    }
    assert registered - seen <= {operations.identity}
