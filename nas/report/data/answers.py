"""A network's answers to labelled rows, summed up: which classes it takes for which, how far it is off, where most."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from gondwana.nas.candidate import Json
from gondwana.tasks.metrics import BINARY, CLASSES, LABELS

if TYPE_CHECKING:
    from gondwana.tasks.base import Head, Split, TaskInfo

MOST_CLASSES = 20
"""Of more classes, the pairs that are taken for each other most often are kept instead of a matrix."""
MOST_PAIRS = 20
WORST = 8
MOST_POINTS = 1000
LARGEST_PICTURE = 96
MOST_HEADS = 6


def answers_of(
    info: TaskInfo, split: Split, outputs: Sequence[np.ndarray], classes: Sequence[Any] | None = None
) -> list[Json]:
    """Return for each of the first heads its confusions or residuals and the rows answered worst, as JSON.

    Args:
        info: the task.
        split: rows with their targets.
        outputs: of the network, for each head, shape (rows, units).
        classes: names of the classes of a task with one head.
    """
    found = []
    for head, output in list(zip(info.heads, outputs, strict=True))[:MOST_HEADS]:
        y = np.asarray(split.y[head.name] if isinstance(split.y, dict) else split.y).reshape(len(split), -1)
        output = np.asarray(output, np.float64).reshape(len(split), -1)
        names = [str(name) for name in classes] if classes and len(info.heads) == 1 else None
        entry: Json = {"head": head.name, "kind": head.kind}
        if head.kind in (BINARY, CLASSES):
            rows = np.flatnonzero(y[:, 0] >= 0)
            entry |= _confusions(head, y[rows, 0].astype(int), output[rows], rows, names)
        elif head.kind == LABELS:
            entry |= _labels(y, output)
        else:
            entry |= _residuals(head, y, output)
        for worst in entry.get("worst", []):
            worst["picture"] = picture(split.x[worst["row"]])
        found.append(entry)
    return found


def _confusions(
    head: Head, y: np.ndarray, output: np.ndarray, rows: np.ndarray, names: list[str] | None
) -> Json:
    shares = np.hstack([1 - output, output]) if output.shape[1] == 1 else output
    count = shares.shape[1]
    known = names if names is not None and len(names) == count else [str(number) for number in range(count)]
    said = shares.argmax(axis=1)
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (y, said), 1)
    entry: Json = {}
    if count <= MOST_CLASSES:
        entry |= {"classes": known, "matrix": matrix.tolist()}
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(place), count) for place in order]
    entry["pairs"] = [[known[a], known[b], int(wrong[a, b])] for a, b in pairs if wrong[a, b]]
    truth = shares[np.arange(len(y)), y]
    entry["worst"] = [
        {
            "row": int(rows[at]),
            "truth": known[y[at]],
            "answer": known[said[at]],
            "certainty": float(shares[at, said[at]]),
            "wrong": bool(said[at] != y[at]),
        }
        for at in np.argsort(truth, kind="stable")[:WORST]
    ]
    return entry


def _labels(y: np.ndarray, output: np.ndarray) -> Json:
    said = output > 0.5
    rows = []
    for label in range(min(y.shape[1], 50)):
        has = y[:, label] > 0.5
        counts = int((has & said[:, label]).sum()), int((has & ~said[:, label]).sum())
        rows.append([str(label), *counts, int((~has & said[:, label]).sum())])
    return {"labels": rows}


def _residuals(head: Head, y: np.ndarray, output: np.ndarray) -> Json:
    mean, deviation = head.scale
    truth, answer = y[:, 0] * deviation + mean, output[:, 0] * deviation + mean
    error = answer - truth
    kept = np.unique(np.linspace(0, len(y) - 1, min(len(y), MOST_POINTS)).round().astype(int))
    return {
        "points": [[float(f"{truth[i]:.6g}"), float(f"{answer[i]:.6g}")] for i in kept],
        "bias": float(error.mean()),
        "middle_half": [float(np.quantile(error, 0.25)), float(np.quantile(error, 0.75))],
        "worst": [
            {"row": int(i), "truth": f"{truth[i]:.5g}", "answer": f"{answer[i]:.5g}", "wrong": True}
            for i in np.argsort(-np.abs(error), kind="stable")[:WORST]
        ],
    }


def picture(x: np.ndarray) -> str | None:
    """Return an input that is a small picture as the address of a PNG image, its range stretched; None for others."""
    if (
        x.ndim != 3
        or x.shape[-1] not in (1, 3)
        or not 4 <= min(x.shape[:2]) <= max(x.shape[:2]) <= LARGEST_PICTURE
    ):
        return None
    from PIL import Image

    low, high = float(x.min()), float(x.max())
    shades = ((x - low) / ((high - low) or 1.0) * 255).round().astype(np.uint8)
    target = BytesIO()
    Image.fromarray(shades[..., 0] if shades.shape[-1] == 1 else shades).save(target, "PNG")
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode()
