"""Settings of the surrogate: the ``surrogate:`` key of a config's ``search`` section."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class SurrogateSettings(BaseModel):
    """How a search learns from all its outcomes which candidates are worth an evaluation.

    Attributes:
        candidates: so many are bred for each that is evaluated, the most promising of them.
        explore: share of the evaluations whose candidate is chosen without the model.
        spread: how much the disagreement of the trees counts: the model's figure of a candidate is the mean of the
            trees plus so many of their standard deviations. 0 trusts the mean alone.
        least: outcomes before the first model; until then the search does without.
        growth: the model is made anew whenever there are so many times as many outcomes as when it was made.
        trees: of the forest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: Annotated[int, Field(ge=2)] = 8
    explore: Annotated[float, Field(ge=0, le=1)] = 0.1
    spread: Annotated[float, Field(ge=0)] = 0.5
    least: Annotated[int, Field(ge=10)] = 20
    growth: Annotated[float, Field(gt=1)] = 1.2
    trees: Annotated[int, Field(ge=10)] = 40


class NetworkSurrogateSettings(SurrogateSettings):
    """The same for networks. Where a landscape deceives a model, as it does fitness itself, more exploration helps.

    ``candidates`` are offspring of a population here, blueprints or modules, and ``explore`` is the share of the
    births.
    """

    explore: Annotated[float, Field(ge=0, le=1)] = 0.3


def _switched(data: Any) -> Any:
    """Read ``true`` as the default settings and ``false`` as none."""
    if isinstance(data, bool):
        return {} if data else None
    return data


SurrogateItem = Annotated[
    SurrogateSettings | None,
    BeforeValidator(_switched, json_schema_input_type=SurrogateSettings | bool | None),
]
NetworkSurrogateItem = Annotated[
    NetworkSurrogateSettings | None,
    BeforeValidator(_switched, json_schema_input_type=NetworkSurrogateSettings | bool | None),
]
