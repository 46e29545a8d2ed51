"""One value a column: what a candidate was (strategy, activation, training, genes) and what it reached, for tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

Scalar = str | int | float | bool | None


def flat_columns(
    spec: Mapping[str, Any], origin: Mapping[str, Any], metrics: Mapping[str, float]
) -> dict[str, Scalar]:
    """Return the columns of one candidate.

    Args:
        spec: what the worker got (:func:`gondwana.nas.candidate.make_spec`).
        origin: where the candidate comes from; single values become ``origin.KEY``, its structures stay in the column
            ``origin`` of the export.
        metrics: what was measured.

    Returns:
        ``strategy``; ``activation``, for a network of layers every function it has; ``training.KEY``, ``model.KEY``
        and ``task.KEY`` with dots for nested keys; ``gene.KEY``, the values of a hyperparameter over the layers of an
        evolved network in their order, separated by a space; ``metric.NAME``.
    """
    model = spec.get("model", {})
    genes = _genes(model)
    activation = (
        model.get("activation") or " ".join(dict.fromkeys(map(str, genes.get("activation", ())))) or None
    )
    return {
        "strategy": spec.get("initialization", {}).get("strategy"),
        "activation": activation,
        **dict(_scalars("task", spec.get("task", {}))),
        **dict(_scalars("initialization", spec.get("initialization", {}).get("options", {}))),
        **dict(_scalars("training", spec.get("training", {}))),
        **dict(_scalars("model", {key: value for key, value in model.items() if key != "activation"})),
        **{f"gene.{key}": " ".join(map(str, values)) for key, values in sorted(genes.items())},
        **{f"origin.{key}": value for key, value in sorted(origin.items()) if _is_scalar(value)},
        **{f"metric.{key}": value for key, value in sorted(metrics.items())},
    }


def _genes(model: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values of each gene over the layers of the blueprint's modules, in the order of its nodes."""
    found: dict[str, list[Any]] = defaultdict(list)
    modules = model.get("modules", {})
    for node in model.get("blueprint", {}).get("nodes", ()):
        for layer in modules.get(node.get("module"), {}).get("layers", ()):
            found["layers"].append(layer.get("type"))
            for key, value in layer.get("genes", {}).items():
                found[key].append(value)
    return dict(found)


def _scalars(prefix: str, data: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """Yield the single values of nested mappings; lists, and the graphs of an evolved network, are left out."""
    for key, value in sorted(data.items()):
        if isinstance(value, Mapping) and key not in ("blueprint", "modules"):
            yield from _scalars(f"{prefix}.{key}", value)
        elif _is_scalar(value):
            yield f"{prefix}.{key}", value


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
