"""What hears of the events of a run: the log, the progress bar, the trackers."""

from __future__ import annotations

from typing import Protocol

from gondwana.nas.candidate import Candidate, Outcome
from gondwana.nas.searches.protocol import Progress


class Listener(Protocol):
    """Receives the events of a run: the log, the progress bar, the trackers. All calls come from the driver."""

    def started(self, progress: Progress, resumed: int, failed: int) -> None:
        """The loop begins; ``resumed`` outcomes were recorded before, ``failed`` of them without a result."""
        ...

    def outcome(self, candidate: Candidate, outcome: Outcome, details: str | None) -> None:
        """An outcome was recorded and told; ``details`` is the traceback of a failure."""
        ...

    def progress(self, progress: Progress, running: int) -> None:
        """The state after a batch of outcomes; ``running`` evaluations are under way."""
        ...

    def generation(self, generation: int) -> None:
        """The generation is complete and its snapshot recorded."""
        ...

    def stopping(self, running: int) -> None:
        """A stop was asked for; the loop waits for the evaluations under way."""
        ...

    def finalizing(self, count: int) -> None:
        """The search is finished; ``count`` finalists are trained again and scored on the test split."""
        ...
