"""Tables written by the ending of their file."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pandas as pd
import pytest

from gondwana.nas.engine.records.frames import check_ending, write_frame

FRAME = pd.DataFrame({"name": ["Zürich", "a_b"], "value": [1 / 3, None], "count": [1, 2]})


def test_every_ending_holds_the_same_values(tmp_path):
    for ending in (".csv", ".json", ".jsonl", ".tex"):
        write_frame(FRAME, tmp_path / f"table{ending}")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), FRAME)
    rows = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    lines = (tmp_path / "table.jsonl").read_text(encoding="utf-8").splitlines()
    assert rows == [json.loads(line) for line in lines]
    assert rows[0]["name"] == "Zürich" and abs(rows[0]["value"] - 1 / 3) < 1e-14 and rows[1]["value"] is None
    assert r"a\_b" in (tmp_path / "table.tex").read_text(encoding="utf-8")


def test_parquet_is_written_or_its_absence_explained(tmp_path):
    if find_spec("pyarrow") is None:
        with pytest.raises(ValueError, match="Parquet needs pyarrow"):
            write_frame(FRAME, tmp_path / "table.parquet")
    else:
        write_frame(FRAME, tmp_path / "table.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), FRAME)


def test_another_ending_or_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv, \.parquet, \.tex, \.json, \.jsonl\. Received: .*x\.doc"):
        check_ending(tmp_path / "x.doc")
    with pytest.raises(ValueError, match="there is no folder"):
        check_ending(tmp_path / "absent" / "x.csv")
