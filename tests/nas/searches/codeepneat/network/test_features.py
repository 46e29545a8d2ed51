"""Figures of networks: as many for each, finite, and what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from gondwana.nas.searches.codeepneat.network.features import ABSENT, NetworkFeatures
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from tests.helpers.codeepneat import TASKS, run, search, space


@pytest.fixture(scope="module", params=["images", "table", "text"])
def found(request):
    """Return the figures by name, a row for each network of a search, and the specs."""
    features = NetworkFeatures(space(request.param), TASKS[request.param])
    specs = [candidate.spec for candidate in run(search(request.param))]
    rows = np.array([features(spec["model"], spec["training"]) for spec in specs])
    assert rows.shape == (len(specs), len(features.names))
    return dict(zip(features.names, rows.T, strict=True)), specs, TASKS[request.param]


def test_all_are_finite_and_some_tell_networks_apart(found):
    columns, specs, _ = found
    assert len(columns) > 20
    assert all(np.isfinite(column).all() for column in columns.values())
    assert len({tuple(row) for row in np.array(list(columns.values())).T}) > 0.8 * len(
        {str(spec) for spec in specs}
    )


def test_counts_and_costs_are_those_of_the_unfolded_network(found):
    columns, specs, info = found
    for place, spec in enumerate(specs):
        blueprint, modules = spec["model"]["blueprint"], spec["model"]["modules"]
        layers = [layer for node in blueprint["nodes"] for layer in modules[node["module"]]["layers"]]
        assert columns["layers"][place] == len(layers)
        assert 1 <= columns["depth"][place] <= len(layers)
        dropouts = [layer["genes"]["rate"] for layer in layers if layer["type"] == "Dropout"]
        if "number of Dropout" in columns:
            assert columns["number of Dropout"][place] == len(dropouts)
        if "number of SpatialDropout1D" not in columns:
            rate = columns["layers' rate: mean"][place]
            assert rate == ABSENT if not dropouts else 0 <= rate <= 1
        plan = plan_network(spec["model"], info)
        assert np.isclose(np.expm1(columns["log parameters"][place]), plan.parameters)


def test_shares_of_a_choice_add_up_to_one(found):
    columns, _, _ = found
    shares = np.sum(
        [column for name, column in columns.items() if name.startswith("layers' activation is")], 0
    )
    assert np.all(np.isclose(shares, 1) | (shares < 0))
