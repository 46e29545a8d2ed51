"""States of trainings that may go on, kept beside the run: at most so many megabytes, and never needed.

What is lost (evicted, damaged, never on the disk) is trained again from its spec, to the same result. So files are
written without waiting for the disk, and nothing of them is in the run's records.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "training_states"


class TrainingStates:
    """Files named after candidates in a folder of the run; the oldest give way when there are too many.

    Args:
        run: folder of the run; that of the states is made when there is one to keep.
        limit_mb: most megabytes (10**6 bytes) together; 0 keeps none.
    """

    def __init__(self, run: Path, limit_mb: float) -> None:
        self._folder = run / FOLDER
        self._limit = int(limit_mb * 1e6)
        self._sizes = {
            int(path.stem): path.stat().st_size for path in sorted(self._folder.glob("[0-9]*.state"))
        }

    def keep(self, candidate: int, content: bytes) -> None:
        """Keep a state, instead of the oldest ones if it would be too much with them.

        Raises:
            OSError: if it cannot be written; the run's records could not be, either.
        """
        if len(content) > self._limit:
            return
        for oldest in sorted(self._sizes):
            if sum(self._sizes.values()) + len(content) <= self._limit:
                break
            self.drop(oldest)
        self._folder.mkdir(exist_ok=True)
        partial = self._folder / f".{candidate}.{os.getpid()}.partial"
        try:
            partial.write_bytes(content)
            partial.replace(self._path(candidate))
        finally:
            partial.unlink(missing_ok=True)
        self._sizes[candidate] = len(content)

    def load(self, candidate: int) -> bytes | None:
        """Return a state; None if it is not there any more."""
        try:
            return self._path(candidate).read_bytes()
        except FileNotFoundError:
            return None

    def drop(self, candidate: int) -> None:
        """Forget a state, if there is one."""
        self._sizes.pop(candidate, None)
        self._path(candidate).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all states: the search is over."""
        for path in self._folder.glob("*.partial"):
            path.unlink(missing_ok=True)
        for candidate in list(self._sizes):
            self.drop(candidate)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _path(self, candidate: int) -> Path:
        return self._folder / f"{candidate}.state"
