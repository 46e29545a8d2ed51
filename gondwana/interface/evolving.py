"""``gondwana.evolve``, ``gondwana.resume`` and ``gondwana.load_run``."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.interface.data import GivenData, given
from gondwana.interface.run import Run
from gondwana.nas.searches.defaults import default_search, default_training

if TYPE_CHECKING:
    from gondwana.nas.config.schema import RunConfig
    from gondwana.nas.engine.execute import RunResult
    from gondwana.nas.engine.records.run_folder import RunFolder


def evolve(
    config: str | Path | Mapping[str, Any] | RunConfig,
    *,
    data: Any = None,
    run_dir: str | Path | None = None,
    time_budget: float | str | None = None,
    progress: bool = True,
) -> Run:
    """Run a search to its end.

    Ctrl-C, or a notebook's stop button, lets the evaluations under way end and returns the run unfinished;
    :func:`resume` continues it. A second one stops at once.

    Args:
        config: name of a preset, path of a YAML file, a mapping with the same keys, or a ``RunConfig``. With ``data``,
            a mapping need not say ``task``, ``training`` or ``search``.
        data: ``(x, y)``, ``(x_train, y_train, x_validation, y_validation)``, the same with ``x_test, y_test``, or a
            :class:`gondwana.tasks.Task`; in place of the config's task. Inputs are arrays, DataFrames with whatever
            columns, or lists of text. ``(x, y)`` is split 60 / 20 / 20 percent.
        run_dir: run folder, missing or empty; None makes one below ``runs``.
        time_budget: seconds, or text such as ``"20m"``, that the run may take, the training of finalists included.
        progress: show how it goes on.

    Raises:
        ValueError: for what the user can mend; nothing was begun.
        RuntimeError: if the run cannot go on; what it has is recorded.
        KeyboardInterrupt: on a second Ctrl-C.

    Examples:
        >>> run = gondwana.evolve("digits", time_budget="2m")  # doctest: +SKIP
        >>> run.best_model(), run.to_frame()  # doctest: +SKIP
    """
    from gondwana.nas.engine.execute import Execution, start
    from gondwana.nas.engine.records.run_folder import default_run_dir

    _load_keras()
    found = None if data is None else given(data, _seed(config))
    resolved = _config(config, found, time_budget)
    path = Path(run_dir) if run_dir is not None else default_run_dir(resolved.name)
    changes: dict[str, Any] = {}
    if found is not None and found.prepared is not None:
        changes = {"load_data": found.search_data, "keep": keeper(found)}
    if progress and found is not None and found.prepared is not None:
        _print_lines(found.prepared.describe())

    def begin(listeners: list[Any]) -> RunResult:
        tell = print_line if progress else None
        return start(resolved, path, Execution(listeners=listeners, tell=tell, **changes))

    if progress:
        print_line(f"run folder {path}")
    return _led(path, begin, progress)


def resume(path: str | Path, *, progress: bool = True) -> Run:
    """Continue a run that was stopped or killed, from what is recorded; a finished one is only read.

    Raises:
        ValueError, RuntimeError, KeyboardInterrupt: as :func:`evolve`.
    """
    from gondwana.nas.engine.execute import Execution
    from gondwana.nas.engine.execute import resume as go_on
    from gondwana.nas.engine.records.run_folder import RunFolder

    folder = Path(path)
    RunFolder.open(folder)  # refuse what is no run before the wait for Keras
    _load_keras()
    return _led(folder, lambda listeners: go_on(folder, Execution(listeners=listeners)), progress)


def load_run(path: str | Path) -> Run:
    """Return a run, finished or under way, to look at. Raises ValueError if the folder is none."""
    return Run(path)


def keeper(found: GivenData) -> Callable[[RunFolder], None]:
    """Return what puts the data of a program into its run folder, from which the run is resumed."""
    from gondwana.nas.engine.execute import PREPROCESSING
    from gondwana.nas.engine.records.run_folder import DATA

    def keep(folder: RunFolder) -> None:
        folder.write_bytes(DATA, found.content)
        if found.prepared is not None:
            folder.write_text(PREPROCESSING, json.dumps(found.prepared.preprocessing) + "\n")

    return keep


def print_line(line: str) -> None:
    """Show a line where a notebook or a terminal shows it."""
    from rich.console import Console

    Console(highlight=False).print(line, markup=False, soft_wrap=True)


def _print_lines(lines: tuple[str, ...]) -> None:
    for line in lines:
        print_line(line)


def _led(path: Path, work: Callable[[list[Any]], RunResult], progress: bool) -> Run:
    from gondwana.nas.cli.progress import ProgressView
    from gondwana.nas.delivery.predictor import provide_predictor

    try:
        with contextlib.ExitStack() as stack:
            view = [stack.enter_context(ProgressView())] if progress else []
            stack.enter_context(warnings.catch_warnings())
            # a program may have used the framework before, with threads of its own choice (docs/python.md)
            warnings.filterwarnings("ignore", message="TensorFlow is already in use", category=UserWarning)
            result = work(view)
    except (RuntimeError, OSError, KeyboardInterrupt):
        if progress and (path / "run.json").exists():
            print_line(f"stopped; continue with gondwana.resume({str(path)!r})")
        raise
    if progress and not result.finished:
        print_line(f"stopped; continue with gondwana.resume({str(path)!r})")
    if result.finished:
        provide_predictor(path)
    return Run(path)


def _load_keras() -> None:
    from gondwana.nas.cli.quiet import load_keras

    load_keras()


def _seed(config: Any) -> int:
    seed = config.get("seed", 0) if isinstance(config, Mapping) else getattr(config, "seed", 0)
    return seed if isinstance(seed, int) else 0


def _config(
    config: str | Path | Mapping[str, Any] | RunConfig, found: GivenData | None, budget: float | str | None
) -> RunConfig:
    """Return the config of a run. Raises ConfigError for a mistake in it."""
    from gondwana.nas.config.error import ConfigError
    from gondwana.nas.config.schema import RunConfig, TaskConfig, load_config, parse_config

    changes = [] if budget is None else [f"time_budget={json.dumps(budget)}"]
    if isinstance(config, Mapping):
        return parse_config(completed(config, found), source="config", overrides=changes)
    if isinstance(config, RunConfig):
        task = None if found is None else TaskConfig.model_validate(found.task)
        config = config if task is None else config.model_copy(update={"task": task})
        return parse_config(config.to_json(), source="config", overrides=changes)
    if not isinstance(config, str | Path):
        raise ConfigError(
            "config is the name of a preset, a path, a mapping or a RunConfig. "
            f"Received: {type(config).__name__}"
        )
    loaded = load_config(config, changes)
    return loaded if found is None else _config(loaded, found, None)


def completed(config: Mapping[str, Any], found: GivenData | None) -> dict[str, Any]:
    """Return a config with the defaults that its data suggest for what it does not say."""
    data = {"name": "run", **config}
    if found is None:
        return data
    data["task"] = found.task
    if found.prepared is not None:
        train = found.prepared.splits[0]
        data.setdefault("search", default_search(train.x.shape[1:]))
        data.setdefault("training", default_training(len(train), train.x.shape[1:]))
        data.setdefault("generations", 3)
    return data
