"""``gondwana watch``: a run from another terminal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gondwana.nas.engine.records.summary import Follower


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 5.0,
) -> None:
    """Follow a run that another process is running; ends when the run does."""
    from gondwana.nas.engine.records.summary import Follower

    before, item = "", Follower(run)
    while True:
        item.look()
        line = _line(item)
        if line != before:
            typer.echo(f"{time.strftime('%H:%M:%S')} {line}")
        before = line
        if item.finished:
            return
        if not item.running:
            typer.echo(f"no driver is running it; continue with: gondwana resume {run}")
            return
        time.sleep(every)


def _line(item: Follower) -> str:
    so_far = item.best_so_far
    words = [f"{so_far.told} evaluations", f"{item.asked - so_far.told} under way"]
    if so_far.best is not None and so_far.mean is not None:
        words.append(f"best {so_far.best:.4f}, mean {so_far.mean:.4f}")
    words.append(f"{item.failed} failed")
    return ", ".join(words)
