"""Random streams by identity: what a stream is for decides what it holds, never who asks first.

Two kinds of stream exist in a run:

- the *search's* streams (variation, selection, pairing), named by words and numbers such as
  ``("codeepneat", "blueprints", generation)``; see :func:`stream`;
- a *candidate's* training seed, derived from what the candidate is; see :func:`training_seed`. Equal candidates get
  equal seeds, which is what makes the duplicate cache sound, and a retry after a crash repeats the same training.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(run_seed: int, *identity: str | int) -> np.random.Generator:
    """Return the generator that belongs to ``identity`` in the run with ``run_seed``.

    The identity is hashed, so that streams of different names are independent and adding a new stream never shifts an
    old one. The same arguments give the same stream in every process and on every platform.
    """
    return np.random.default_rng(np.random.SeedSequence(run_seed, spawn_key=(_key(*identity),)))


def training_seed(run_seed: int, candidate_json: str) -> int:
    """Return the seed (0 .. 2**31-1) with which a candidate of this canonical JSON is initialized and trained."""
    return _key("training", run_seed, candidate_json) % 2**31


def _key(*identity: str | int) -> int:
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in identity)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
