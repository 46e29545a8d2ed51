"""The command line: what a user sees, exit codes, and one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gondwana.nas.candidate import State
from gondwana.nas.cli import main
from gondwana.nas.cli.progress import in_words
from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import Execution, start
from gondwana.nas.engine.loop import Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Store
from gondwana.nas.engine.records.summary import Follower, summarize
from gondwana.nas.evaluation.evaluate import Report
from gondwana.nas.randomness import stream

ROOT = Path(__file__).resolve().parents[3]


def pretend(spec, data) -> Report:
    """Score by seed; one in five raises."""
    draw = stream(spec["seed"], "pretended")
    if draw.random() < 0.2:
        raise RuntimeError("this one is broken")
    return Report(State.COMPLETED, fitness=float(draw.random()), parameters=1, seconds={"trained": 0.1})


class Pool(LocalPool):
    def devices(self):
        return ["cpu"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A finished run."""
    path = tmp_path_factory.mktemp("runs") / "run"
    config = load_config(ROOT / "configs" / "digits.yaml", ["generations=2", "finalists=0"])
    start(config, path, Execution(open_pool=lambda e: Pool(), work=pretend, load_data=lambda t, d: None))
    return path


@pytest.fixture
def gondwana(capsys, monkeypatch):
    """Runs the command line in this process; returns exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gondwana", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def refused(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert code == 2
    assert out == "" or out.startswith("run folder")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    return err


def test_export_gives_every_outcome_as_a_row(gondwana, run, tmp_path):
    code, out, _ = gondwana("export", run, "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["candidate"]) for row in rows] == list(range(len(rows)))
    assert {"candidate", "generation", "spec", "seed", "state", "fitness", "parameters", "reason"} <= set(
        rows[0]
    )
    assert json.loads(rows[0]["spec"])["seed"] == int(rows[0]["seed"])
    assert float(rows[0]["fitness"]) or rows[0]["state"] == "crashed"
    broken = [row for row in rows if row["state"] == "crashed"]
    assert broken
    assert all("this one is broken" in row["reason"] and row["fitness"] == "" for row in broken)
    code, out, _ = gondwana("export", run, "--format", "json", "--out", tmp_path / "rows.json")
    assert (code, out) == (0, "")
    assert len(json.loads((tmp_path / "rows.json").read_text())) == len(rows)


def test_the_ending_of_the_file_chooses_the_format(gondwana, run, tmp_path):
    for name in ("rows.json", "rows.csv", "rows.tex", "rows.jsonl", "rows"):
        assert gondwana("export", run, "--out", tmp_path / name)[:2] == (0, "")
    count = len(json.loads((tmp_path / "rows.json").read_text()))
    table = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    assert len(table) == count == len((tmp_path / "rows.jsonl").read_text().splitlines())
    assert {row["strategy"] for row in table} == {"autoinit"}
    assert float(table[0]["training.learning_rate"]) > 0
    assert (tmp_path / "rows").read_text() == (tmp_path / "rows.csv").read_text()
    page = (tmp_path / "rows.tex").read_text()
    assert page.startswith(r"\begin{tabular}")
    assert page.count(r"\\") == count + 1


def test_parquet_is_written_or_its_absence_explained(gondwana, run, tmp_path):
    assert "name a file with --out" in gondwana("export", run, "--format", "parquet")[2]
    code, _, err = gondwana("export", run, "--format", "parquet", "--out", tmp_path / "rows.parquet")
    if code:
        assert "pip install pyarrow" in refused((code, "", err))
    else:
        import pandas as pd

        frame = pd.read_parquet(tmp_path / "rows.parquet")
        assert list(frame["candidate"]) == list(range(len(frame)))
        assert str(frame["duplicate_of"].dtype) == "Int64"
        assert set(frame.loc[frame["state"] == "crashed", "reason"]) == {"RuntimeError: this one is broken"}
        assert json.loads(frame["spec"][0])["seed"] == frame["seed"][0]


def test_show_sums_a_run_up(gondwana, run):
    code, out, _ = gondwana("show", run)
    assert code == 0
    for word in (
        "codeepneat on digits",
        "finished",
        "best fitness",
        "crashed",
        "x crashed: RuntimeError: this one is",
    ):
        assert word in out


def test_show_prints_the_last_snapshot(gondwana, run):
    code, out, _ = gondwana("show", run, "--snapshot")
    assert code == 0
    assert json.loads(out)


def test_runs_are_listed(gondwana, run, tmp_path):
    code, out, _ = gondwana("runs", run.parent)
    assert code == 0
    assert str(run) in out
    assert "finished" in out
    assert "no runs in" in gondwana("runs", tmp_path)[1]


def test_a_damaged_run_does_not_hide_the_others(gondwana, run, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    (tmp_path / "good").symlink_to(run)
    out = gondwana("runs", tmp_path)[1]
    assert "damaged" in out
    assert "finished" in out


def test_best_prints_the_best_candidate(gondwana, run):
    code, out, _ = gondwana("best", run)
    assert code == 0
    assert '"kind": "codeepneat"' in out
    assert "no network is saved" in out


def test_resuming_a_finished_run_reports_it(gondwana, run):
    code, out, _ = gondwana("resume", run)
    assert code == 0
    assert "evaluations recorded" in out
    assert "report.html" in out


def test_watch_ends_with_the_run(gondwana, run):
    code, out, _ = gondwana("watch", run)
    assert code == 0
    assert "best" in out


def test_a_watched_run_is_read_once_however_often_one_looks(run, monkeypatch):
    seen = []
    original = Store.outcomes

    def counted(self, since=0):
        for outcome in original(self, since):
            seen.append(outcome.candidate_id)
            yield outcome

    monkeypatch.setattr(Store, "outcomes", counted)
    follower = Follower(run)
    for _ in range(3):
        follower.look()
    item = summarize(run)
    assert len(seen) == 2 * item.told  # once by the looks, once by the summary
    assert (follower.best_so_far.told, follower.asked) == (item.told, item.asked)
    assert follower.failed == sum(item.failures.values()) > 0
    assert follower.best_so_far.best == item.best.fitness
    assert follower.best_so_far.mean == pytest.approx(item.mean)
    assert (follower.finished, follower.running) == (True, False)


def test_watch_says_that_nobody_runs_it(gondwana, tmp_path):
    config = load_config(ROOT / "configs" / "digits.yaml", ["finalists=0"])
    execution = Execution(
        open_pool=lambda e: Pool(), work=pretend, load_data=lambda t, d: None, stop=Stop(requested=True)
    )
    start(config, tmp_path / "run", execution)
    code, out, _ = gondwana("watch", tmp_path / "run")
    assert code == 0
    assert "continue with: gondwana resume" in out
    assert "no candidate has a result yet" in refused(gondwana("best", tmp_path / "run"))


@pytest.mark.parametrize("command", ["resume", "show", "best", "export", "watch"])
def test_what_is_no_run_is_refused(gondwana, command, tmp_path):
    assert "not a run folder" in refused(gondwana(command, tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.yaml"], "none.yaml: no such file"),
        (["--set", "serach.kind=x"], "did you mean 'search'?"),
        (["--set", "search.population.modules=-3"], "Received: -3"),
        (["--set", "task.name=digit"], "digit"),
        (["--seed", "-1"], "seed"),
        (["--ray-address", "nowhere"], "must be 'local', 'auto' or HOST:PORT"),
        (["--set", "task.name=mnist", "--data-dir", "empty"], "mnist"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(gondwana, tmp_path, arguments, expected):
    config = [] if arguments[0].endswith(".yaml") else [ROOT / "configs" / "digits.yaml"]
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / "empty") if word == "empty" else word for word in arguments]
    assert expected in refused(gondwana("evolve", *config, *arguments, "--run-dir", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_debugging_shows_where_a_mistake_was_found(gondwana, tmp_path, monkeypatch):
    monkeypatch.setenv("GONDWANA_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["gondwana", "show", str(tmp_path)])
    with pytest.raises(ValueError, match="not a run folder"):
        main()


def test_help_is_fast_and_imports_nothing_slow():
    script = (
        "import sys; sys.argv = ['gondwana', '--help']\n"
        "from gondwana.nas.cli import main\n"
        "try: main()\n"
        "except SystemExit: print({m for m in ('keras', 'tensorflow', 'ray', 'pandas', 'scipy') if m in sys.modules})"
    )
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert "evolve" in done.stdout
    assert done.stdout.splitlines()[-1] == "set()"
    assert time.monotonic() - begin < 10  # under 1 s on an idle machine


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (250, "4 min 10 s"), (11100, "3 h 05 min"), (180000, "2 d 02 h")],
)
def test_durations_are_said_in_two_units(seconds, words):
    assert in_words(seconds) == words


def test_show_says_which_function_was_best(gondwana, tmp_path):
    config = load_config(ROOT / "configs" / "random-digits.yaml", ["finalists=0"])
    start(
        config,
        tmp_path / "run",
        Execution(open_pool=lambda e: Pool(), work=pretend, load_data=lambda t, d: None),
    )
    code, out, _ = gondwana("show", tmp_path / "run")
    best = summarize(tmp_path / "run").best
    with RunFolder.open(tmp_path / "run").open_store(read_only=True) as store:
        text = store.candidate(best.candidate_id).origin["text"]
    assert code == 0 and any(line.split() == ["function", text] for line in out.splitlines())
