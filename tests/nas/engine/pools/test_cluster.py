"""Several nodes, one of which is killed in mid-run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.records.run_folder import RunFolder
from tests.helpers import ROOT
from tests.helpers.engine import cluster as engine_cluster
from tests.helpers.engine.driver import lead, make_search

pytestmark = pytest.mark.slow


def test_a_run_survives_the_loss_of_a_node(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # Ray workers import tests.helpers
    done = subprocess.run(
        [sys.executable, "-m", engine_cluster.__name__, str(tmp_path / "run")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = [line for line in done.stdout.splitlines() if line.startswith(("workers", "finished", "nodes"))]
    assert said == ["workers 4", "finished True", "nodes 2"]
    undisturbed = make_search(engine_cluster.SECONDS)
    (tmp_path / "whole").mkdir()
    assert lead(tmp_path / "whole", LocalPool(), undisturbed)
    with RunFolder.open(tmp_path / "run").open_store(read_only=True) as store:
        assert store.snapshots()[undisturbed.generations] == undisturbed.snapshot()
        again = [outcome for outcome in store.outcomes() if outcome.attempts == 2]
    assert 1 <= len(again) <= 2  # what ran on the lost node, and nothing else
