"""Progress of a run: a live bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from gondwana.nas.candidate import RESULTS, Candidate, Outcome
from gondwana.nas.searches.protocol import Progress as SearchProgress

LINE_SECONDS = 10.0
"""Least time between two plain lines of one generation."""


class ProgressView:
    """A listener of the run loop that tells a person how the run goes on.

    Args:
        console: where to; None is standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._bar: Progress | None = None
        self._failures = 0
        self._begin = time.monotonic()
        self._resumed = 0
        self._last_line = (-1, 0.0)

    def __enter__(self) -> ProgressView:
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rest]}"))
            self._bar = Progress(*columns, console=self._console, refresh_per_second=4)
            self._bar.add_task("starting", total=None, rest="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def started(self, progress: SearchProgress, resumed: int, failed: int) -> None:
        """Begin to count the time, and go on counting failures."""
        self._failures = failed
        self._begin = time.monotonic()
        self._resumed = resumed
        if resumed:
            self._console.print(f"resumed with {resumed} recorded evaluations")
        self._show(progress, 0)

    def outcome(self, candidate: Candidate, outcome: Outcome, details: str | None) -> None:
        """Count failures, and name the first of each kind of reason."""
        if outcome.state in RESULTS:
            return
        self._failures += 1
        if self._failures == 1:
            self._console.print(
                f"candidate {candidate.id} {outcome.state.value}: {outcome.reason}", markup=False
            )

    def progress(self, progress: SearchProgress, running: int) -> None:
        """Show the state."""
        self._show(progress, running)

    def generation(self, generation: int) -> None:
        """Show nothing: the next call of :meth:`progress` shows the generation."""

    def stopping(self, running: int) -> None:
        """Say what the first Ctrl-C does."""
        self._console.print(
            f"stopping: waiting for {running} running evaluations; Ctrl-C again stops at once"
        )

    def finalizing(self, count: int) -> None:
        """Say what the last phase is."""
        self._console.print(
            f"training {count} finalist{'s' if count > 1 else ''} again, then the test split, once"
        )

    def _show(self, progress: SearchProgress, running: int) -> None:
        described = f"generation {min(progress.generation + 1, progress.generations)}/{progress.generations}"
        rest = f"{progress.told}/{progress.total} evaluations, {self._rest(progress)}"
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(
                task, description=described, completed=progress.told, total=progress.total, rest=rest
            )
            return
        now = time.monotonic()
        generation, before = self._last_line
        done = progress.told >= progress.total
        if generation != progress.generation or done or now - before >= LINE_SECONDS:
            self._last_line = (progress.generation, now)
            self._console.print(f"{described}: {rest}", soft_wrap=True)

    def _rest(self, progress: SearchProgress) -> str:
        words = []
        if progress.best_fitness is not None and progress.mean_fitness is not None:
            words.append(f"best {progress.best_fitness:.4f}, mean {progress.mean_fitness:.4f}")
        words.append(f"{self._failures} failed")
        done = progress.told - self._resumed
        if done > 0 and progress.total > progress.told:
            seconds = (time.monotonic() - self._begin) / done * (progress.total - progress.told)
            words.append(f"{in_words(seconds)} left")
        return ", ".join(words)


def in_words(seconds: float) -> str:
    """Return a duration in the two largest units that fit: ``3 h 05 min``, ``4 min 10 s``, ``12 s``."""
    whole = round(seconds)
    if whole >= 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole} s"
