"""Reader for gzipped IDX files, the format of MNIST.

Four bytes of magic number (0, 0, type code, number of axes), a big-endian 32-bit size per axis, then the entries.
Only unsigned bytes (type code 8) occur in the datasets here; everything else is refused.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from gondwana.tasks.data import DamagedDataError

UNSIGNED_BYTE = 8
MAX_BYTES = 2**30
"""Refuse headers that announce more: the largest published file of this kind has 47 million entries."""


def read_idx(path: Path, axes: int) -> np.ndarray:
    """Return the array of unsigned bytes in a gzipped IDX file.

    Raises:
        DamagedDataError: if the file is not gzip, is not IDX of unsigned bytes with that many axes, or is longer or
            shorter than its header says.
    """
    try:
        with gzip.open(path) as file:
            header = file.read(4 + 4 * axes)
            shape = _shape(path, header, axes)
            size = math.prod(shape)
            entries = file.read(size)
            surplus = file.read(1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DamagedDataError(
            f"{path} is damaged or not a gzip file ({error}); delete it to get it anew"
        ) from error
    if len(entries) != size or surplus:
        found = "more" if surplus else str(len(entries))
        raise DamagedDataError(f"{path}: its header announces {size} entries, but it holds {found}")
    return np.frombuffer(entries, np.uint8).reshape(shape)


def _shape(path: Path, header: bytes, axes: int) -> tuple[int, ...]:
    if len(header) < 4 + 4 * axes or header[:4] != bytes((0, 0, UNSIGNED_BYTE, axes)):
        raise DamagedDataError(
            f"{path} is not an IDX file of unsigned bytes with {axes} axes. It begins with: {header[:4].hex()}"
        )
    shape = struct.unpack(f">{axes}I", header[4:])
    if math.prod(shape) > MAX_BYTES:
        raise DamagedDataError(f"{path}: its header announces an implausible size, {shape}")
    return shape
