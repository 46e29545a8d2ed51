"""The time that a run may take, noted in its folder: a run that is resumed has what is left, and ends where it ended.

A search never reads the clock. The loop does, and stops asking; where it did is on the disk before a finalist is
trained. A run that is resumed after that point asks for nothing more, so the same finalists come out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gondwana.nas.candidate import Outcome
from gondwana.nas.engine.records.run_folder import RunFolder

NAME = "budget.json"


class Budget:
    """The time budget of a run.

    Args:
        folder: where it is noted.
        seconds: wall seconds of all sessions of the run together, the training of finalists included.
        finalists: number of trainings after the search.
        clock: monotonic seconds.
    """

    def __init__(
        self, folder: RunFolder, seconds: float, finalists: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._seconds, self._finalists, self._clock = folder, seconds, finalists, clock
        noted = read_budget(folder.path) or {}
        self._before = float(noted.get("spent", 0.0))
        self._ended: int | None = noted.get("ended_after")
        self._begin = clock()
        self._longest = 0.0
        self._results = 0

    @property
    def ended(self) -> bool:
        """True once the search was ended because of it."""
        return self._ended is not None

    def spent(self) -> float:
        """Return the seconds of all sessions so far."""
        return self._before + self._clock() - self._begin

    def add(self, outcome: Outcome) -> None:
        """Learn from an outcome how long an evaluation takes."""
        seconds = sum(value for phase, value in outcome.seconds.items() if phase != "queued")
        self._longest = max(self._longest, seconds)
        self._results += outcome.fitness is not None

    def is_over(self, capacity: int) -> bool:
        """Return whether no further evaluation fits in beside the training of the finalists.

        Never before the first result: without one, the whole run would be for nothing.

        Args:
            capacity: evaluations that run at the same time.
        """
        rounds = 1 + -(-self._finalists // max(1, capacity))
        return self._results > 0 and self.spent() + rounds * self._longest >= self._seconds

    def note(self) -> None:
        """Note the seconds so far."""
        self._write()

    def end(self, told: int) -> None:
        """Note that the search ends here, after ``told`` outcomes."""
        self._ended = told
        self._write()

    def _write(self) -> None:
        noted = {"seconds": self._seconds, "spent": round(self.spent(), 3), "ended_after": self._ended}
        self._folder.write_text(NAME, json.dumps(noted) + "\n")


def read_budget(path: Path) -> dict[str, Any] | None:
    """Return what is noted of a run's budget: ``seconds``, ``spent``, ``ended_after``; None if it has none."""
    try:
        noted = json.loads((path / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return noted if isinstance(noted, dict) else None
