"""Words in every spelling that counts as equal: what an encoder compares in lower case, a look-up compares letter by
letter."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from gondwana.tasks.own_data.cells import EMPTY

EMPTY_WORDS = EMPTY
"""What a cell without a value holds, in lower case."""


def any_case(words: Iterable[str]) -> list[str]:
    """Return words in all mixtures of small and capital letters, sorted."""
    return sorted(
        {"".join(letters) for word in words for letters in product(*({c.lower(), c.upper()} for c in word))}
    )


def lowered(words: Iterable[str]) -> list[str]:
    """Return words in lower case, and with capitals beyond ASCII as well, sorted: TensorFlow lowers ASCII only."""
    spellings = {
        "".join(letters)
        for word in words
        for letters in product(
            *({c, c.upper()} if ord(c) > 127 and len(c.upper()) == 1 else {c} for c in word)
        )
    }
    return sorted(spellings)
