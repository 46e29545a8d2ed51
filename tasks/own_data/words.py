"""Free text as the weights of its words (TF-IDF), by scikit-learn's vectorizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

MOST_WORDS = 256
"""Words of a column that become inputs, the most frequent ones."""


def vocabulary(cells: pd.Series) -> tuple[list[str], list[float]]:
    """Return the words of the training rows that are looked at, in order, and their inverse document frequencies.

    Both are empty if there are no words.
    """
    documents = _documents(cells)
    for least_rows in (2, 1):
        vectorizer = _vectorizer(max_features=MOST_WORDS, min_df=least_rows)
        try:
            vectorizer.fit(documents)
        except ValueError:  # what it raises for an empty vocabulary: no word in so many rows
            continue
        return list(vectorizer.get_feature_names_out()), [float(value) for value in vectorizer.idf_]
    return [], []


def weights(cells: pd.Series, words: Sequence[str], frequencies: Sequence[float]) -> np.ndarray:
    """Return an array of shape (rows, words): how much each word says of each row; 0 for an empty cell."""
    vectorizer = _vectorizer(vocabulary=list(words))
    vectorizer.idf_ = np.asarray(frequencies)
    return np.asarray(vectorizer.transform(_documents(cells)).toarray(), np.float64)


def _documents(cells: pd.Series) -> list[str]:
    return [cell if isinstance(cell, str) else "" for cell in cells]


def _vectorizer(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        sublinear_tf=True, strip_accents="unicode", token_pattern=r"(?u)\b\w+\b", **options
    )
