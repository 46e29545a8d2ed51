"""The hypervolume of the Pareto front so far."""

from __future__ import annotations

import pytest

from gondwana.nas.searches.codeepneat.evolution.nsga2 import FrontSoFar
from tests.helpers.codeepneat import run, search


def test_the_hypervolume_is_the_area_that_the_front_dominates():
    front = FrontSoFar(chance=0.1)
    assert front.add([(0.6, -50.0), (0.9, -100.0)]) == pytest.approx(
        0.5 * 0.5
    )  # the dearest one adds nothing
    assert front.add([(0.5, -60.0)]) == pytest.approx(0.25)
    assert front.add([(0.9, -75.0)]) == pytest.approx(0.25 + 0.25 * 0.3)
    assert front.add([]) == pytest.approx(0.325)


def test_three_objectives_and_nothing_better_than_chance():
    front = FrontSoFar(chance=0.5)
    assert front.add([(0.4, -10.0, -1.0)]) == 0.0
    assert front.add([(1.0, -5.0, -0.5)]) == pytest.approx(0.5 * 0.5 * 0.5)


@pytest.mark.parametrize("mode", ["generational", "steady"])
def test_a_search_with_several_objectives_records_it(mode: str):
    found = search(objectives=["fitness", "parameters"], mode=mode)
    run(found, lambda candidate: 0.5 + (candidate.seed % 100) / 200)
    volumes = [line["hypervolume"] for line in found.snapshot()["history"]]
    assert len(volumes) == 4 and volumes == sorted(volumes)
    assert "hypervolume" not in search().snapshot()
