"""Datasets with their splits, the training recipe, and fixed architectures.

>>> import tasks
>>> task = tasks.get("digits", seed=0)
>>> data = task.search_data()
"""

from tasks import adult, cifar10, digits, flowers, mnist, omniglot, toxicity  # noqa: F401  (importing registers)
from tasks.base import Head, SearchData, Split, Task, TaskInfo
from tasks.data import DamagedDataError, MissingDataError
from tasks.registry import get, names, register

__all__ = [
    "DamagedDataError",
    "Head",
    "MissingDataError",
    "SearchData",
    "Split",
    "Task",
    "TaskInfo",
    "get",
    "names",
    "register",
]
