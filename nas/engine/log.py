"""The run's log: one JSON object a line, readable while it grows, with the ids of run and candidate in each."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.searches.protocol import Progress

NAME = "log.jsonl"


class LogWriteError(OSError):
    """The log cannot be written: disk full, most likely."""


class RunLog:
    """Appends events to ``log.jsonl`` of a run folder. Also a listener of the run loop.

    The log is for people and tools; nothing is ever read back from it by a run.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path / NAME
        self._before = "\n" if _is_torn(self._path) else ""
        self._stream = self._path.open("a", encoding="utf-8", buffering=1)
        self._run_id = run_id
        self._surrogate: float | None = None

    def write(self, event: str, **details: Any) -> None:
        """Append one event.

        Raises:
            LogWriteError: if that fails; the run's records are elsewhere and complete.
        """
        record = {"time": round(time.time(), 3), "run": self._run_id, "event": event, **details}
        try:
            self._stream.write(self._before + json.dumps(record, ensure_ascii=False, default=str) + "\n")
            self._before = ""
        except OSError as error:
            raise LogWriteError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def started(self, progress: Progress, resumed: int, failed: int) -> None:
        """Log the beginning of the loop."""
        self.write("started", resumed=resumed, failed=failed, total=progress.total)

    def outcome(self, candidate: Candidate, outcome: Outcome, details: str | None) -> None:
        """Log an outcome; a failure with its traceback."""
        record: dict[str, Any] = {
            "candidate": candidate.id,
            "generation": candidate.generation,
            "state": outcome.state.value,
            "fitness": outcome.fitness,
            "seconds": {phase: round(value, 4) for phase, value in outcome.seconds.items()},
            "worker": outcome.worker,
        }
        if outcome.state is not State.COMPLETED:
            record["reason"] = outcome.reason
        if details:
            record["traceback"] = details
        self.write("outcome", **record)

    def progress(self, progress: Progress, running: int) -> None:
        """Log how well a search's model does whenever there is a new one; the log holds every outcome already."""
        if progress.surrogate != self._surrogate:
            self._surrogate = progress.surrogate
            self.write("surrogate", told=progress.told, correlation=progress.surrogate)

    def generation(self, generation: int) -> None:
        """Log the end of a generation."""
        self.write("generation", generation=generation)

    def stopping(self, running: int) -> None:
        """Log that a stop was asked for."""
        self.write("stopping", running=running)

    def finalizing(self, count: int) -> None:
        """Log that the finalists are trained again."""
        self.write("finalizing", finalists=count)

    def close(self) -> None:
        """Close the file; what a full disk left unwritten is dropped."""
        with contextlib.suppress(OSError):
            self._stream.close()


def _is_torn(path: Path) -> bool:
    """Return whether the last line of a file was cut off."""
    try:
        with path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) != b"\n"
    except OSError:  # missing or empty
        return False
