"""Fixed networks: the ones of the paper's Sections 4 and 5, and a small one for quick experiments."""

from gondwana.tasks.architectures import all_cnn_c, resnet, saved_model, small_cnn  # noqa: F401  (importing registers)
from gondwana.tasks.architectures.registry import Activation, build, names, register

__all__ = ["Activation", "build", "names", "register"]
