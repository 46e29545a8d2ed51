"""The digits, loaded once."""

from __future__ import annotations

import pytest

from gondwana import tasks


@pytest.fixture(scope="session")
def digits() -> tasks.Task:
    return tasks.get("digits")


@pytest.fixture(scope="session")
def digits_data(digits: tasks.Task) -> tasks.SearchData:
    return digits.search_data()
