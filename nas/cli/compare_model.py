"""``gondwana compare --model``: initialization strategies on one network of the user's own, over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gondwana.nas.config.schema import RunConfig

SEEDS = 10
"""Seeds if none are given: two strategies of which one is always ahead can be told apart from 6 pairs on."""


class ModelOptionError(ValueError):
    """Options of ``--model`` that are missing or contradict each other."""


def config_of_model(
    model: Path, task: str | None, strategies: Sequence[str], seeds: int | None, overrides: Sequence[str]
) -> RunConfig:
    """Return the config that trains a saved network under every strategy and seed.

    Args:
        model: ``.keras`` file; its weights are not used.
        task: name of a registered task, or a file of the user's own.
        strategies: at least two, each once.
        seeds: trainings of each strategy, at least 2.
        overrides: ``key.path=value`` each.

    Raises:
        ValueError: if an option is missing or wrong.
    """
    from gondwana.nas.config.saved_models import description
    from gondwana.nas.config.schema import parse_config

    if task is None:
        raise ModelOptionError(
            "--model needs --task, the data that the network is trained on, such as --task digits"
        )
    if len(set(strategies)) < 2 or len(set(strategies)) < len(strategies):
        raise ModelOptionError(
            "--strategies names two or more initialization strategies, each once, separated by commas or spaces: "
            f"glorot_uniform,he_normal,autoinit. Received: {', '.join(strategies) or 'none'}"
        )
    number = SEEDS if seeds is None else seeds
    if number < 2:
        raise ModelOptionError(
            f"--seeds is at least 2, for one training says nothing about others. Received: {number}"
        )
    data: dict[str, Any] = {
        "name": "".join(c if c.isalnum() or c in "._-" else "-" for c in model.stem).lstrip("._-")[:60]
        or "model",
        "task": {"file": task} if task.endswith(".py") else {"name": task},
        "search": {
            "kind": "sweep",
            "architecture": {"name": "saved_model", "options": {"config": description(model)}},
            "strategies": list(strategies),
            "axes": [],
            "replicates": number,
        },
    }
    return parse_config(data, source=str(model), overrides=overrides)
