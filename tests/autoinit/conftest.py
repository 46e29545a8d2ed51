"""Layer names start anew in every test."""

import keras
import pytest


@pytest.fixture(autouse=True)
def _fresh_names():
    keras.backend.clear_session()
