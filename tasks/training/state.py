"""The state of a training that may go on, weights, optimizer and seeds after an epoch: bytes without code in them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DIGEST = hashlib.sha256().digest_size


class StateError(ValueError):
    """The bytes are no state of a training, or one of another network."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What :func:`gondwana.tasks.training.fit.train` needs to go on as if it had never stopped.

    Attributes:
        epochs: number of epochs trained.
        model: values of the model's variables, seed generators included, in their order.
        loop: values of the optimizer, as :meth:`gondwana.tasks.training.loops.Loop.state` gave them.
        notes: JSON of the caller's own, such as the learning curve so far.
    """

    epochs: int
    model: Sequence[np.ndarray]
    loop: Sequence[np.ndarray]
    notes: Any = None

    def to_bytes(self) -> bytes:
        """Return the state as an uncompressed NumPy archive behind its SHA-256."""
        facts = json.dumps({"epochs": self.epochs, "model": len(self.model), "notes": self.notes})
        arrays: Mapping[str, np.ndarray] = {
            "facts": np.frombuffer(facts.encode(), np.uint8),
            **{f"model{i}": value for i, value in enumerate(self.model)},
            **{f"loop{i}": value for i, value in enumerate(self.loop)},
        }
        stream = io.BytesIO()
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # the stub takes all keywords for its own options
        archive = stream.getvalue()
        return hashlib.sha256(archive).digest() + archive

    @classmethod
    def from_bytes(cls, content: bytes) -> TrainingState:
        """Inverse of :meth:`to_bytes`.

        Raises:
            StateError: if the content is damaged.
        """
        digest, content = content[:DIGEST], content[DIGEST:]
        if hashlib.sha256(content).digest() != digest:
            raise StateError("the state of the training is damaged: its bytes do not match their checksum")
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                facts = json.loads(archive["facts"].tobytes())
                count = int(facts["model"])
                model = tuple(archive[f"model{i}"] for i in range(count))
                loop = tuple(archive[f"loop{i}"] for i in range(len(archive.files) - 1 - count))
                return cls(int(facts["epochs"]), model, loop, facts["notes"])
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise StateError(f"the state of the training is damaged: {error}") from error

    def check(self, model: Sequence[np.ndarray], loop: Sequence[np.ndarray]) -> None:
        """Compare with the values of the network that is to go on, before any of them is changed.

        Raises:
            StateError: if number, shape or type of the arrays differ.
        """
        for name, ours, theirs in (("model", self.model, model), ("optimizer", self.loop, loop)):
            kept = [(value.shape, value.dtype) for value in ours]
            wanted = [(value.shape, value.dtype) for value in theirs]
            if kept != wanted:
                raise StateError(
                    f"the state of the training is that of another {name}: {len(kept)} arrays are kept, "
                    f"{len(wanted)} are needed, and the first that differ are "
                    f"{next((pair for pair in zip(kept, wanted, strict=False) if pair[0] != pair[1]), 'missing')}"
                )
