"""Reader for CIFAR's Python batches that runs nothing.

The published files are pickles of ``{"data": uint8 array (n, 3072), "labels": list, ...}``. A pickle is a program; to
unpickle a file from a stranger is to run it. This reader interprets the few opcodes that such a file consists of on
plain containers: a call in it (an array is rebuilt by calls) becomes an inert record, never a call.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.data import DamagedDataError

PIXELS = 3 * 32 * 32

_PUSHED = frozenset(
    [
        *("BINSTRING", "SHORT_BINSTRING", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES"),
        *("BININT", "BININT1", "BININT2", "INT", "LONG1"),
    ]
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})


@dataclass
class _Call:
    """What the file would call, with which arguments, and the state that it would set on the result."""

    function: Any
    arguments: Any
    state: Any = None


class _Mark:
    pass


class _Reader:
    """A stack machine for the opcodes that build plain containers."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, content: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(content):
            self._step(opcode.name, argument)
        (result,) = self.stack
        return result

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _PUSHED:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name == "MARK":
            stack.append(_Mark())
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "GLOBAL":
            stack.append(argument)
        elif name not in _IGNORED:
            self._combine(name)

    def _combine(self, name: str) -> None:
        stack = self.stack
        if name == "TUPLE":
            stack.append(tuple(self._to_mark()))
        elif name == "APPENDS":
            items = self._to_mark()
            stack[-1].extend(items)
        elif name == "APPEND":
            item = stack.pop()
            stack[-1].append(item)
        elif name == "SETITEMS":
            items = self._to_mark()
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_Call(stack.pop(), arguments))
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].state = state
        else:
            raise ValueError(f"it has the operation {name}, which no published batch has")

    def _to_mark(self) -> list[Any]:
        items: list[Any] = []
        while not isinstance(self.stack[-1], _Mark):
            items.append(self.stack.pop())
        self.stack.pop()
        return items[::-1]


def read_batch(content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels (n, 3072) uint8 and labels (n,) int32 of a batch.

    Args:
        content: the bytes of the file.
        path: where they are from, for messages.

    Raises:
        DamagedDataError: if the content is not such a batch.
    """
    try:
        batch = _Reader().run(content)
        labels = np.array(batch["labels"], np.int32)
        _, shape, _, _, raw = batch["data"].state
        pixels = np.frombuffer(raw.encode("latin-1") if isinstance(raw, str) else raw, np.uint8)
        pixels = pixels.reshape(shape)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise DamagedDataError(f"{path} is not a published CIFAR-10 batch: {error}") from error
    if pixels.shape != (len(labels), PIXELS) or (len(labels) and not 0 <= labels.min() <= labels.max() <= 9):
        raise DamagedDataError(
            f"{path}: expected {PIXELS} pixels and a label from 0 to 9 per image. "
            f"Received: data of shape {pixels.shape}, {len(labels)} labels"
        )
    return pixels, labels
