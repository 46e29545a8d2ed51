"""The folder of a run: what lies in it, and who may write there.

    run.json           marks the folder as a run; names the run and its store
    run.sqlite         the run store (absent when the config names a PostgreSQL store)
    config.yaml        the resolved config
    environment.json   versions, commit, devices, seed
    log.jsonl          what happened, one JSON object a line
    best.keras         the best network, at the end
    report.html        the report, at the end
    data.npz           the arrays of a run that a program gave its data to
    lock               held by the driver while it runs

Nothing is written into a folder before it is known to be a run, and a folder that is not one is left as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from gondwana.nas.engine.records.store import Store, sqlite_engine

MARKER = "run.json"
DATABASE = "run.sqlite"
BEST_MODEL = "best.keras"
DATA = "data.npz"
FORMAT = 1
LOCK_PATIENCE = 0.5
"""Seconds that a driver waits for the lock: :meth:`RunFolder.is_running` takes it for a moment to see if it is free."""
_SQLITE_MAGIC = b"SQLite format 3\x00"


class RunFolderError(ValueError):
    """The folder is not a run, is damaged, exists already, or is in use."""


class FileWriteError(OSError):
    """A file of the run cannot be written. What was there before is as it was."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder that holds a run. Made by :meth:`create` and :meth:`open`."""

    path: Path
    run_id: str
    store_url: str | None = None
    data_dir: Path | None = None

    @classmethod
    def create(cls, path: Path, store_url: str | None = None, data_dir: Path | None = None) -> RunFolder:
        """Make the folder and mark it as a run.

        Args:
            path: missing, or an empty folder.
            store_url: of the database if it is not in the folder.
            data_dir: where the run's datasets lie; resume looks there too.

        Raises:
            RunFolderError: if it exists and is not empty, or cannot be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if (path / MARKER).exists():
                raise RunFolderError(
                    f"{path}: holds a run already; `gondwana resume {path}` continues it; or choose another --run-dir"
                )
            if any(path.iterdir()):
                raise RunFolderError(f"{path}: the folder is not empty; choose another --run-dir")
            data_dir = data_dir and data_dir.resolve()
            folder = cls(path, uuid.uuid4().hex, store_url, data_dir)
            folder._mark()
            (path / "lock").touch()
        except OSError as error:
            raise RunFolderError(
                f"{path}: cannot be used as a run folder: {error.strerror or error}"
            ) from error
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run and check that its database was not cut off. Writes nothing.

        Raises:
            RunFolderError: if the folder is missing, not a run, of a newer format or damaged.
        """
        marker = path / MARKER
        if not path.is_dir():
            raise RunFolderError(f"{path}: no such run folder")
        try:
            data = json.loads(marker.read_text(encoding="utf-8"))
            data_dir = data.get("data_dir")
            folder = cls(path, str(data["run_id"]), data["store"], data_dir and Path(data_dir))
            written = int(data["format"])
        except FileNotFoundError as error:
            raise RunFolderError(f"{path}: not a run folder, it has no {MARKER}") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{marker}: damaged, cannot be read: {error}") from error
        if written > FORMAT:
            raise RunFolderError(f"{path}: run folder of format {written}, this version knows up to {FORMAT}")
        if folder.store_url is None:
            check_header(path / DATABASE)
        return folder

    def with_data(self, data_dir: Path | None) -> RunFolder:
        """Return the folder with the datasets in ``data_dir``, and let later commands look there too.

        None, and the folder that is noted already, change nothing.
        """
        if data_dir is None or data_dir.resolve() == self.data_dir:
            return self
        moved = replace(self, data_dir=data_dir.resolve())
        moved._mark()
        return moved

    @property
    def data_root(self) -> Path | None:
        """Where the run's datasets lie: its own folder if a program gave it its data, wherever that was moved to."""
        return self.path if (self.path / DATA).is_file() else self.data_dir

    def _mark(self) -> None:
        marker = {
            "format": FORMAT,
            "run_id": self.run_id,
            "store": self.store_url,
            "data_dir": None if self.data_dir is None else str(self.data_dir),
        }
        self.write_text(MARKER, json.dumps(marker) + "\n")

    def check(self) -> None:
        """Check the whole database; nobody may be writing. Raises RunFolderError if it is damaged. Changes nothing."""
        if self.store_url is None:
            check_database(self.path / DATABASE)

    def engine(self, *, read_only: bool = False) -> sa.Engine:
        """Return an engine for the run's database."""
        if self.store_url is not None:
            return sa.create_engine(self.store_url, pool_pre_ping=True)
        return sqlite_engine(self.path / DATABASE, read_only=read_only)

    def open_store(self, *, read_only: bool = False) -> Store:
        """Open the run's records.

        Raises:
            StoreError, SchemaError, NoSuchRunError: see :meth:`Store.open`.
        """
        return Store.open(self.engine(read_only=read_only), self.run_id, migrate=not read_only)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file of the folder, whole or not at all.

        Raises:
            FileWriteError: if that fails: disk full, no permission.
        """
        target = self.path / name
        partial = target.with_name(f".{name}.{os.getpid()}.partial")
        try:
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(target)
        except OSError as error:
            raise FileWriteError(f"{target}: cannot be written: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to write; it ends with the process, however that ends.

        Raises:
            RunFolderError: if another driver holds it.
        """
        with (self.path / "lock").open("a+", encoding="utf-8") as stream:
            patience = time.monotonic() + LOCK_PATIENCE
            while not _locked(stream):
                if time.monotonic() > patience:
                    raise RunFolderError(
                        f"{self.path}: another process is running this run; wait for it, or stop it first"
                    )
                time.sleep(LOCK_PATIENCE / 20)
            yield

    def is_running(self) -> bool:
        """Return whether a driver on this machine holds the lock."""
        try:
            with (self.path / "lock").open("r", encoding="utf-8") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def remove(self) -> None:
        """Delete the folder: for a run that was refused before it began."""
        shutil.rmtree(self.path)


def default_run_dir(name: str, root: Path = Path("runs")) -> Path:
    """Return a path below ``root`` that does not exist yet, made of the time and the run's name."""
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    for number in range(1, 1000):
        path = root / (stem if number == 1 else f"{stem}-{number}")
        if not path.exists():
            return path
    raise RunFolderError(f"{root}: a thousand runs named {stem} exist already; choose a --run-dir")


def find_runs(root: Path) -> list[Path]:
    """Return the folders directly below ``root`` that are marked as runs, sorted by name."""
    return sorted(path.parent for path in root.glob(f"*/{MARKER}"))


def check_header(path: Path) -> None:
    """Check that a file is a SQLite database that was not cut off, reading its header only.

    The header says how many pages the file has. While a write-ahead log lies beside it, the file may be shorter.

    Raises:
        RunFolderError: if it is missing, not SQLite, or truncated.
    """
    # The log is looked for first: a driver that ends just now works it into the file and then removes it.
    logged = _log_of(path) is not None
    try:
        with path.open("rb") as stream:
            header = stream.read(100)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: the run's database is missing") from error
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from error
    if not header and logged:
        return
    if not header:
        raise RunFolderError(f"{path}: empty: damaged, or the run was stopped before it began; start it anew")
    if len(header) < 100 or not header.startswith(_SQLITE_MAGIC):
        raise RunFolderError(f"{path}: damaged, this is no SQLite database; restore it from a copy")
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if not logged and size < pages * (65536 if page == 1 else page):
        raise RunFolderError(
            f"{path}: damaged, the database is truncated to {size} bytes; restore it from a copy"
        )


def check_database(path: Path) -> None:
    """Check a SQLite file that nobody is writing in all its pages, changing nothing.

    With a write-ahead log beside it (the driver was killed), a copy is checked: opening works the log into the file.

    Raises:
        RunFolderError: if it is malformed.
    """
    log = _log_of(path)
    with tempfile.TemporaryDirectory() as scratch:
        if log is None:
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        else:
            for source in (path, log):
                shutil.copyfile(source, Path(scratch, source.name))
            uri = Path(scratch, path.name).as_uri()
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            answer = str(error)
    if answer != "ok":
        raise RunFolderError(f"{path}: damaged: {' '.join(str(answer).split())}; restore it from a copy")


def _log_of(path: Path) -> Path | None:
    log = path.with_name(path.name + "-wal")
    try:
        return log if log.stat().st_size > 0 else None
    except FileNotFoundError:
        return None


def _locked(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
