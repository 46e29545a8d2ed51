"""Checks of an experiment with a fixed architecture before anything is trained: a misspelt name is found at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gondwana.tasks.base import TaskInfo


class Named(Protocol):
    """An architecture of a config."""

    @property
    def name(self) -> str:
        """Registered name."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of its builder."""
        ...


class Strategic(Protocol):
    """An initialization strategy of a config."""

    @property
    def strategy(self) -> str:
        """Registered name."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options."""
        ...


def check_experiment(
    info: TaskInfo,
    architectures: Iterable[Named],
    strategies: Iterable[Strategic],
    functions: Iterable[str] = (),
) -> None:
    """Raise what a worker would raise for every candidate.

    Networks are built without weights and strategies are tried on a network of one weight, so this takes about a second
    for all but very deep networks.

    Raises:
        ValueError: if an architecture, one of its options, a strategy, one of its options or a function does not exist,
            or an architecture does not fit the task.
    """
    import keras

    from gondwana import activations, autoinit
    from gondwana.activations import GraphActivation
    from gondwana.tasks import architectures as known

    for text in functions:
        activations.parse(text)
    for item in strategies:
        probe = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        autoinit.initialize(probe, item.strategy, seed=0, options=item.options)
    for chosen in architectures:
        with keras.StatelessScope() as scope:
            scope.initialize_variables = False
            known.build(
                chosen.name,
                info,
                activation=lambda name: GraphActivation("relu(x)", name=name),
                seed=0,
                **chosen.options,
            )
    keras.utils.clear_session()
