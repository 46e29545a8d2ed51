"""Datasets with their splits, the training recipe, and fixed architectures.

>>> from gondwana import tasks
>>> task = tasks.get("digits", seed=0)
>>> data = task.search_data()
"""

import gondwana.tasks.datasets  # noqa: F401  (importing a task registers it)
from gondwana.tasks.base import Head, SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, MissingDataError
from gondwana.tasks.metrics import Metric, register_metric
from gondwana.tasks.own_data import arrays, image_folder, table  # noqa: F401  (importing a task registers it)
from gondwana.tasks.registry import get, names, register
from gondwana.tasks.user_code import load_file

__all__ = [
    "DamagedDataError",
    "Head",
    "Metric",
    "MissingDataError",
    "SearchData",
    "Split",
    "Task",
    "TaskInfo",
    "get",
    "load_file",
    "names",
    "register",
    "register_metric",
]

if __name__ != "gondwana.tasks":
    # `import tasks` in the clone's root finds this folder: the same objects, and no submodule loaded twice.
    __path__ = []
