"""The picture of a network, and its layout."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from gondwana.nas.searches.codeepneat.network.layout import layered
from gondwana.nas.searches.codeepneat.network.picture import draw
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from tests.helpers.codeepneat import TASKS, run, search

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_layer_and_every_connection_is_in_the_picture(name: str) -> None:
    for candidate in run(search(name, generations=6))[-6:]:
        plan = plan_network(candidate.spec["model"], TASKS[name])
        root = ET.fromstring(draw(candidate.spec["model"], TASKS[name]))
        assert len(root.findall(f".//{SVG}rect")) == len(plan.steps)
        edges = {(source, step.name) for step in plan.steps for source in step.inputs}
        assert len(root.findall(f".//{SVG}path")) == len(edges)
        text = " ".join(root.itertext())
        assert f"{plan.parameters:,}" in text
        assert not re.search(r"https?://(?!www\.w3\.org)", ET.tostring(root, encoding="unicode"))


def test_boxes_do_not_overlap_and_connections_lead_down() -> None:
    nodes = ["a", "b", "c", "d", "e"]
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "e"), ("d", "e")]
    layout = layered(nodes, edges)
    assert len(set(layout.places.values())) == len(nodes)
    assert {name: row for name, (_, row) in layout.places.items()} == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 3}
    for (source, target), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.places[source], layout.places[target])
        rows = [row for _, row in route]
        assert rows == list(range(rows[0], rows[-1] + 1))
        assert not set(route[1:-1]) & set(layout.places.values())
