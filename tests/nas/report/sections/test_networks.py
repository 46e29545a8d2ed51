"""The best networks of a report: an evolved network has a picture, one that cannot be drawn says why."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from pathlib import Path

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.networks import best_networks
from tests.helpers.codeepneat import run as evolve
from tests.helpers.codeepneat import search
from tests.helpers.runs import HOSTILE, write_run
from tests.nas.report.test_report import Document


def section(path: Path, model: dict) -> str:
    spec = make_spec(
        0,
        task={"name": "digits", "options": {}},
        model=model,
        initialization={"strategy": "autoinit", "options": {}},
        training={"epochs": 1},
        replicate=0,
    )
    config = {"name": "n", "task": {"name": "digits"}, "search": {"kind": "codeepneat"}}
    outcome = Outcome(0, State.COMPLETED, 0.9, parameters=1234)
    return best_networks(load_run(write_run(path / "run", config, [Candidate(0, 0, spec, {})], [outcome])))


def test_an_evolved_network_is_drawn_as_an_image(tmp_path: Path) -> None:
    markup = section(tmp_path, evolve(search("images", generations=1))[-1].spec["model"])
    source = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', markup)
    assert source is not None
    assert ET.fromstring(base64.b64decode(source.group(1))).tag.endswith("svg")
    assert "Candidate 0: 0.9000, 1,234 parameters, codeepneat" in Document(markup).text


def test_a_network_that_cannot_be_drawn_says_why_and_stays_text(tmp_path: Path) -> None:
    markup = section(tmp_path, {"kind": "codeepneat", "network": HOSTILE})
    document = Document(markup)
    assert "The network cannot be drawn: " in document.text
    assert "onerror=alert(1)" in document.text
    assert not [tag for tag, _ in document.elements if tag in {"img", "script"}]
