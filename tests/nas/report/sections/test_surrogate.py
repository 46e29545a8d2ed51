"""The section on a run's surrogate."""

from __future__ import annotations

from dataclasses import replace

from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.surrogate import forests_of, surrogate

FORESTS = [
    {"outcomes": 20, "correlation": 0.1, "used": False},
    {"outcomes": 40, "correlation": 0.6, "used": True},
]


def test_the_forests_of_the_latest_snapshot_are_drawn(evolution):
    run = load_run(evolution)
    assert not surrogate(run, Figures())
    run = replace(
        run, snapshots={0: {"surrogate": {"forests": FORESTS[:1]}}, 1: {"surrogate": {"forests": FORESTS}}}
    )
    assert forests_of(run) == FORESTS
    assert "What the surrogate knows" in surrogate(run, Figures())
