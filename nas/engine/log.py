"""The run's log: one JSON object a line, readable while it grows, with the ids of run and candidate in each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from nas.candidate import Candidate, Outcome, State
from nas.search import Progress

NAME = "log.jsonl"


class RunLog:
    """Appends events to ``log.jsonl`` of a run folder. Also a listener of the run loop.

    The log is for people and tools; nothing is ever read back from it by a run.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self._stream = (path / NAME).open("a", encoding="utf-8", buffering=1)
        self._run_id = run_id

    def write(self, event: str, **details: Any) -> None:
        """Append one event."""
        record = {"time": round(time.time(), 3), "run": self._run_id, "event": event, **details}
        self._stream.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")

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
        """Nothing: the outcomes are logged."""

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
        """Close the file."""
        self._stream.close()
