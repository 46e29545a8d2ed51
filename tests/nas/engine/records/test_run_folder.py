"""What is accepted as a run folder, and that nothing else is touched."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gondwana.nas.candidate import Candidate, make_spec
from gondwana.nas.engine.log import LogWriteError, RunLog
from gondwana.nas.engine.records.run_folder import (
    FileWriteError,
    RunFolder,
    RunFolderError,
    default_run_dir,
    find_runs,
)
from gondwana.nas.engine.records.store import Store


def fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder.create(tmp_path / "run")
    with Store.create(folder.engine(), folder.run_id, name="test", config={"seed": 0}) as store:
        for number in range(50):
            spec = make_spec(0, task={}, model={"n": number}, initialization={}, training={})
            candidate = Candidate(number, 0, spec)
            store.add_candidates([(candidate, candidate.key)], told_before=0)
    return folder


def assert_refused(path: Path, match: str) -> None:
    before = fingerprint(path)
    with pytest.raises(RunFolderError, match=match) as caught:
        folder = RunFolder.open(path)
        with folder.lock():
            folder.check()
    assert "\n" not in str(caught.value)
    assert fingerprint(path) == before


def test_a_run_is_opened_again(run):
    again = RunFolder.open(run.path)
    again.check()
    assert again == run
    with again.open_store() as store:
        assert store.counts()[0] == 50


def test_folders_that_are_no_runs_are_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no such run folder"):
        RunFolder.open(tmp_path / "none")
    (tmp_path / "note.txt").write_text("mine")
    assert_refused(tmp_path, r"not a run folder, it has no run\.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1}', '{"format": "x", "run_id": "a", "store": null}']
)
def test_a_damaged_marker_is_refused(run, text):
    (run.path / "run.json").write_text(text)
    assert_refused(run.path, "damaged")


def test_a_newer_format_is_refused(run):
    data = json.loads((run.path / "run.json").read_text()) | {"format": 2}
    (run.path / "run.json").write_text(json.dumps(data))
    assert_refused(run.path, "format 2, this version knows up to 1")


@pytest.mark.parametrize("size", [0, 50, 99, 100, 5000, -4096, -1])
def test_a_truncated_database_is_refused(run, size):
    path = run.path / "run.sqlite"
    path.write_bytes(path.read_bytes()[:size])
    assert_refused(run.path, "damaged")


def test_a_missing_database_is_refused(run):
    (run.path / "run.sqlite").unlink()
    assert_refused(run.path, "database is missing")


def test_a_database_with_garbage_inside_is_refused(run):
    path = run.path / "run.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"garbage " * 1024
    path.write_bytes(bytes(content))
    assert_refused(run.path, "damaged")


def test_a_killed_drivers_database_is_accepted_with_its_log_and_refused_when_cut(run):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from gondwana.nas.engine.records.run_folder import RunFolder\n"
        "store = RunFolder.open(Path(sys.argv[1])).open_store(); store.finish(); store.add_snapshot(0, {})\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(run.path)], check=False)
    assert (run.path / "run.sqlite-wal").stat().st_size > 0
    before = fingerprint(run.path)
    RunFolder.open(run.path).check()
    assert fingerprint(run.path) == before
    with RunFolder.open(run.path).open_store() as store:
        assert store.run().finished is not None
    subprocess.run([sys.executable, "-c", script.replace("(0, {})", "(1, {})"), str(run.path)], check=False)
    path = run.path / "run.sqlite"
    path.write_bytes(path.read_bytes()[:9000])
    assert_refused(run.path, "damaged")


def test_a_second_driver_is_refused(run):
    script = (
        "import sys; from pathlib import Path\n"
        "from gondwana.nas.engine.records.run_folder import RunFolder, RunFolderError\n"
        "try:\n"
        "    with RunFolder.open(Path(sys.argv[1])).lock(): print('got it')\n"
        "except RunFolderError as error: print(error)"
    )
    command = [sys.executable, "-c", script, str(run.path)]
    with run.lock():
        held = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    free = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "another process is running this run" in held
    assert free == "got it\n"


def test_a_look_at_the_lock_does_not_refuse_a_driver(run):
    looked, stop = [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            looked.append(run.is_running())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(200):
            with run.lock():
                pass
    finally:
        stop.set()
        watcher.join()
    assert looked
    with run.lock():
        assert run.is_running()
    assert not run.is_running()


def test_a_folder_in_use_is_not_taken(run, tmp_path):
    before = fingerprint(tmp_path)
    with pytest.raises(RunFolderError, match="holds a run already; `gondwana resume"):
        RunFolder.create(run.path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note").touch()
    with pytest.raises(RunFolderError, match="not empty"):
        RunFolder.create(tmp_path / "other")
    (tmp_path / "other" / "note").unlink()
    (tmp_path / "other").rmdir()
    assert fingerprint(tmp_path) == before
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot be used as a run folder"):
        RunFolder.create(tmp_path / "file")


def test_a_file_is_written_whole_or_not_at_all(run, monkeypatch):
    run.write_bytes("best.keras", b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(FileWriteError, match=r"best\.keras: cannot be written: No space left on device"):
        run.write_bytes("best.keras", b"new and longer")
    assert (run.path / "best.keras").read_bytes() == b"old"
    assert not [path for path in run.path.iterdir() if "partial" in path.name]


def test_runs_are_found_and_new_ones_named_apart(run, tmp_path):
    (tmp_path / "no-run").mkdir()
    assert find_runs(tmp_path) == [run.path]
    one = default_run_dir("digits", tmp_path)
    one.mkdir()
    two = default_run_dir("digits", tmp_path)
    assert one != two
    assert one.name.endswith("-digits")


def test_a_log_that_was_cut_off_goes_on_on_a_line_of_its_own(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"event": "started"}\n{"event": "outc')
    log = RunLog(tmp_path, "id")
    log.write("resumed")
    log.close()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(lines) == 3
    assert json.loads(lines[2])["event"] == "resumed"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_log_on_a_full_disk_names_itself(tmp_path):
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    log = RunLog(tmp_path, "id")
    with pytest.raises(LogWriteError, match=r"log\.jsonl: cannot be written: No space left on device"):
        log.write("started")
    log.close()
