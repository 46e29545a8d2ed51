"""What importing a face loads, each in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from tests.helpers import ROOT

HAS_TORCH = importlib.util.find_spec("torch") is not None


def loaded(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code + "\nimport sys; print(*sorted(n for n in sys.modules if '.' not in n))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def test_importing_autoinit_loads_no_framework():
    modules = loaded("import gondwana.autoinit").split()
    assert not {"torch", "keras", "tensorflow", "jax"} & set(modules)


@pytest.mark.slow
def test_the_keras_side_loads_no_torch():
    modules = loaded("from gondwana.autoinit import AutoInit, plan, rule").split()
    assert "keras" in modules and "torch" not in modules


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed")
def test_the_torch_side_loads_no_keras():
    code = (
        "import torch\nfrom gondwana.autoinit import torch as autoinit\n"
        "autoinit.initialize(torch.nn.Linear(4, 2), torch.zeros(2, 4))"
    )
    modules = loaded(code).split()
    assert "torch" in modules and not {"keras", "tensorflow", "jax"} & set(modules)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["gondwana.autoinit, keras", "keras, gondwana.autoinit"])
def test_saved_models_find_their_classes_in_either_order_of_imports(first):
    code = f"import {first}\nassert 'autoinit>Centered' in keras.saving.get_custom_objects()"
    assert "keras" in loaded(code)


def test_a_name_that_is_not_there_is_an_attribute_error():
    import gondwana.autoinit

    with pytest.raises(AttributeError, match="no attribute 'plann'"):
        gondwana.autoinit.plann  # noqa: B018
    assert set(dir(gondwana.autoinit)) == set(gondwana.autoinit.__all__)
    assert all(getattr(gondwana.autoinit, name) is not None for name in gondwana.autoinit.__all__)
    assert callable(gondwana.autoinit.plan)
