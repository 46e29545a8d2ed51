"""``gondwana watch``: a run from another terminal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.engine.summary import Summary


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 5.0,
) -> None:
    """Follow a run that another process is running; ends when the run does."""
    from nas.engine.summary import summarize

    before = ""
    while True:
        item = summarize(run)
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


def _line(item: Summary) -> str:
    words = [f"{item.told} evaluations", f"{item.asked - item.told} under way"]
    if item.best is not None and item.mean is not None:
        words.append(f"best {item.best.fitness:.4f}, mean {item.mean:.4f}")
    words.append(f"{sum(item.failures.values())} failed")
    return ", ".join(words)
