"""Words and their numbers: the vocabulary of the training texts, and texts as rows of token ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

PADDING, UNKNOWN = 0, 1
"""Ids that are no word. Words are numbered from 2, the most frequent first."""

_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[!?*@#$%&]")


def tokens(text: str) -> list[str]:
    """Return the words of a text in lower case; marks that carry tone (``! ? * @ # $ % &``) are tokens of their own."""
    return _TOKEN.findall(text.lower())


def vocabulary(texts: Iterable[Sequence[str]], size: int) -> dict[str, int]:
    """Return the ids of the most frequent words, at most ``size - 2`` of them; ties in alphabetical order."""
    counts = Counter(word for text in texts for word in text)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate(ranked[: size - 2], start=2)}


def encode(texts: Sequence[Sequence[str]], ids: dict[str, int], length: int) -> np.ndarray:
    """Return the first ``length`` words of each text as ids, (n, length) int32, filled up with padding at the end."""
    rows = np.full((len(texts), length), PADDING, np.int32)
    for row, text in zip(rows, texts, strict=True):
        numbers = [ids.get(word, UNKNOWN) for word in text[:length]]
        row[: len(numbers)] = numbers
    return rows
