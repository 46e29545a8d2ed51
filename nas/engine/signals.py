"""Ctrl-C and termination: first finish what is running, then stop at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gondwana.nas.engine.loop import Stop


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM request a stop, and the second raise KeyboardInterrupt.

    Enter it after Ray is initialized, which installs a handler of its own. Outside the main thread it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
