"""Datasets with their splits, the training recipe, and fixed architectures.

>>> import tasks
>>> task = tasks.get("digits", seed=0)
>>> data = task.search_data()
"""

from tasks import (  # noqa: F401  (importing a task registers it)
    adult,
    cifar10,
    digits,
    flowers,
    mnist,
    omniglot,
    toxicity,
    user_files,
)
from tasks.base import Head, SearchData, Split, Task, TaskInfo
from tasks.data import DamagedDataError, MissingDataError
from tasks.registry import get, names, register
from tasks.user_code import load_file

__all__ = [
    "DamagedDataError",
    "Head",
    "MissingDataError",
    "SearchData",
    "Split",
    "Task",
    "TaskInfo",
    "get",
    "load_file",
    "names",
    "register",
]
