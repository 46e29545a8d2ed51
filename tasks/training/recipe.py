"""How a network is trained: the recipe, as a value that comes from JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from gondwana.tasks.options import check_bool, check_choice, check_int, check_names, check_number
from gondwana.tasks.training.augmentation import Augmentation
from gondwana.tasks.training.schedules import Schedule
from gondwana.tasks.training.weighting import check_class_weight

OPTIMIZERS = ("adam", "adamax", "rmsprop", "sgd")
_WITH_MOMENTUM = ("rmsprop", "sgd")
_LATER = ("steps_per_epoch", "class_weight", "label_smoothing", "early_stopping")
"""Fields that came after 0.1."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters of the training of one network.

    Attributes:
        epochs: passes over the training examples, or rounds of ``steps_per_epoch``.
        batch_size: examples per step.
        steps_per_epoch: steps (iterations) that count as one epoch, whatever the number of examples, as in the "1000
            iterations" of Table 1's Omniglot; None for one pass over the examples.
        optimizer: one of :data:`OPTIMIZERS`, with Keras' defaults for what is not a field here.
        learning_rate: initial learning rate, what the schedule is relative to.
        schedule: course of the learning rate, see :class:`gondwana.tasks.training.schedules.Schedule`.
        momentum: of ``sgd`` and ``rmsprop``; refused if not 0 for others.
        nesterov: Nesterov momentum, of ``sgd`` only.
        weight_decay: coefficient of an L2 penalty, ``weight_decay * sum(w**2)`` over the entries of all kernels,
            added to the loss (as in the paper's Appendix B). Regularizers of the layers come on top.
        decoupled_weight_decay: fraction ``decoupled_weight_decay * learning_rate`` by which every trainable weight
            shrinks per step, as in AdamW (Loshchilov and Hutter, 2019).
        scale_penalties: multiply all weight penalties (``weight_decay`` and the layers' own weight regularizers) by
            the current learning rate, as the paper does on Oxford 102 Flower (Appendix C).
        clip_norm: largest norm of the gradient over all weights; None for no clipping.
        class_weight: ``balanced``, or weights of classes in the training loss by their number, see
            :func:`gondwana.tasks.training.weighting.class_weights`; None for equal ones.
        label_smoothing: share of a target that is spread evenly over the classes.
        early_stopping: epochs without a smaller loss on the validation split after which the training ends; the
            network then has the weights of its best epoch. None for no end before the last epoch.
        augmentation: random changes of training images, see :class:`gondwana.tasks.training.augmentation.Augmentation`.
    """

    epochs: int = 5
    batch_size: int = 64
    steps_per_epoch: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule = field(default_factory=Schedule)
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    decoupled_weight_decay: float = 0.0
    scale_penalties: bool = False
    clip_norm: float | None = None
    class_weight: Any = None
    label_smoothing: float = 0.0
    early_stopping: int | None = None
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        check_int("training: 'epochs'", self.epochs, least=1)
        check_int("training: 'batch_size'", self.batch_size, least=1)
        if self.steps_per_epoch is not None:
            check_int("training: 'steps_per_epoch'", self.steps_per_epoch, least=1)
        check_choice("optimizer of training", self.optimizer, OPTIMIZERS)
        check_number("training: 'learning_rate'", self.learning_rate, low=0.0, high=1e6, open_low=True)
        check_number("training: 'momentum'", self.momentum, low=0.0, high=1.0)
        check_bool("training: 'nesterov'", self.nesterov)
        check_bool("training: 'scale_penalties'", self.scale_penalties)
        check_number("training: 'weight_decay'", self.weight_decay, low=0.0, high=math.inf)
        check_number(
            "training: 'decoupled_weight_decay'", self.decoupled_weight_decay, low=0.0, high=math.inf
        )
        if self.clip_norm is not None:
            check_number("training: 'clip_norm'", self.clip_norm, low=0.0, high=math.inf, open_low=True)
        check_class_weight(self.class_weight)
        check_number("training: 'label_smoothing'", self.label_smoothing, low=0.0, high=0.999)
        if self.early_stopping is not None:
            check_int("training: 'early_stopping'", self.early_stopping, least=1)
        if self.momentum and self.optimizer not in _WITH_MOMENTUM:
            raise ValueError(
                f"training: 'momentum' belongs to {' and '.join(_WITH_MOMENTUM)}; leave it out or change 'optimizer'. "
                f"Received: momentum={self.momentum}, optimizer={self.optimizer!r}"
            )
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise ValueError(
                f"training: 'nesterov' needs optimizer 'sgd' and a momentum. "
                f"Received: optimizer={self.optimizer!r}, momentum={self.momentum}"
            )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a JSON object; absent keys have their defaults.

        Raises:
            ValueError: for an unknown key (naming the closest valid one) or a value out of range.
        """
        check_names("key of training", data, [f.name for f in fields(cls)])
        values = dict(data)
        if "schedule" in values:
            values["schedule"] = Schedule.from_json(values["schedule"])
        if values.get("augmentation") is not None:
            values["augmentation"] = Augmentation.from_json(values["augmentation"])
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Inverse of :meth:`from_json`.

        What came later is left out where it does nothing: earlier specs should stay what they are.
        """
        values = asdict(self) | {"schedule": self.schedule.to_json()}
        if isinstance(self.class_weight, Mapping):
            values["class_weight"] = {str(label): weight for label, weight in self.class_weight.items()}
        return {name: value for name, value in values.items() if name not in _LATER or value}
