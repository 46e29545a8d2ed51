"""The run's log: a line when a search has a new model."""

from __future__ import annotations

import json
from pathlib import Path

from gondwana.nas.engine.log import NAME, RunLog
from gondwana.nas.searches.protocol import Progress


def test_a_new_model_is_logged_once(tmp_path: Path):
    log = RunLog(tmp_path, "run")
    for told, correlation in ((1, None), (2, 0.5), (3, 0.5), (4, 0.6)):
        log.progress(Progress(0, 1, told, 9, None, None, correlation), 0)
    log.close()
    lines = [json.loads(line) for line in (tmp_path / NAME).read_text(encoding="utf-8").splitlines()]
    assert [(line["event"], line["told"], line["correlation"]) for line in lines] == [
        ("surrogate", 2, 0.5),
        ("surrogate", 4, 0.6),
    ]
