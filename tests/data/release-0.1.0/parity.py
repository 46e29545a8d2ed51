# parity.py
from dataclasses import asdict, dataclass

import numpy as np

import tasks
from tasks.splits import classification_head


@tasks.register("parity")
@dataclass(frozen=True)
class Parity(tasks.Task):
    """Is the number of ones odd?"""

    bits: int = 8

    @property
    def info(self):
        return tasks.TaskInfo("parity", (self.bits,), (classification_head(2),), options=asdict(self))

    def search_data(self, data_dir=None):
        return tasks.SearchData(self._split(), self._split())

    def test_data(self, data_dir=None):
        return self._split()

    def _split(self):
        rows = np.arange(2**self.bits)[:, None] >> np.arange(self.bits) & 1
        return tasks.Split((2.0 * rows - 1.0).astype(np.float32), (rows.sum(axis=1) % 2).astype(np.int32))
