"""What of the settings can only be checked when the task is known."""

from __future__ import annotations

import difflib
from dataclasses import fields

from gondwana.nas.searches.codeepneat.genome.space import MODEL_GENES
from gondwana.nas.searches.codeepneat.settings import CoDeepNEATSettings
from gondwana.nas.searches.job import SearchJob
from gondwana.tasks.training.recipe import Recipe


def check_rungs(settings: CoDeepNEATSettings, job: SearchJob) -> None:
    """Raise ValueError if the last rung is not the whole training."""
    epochs = Recipe.from_json(job.training).epochs
    if settings.fidelity is not None and settings.fidelity.rungs[-1] != epochs:
        raise ValueError(
            f"search.fidelity: the last rung is the whole training; set training.epochs to "
            f"{settings.fidelity.rungs[-1]}. Received: rungs={list(settings.fidelity.rungs)}, training.epochs={epochs}"
        )


def check_network_genes(settings: CoDeepNEATSettings) -> None:
    """Raise ValueError for a gene that is neither one of the model nor a field of the training recipe."""
    known = (*MODEL_GENES, *(field.name for field in fields(Recipe)))
    for name in settings.space.network:
        if name.partition(".")[0] not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
            raise ValueError(
                f"search.space.network: nothing in a network or its training is named {name!r}. {hint}"
            )
