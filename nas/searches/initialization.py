"""How a config names an initialization strategy, and how a spec records it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gondwana.nas.candidate import FIRST_DEFAULTS, Json

_CHANGED = ("autoinit", "autoinit++")
"""Strategies whose default propagation was the paper's in version 0.1 and is the exact one since 0.2."""


class Strategy(BaseModel):
    """An initialization strategy of ``autoinit``; a config may give its name alone.

    Attributes:
        strategy: registered name.
        options: keyword options, JSON.
        defaults: version whose defaults hold for options that are not given. Runs that were begun with 0.1 keep those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str
    options: dict[str, Any] = Field(default_factory=dict)
    defaults: Literal["0.1", "0.2"] = "0.2"

    def to_spec(self, name: str | None = None) -> Json:
        """Return the initialization of a candidate's spec; ``name`` replaces the strategy's.

        The version of the defaults is left out where it decides nothing, so that keys and seeds are those of 0.1.
        """
        chosen = self.strategy if name is None else name
        spec = {"strategy": chosen, "options": self.options}
        decides = chosen in _CHANGED and "propagation" not in self.options and self.defaults != FIRST_DEFAULTS
        return {**spec, "defaults": self.defaults} if decides else spec


class Initialization(Strategy):
    """How the networks of a search are initialized before they are trained.

    Attributes:
        strategy: a name known to ``autoinit``; in CoDeepNEAT also ``evolved``, for the layers' own genes.
    """

    strategy: str = "autoinit"


def by_name(data: object) -> object:
    """Read a text as the name of a strategy without options."""
    return {"strategy": data} if isinstance(data, str) else data


InitializationItem = Annotated[
    Initialization, BeforeValidator(by_name, json_schema_input_type=str | Initialization)
]
StrategyItem = Annotated[Strategy, BeforeValidator(by_name, json_schema_input_type=str | Strategy)]
