"""Starting and continuing runs from the command line: progress while they run, a summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gondwana.nas.cli.progress import ProgressView
from gondwana.nas.cli.quiet import load_keras

if TYPE_CHECKING:
    from gondwana.nas.config.schema import RunConfig
    from gondwana.nas.engine.execute import Execution, RunResult


def launch(
    config: Path,
    *,
    overrides: Sequence[str] = (),
    run_dir: Path | None = None,
    data_dir: Path | None = None,
) -> RunResult:
    """Run a config file to its end, showing progress.

    Args:
        config: YAML file.
        overrides: ``key.path=value`` each.
        run_dir: run folder; None makes one below ``runs``.
        data_dir: folder that holds a folder per dataset.

    Raises:
        ValueError, RuntimeError, KeyboardInterrupt: as :func:`gondwana.nas.engine.execute.start`.
    """
    from gondwana.nas.config.schema import load_config

    return launch_config(load_config(config, overrides), run_dir=run_dir, data_dir=data_dir)


def launch_config(
    config: RunConfig, *, run_dir: Path | None = None, data_dir: Path | None = None
) -> RunResult:
    """Run a config that is read already, as :func:`launch`."""
    from gondwana.nas.engine.execute import start
    from gondwana.nas.engine.pools import backend
    from gondwana.nas.engine.records.run_folder import default_run_dir

    backend.choose(config.engine.backend)  # before Keras is loaded
    path = run_dir or default_run_dir(config.name)
    typer.echo(f"run folder {path}")
    load_keras()
    return _shown(path, data_dir, lambda execution: start(config, path, execution))


def continue_run(path: Path, *, overrides: Sequence[str] = (), data_dir: Path | None = None) -> RunResult:
    """Continue a run, showing progress. Raises as :func:`gondwana.nas.engine.execute.resume`."""
    from gondwana.nas.engine.execute import resume
    from gondwana.nas.engine.pools import backend
    from gondwana.nas.engine.records.run_folder import RunFolder

    RunFolder.open(path)  # refuse what is no run before the wait for Keras
    backend.choose(_recorded_backend(path, overrides))
    load_keras()
    return _shown(path, data_dir, lambda execution: resume(path, execution, overrides))


def _recorded_backend(path: Path, overrides: Sequence[str]) -> str | None:
    """Return ``engine.backend`` of a run folder's config, which must be known before Keras is loaded.

    What does not stand there, or cannot be read, is decided when the run's records are.
    """
    from gondwana.nas.config.yaml_reader import YamlError, parse_yaml

    changed = [text.partition("=")[2] for text in overrides if text.startswith("engine.backend=")]
    try:
        config = parse_yaml((path / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlError):
        return None
    engine = config.get("engine") if isinstance(config, dict) else None
    found = changed[-1] if changed else engine.get("backend") if isinstance(engine, dict) else None
    return found if found in ("tensorflow", "jax", "torch") else None


def _shown(path: Path, data_dir: Path | None, work: Callable[[Execution], RunResult]) -> RunResult:
    from gondwana.nas.engine.execute import Execution

    try:
        with ProgressView() as view:
            result = work(Execution(data_dir=data_dir, listeners=[view], tell=typer.echo))
    except (RuntimeError, KeyboardInterrupt, OSError):
        _say_how_to_resume(path)
        raise
    if not result.finished:
        _say_how_to_resume(path)
    return result


def _say_how_to_resume(path: Path) -> None:
    if (path / "run.json").exists():
        typer.echo(f"stopped; continue with: gondwana resume {path}")
