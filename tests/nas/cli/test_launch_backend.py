"""The backend of a recorded run is known before Keras is loaded."""

from __future__ import annotations

import pytest

from gondwana.nas.cli.launch import _recorded_backend


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        ("engine: {backend: jax}", [], "jax"),
        ("engine: {backend: jax}", ["engine.workers=2", "engine.backend=torch"], "torch"),
        ("engine: {backend: null}", [], None),
        ("name: x", [], None),
        ("- a list", [], None),
        ("engine: {backend: [}", [], None),
        ("engine: {backend: other}", [], None),
    ],
)
def test_the_backend_of_a_run_folder(tmp_path, text, overrides, expected):
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    assert _recorded_backend(tmp_path, overrides) == expected


def test_a_folder_without_a_config_decides_nothing(tmp_path):
    assert _recorded_backend(tmp_path, []) is None
