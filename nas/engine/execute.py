"""A run from its config to its result: :func:`start` and :func:`resume`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.nas.candidate import Candidate, Json, State
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import EngineConfig, RunConfig, TaskConfig, parse_config
from gondwana.nas.engine import finals as final_stage
from gondwana.nas.engine.budget import Budget
from gondwana.nas.engine.listener import Listener
from gondwana.nas.engine.log import RunLog
from gondwana.nas.engine.loop import RunLoop, Stop
from gondwana.nas.engine.pools import backend
from gondwana.nas.engine.pools.choose import make_pool, threads_of
from gondwana.nas.engine.pools.protocol import Job, Pool, Work
from gondwana.nas.engine.records.provenance import environment
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Final, Store
from gondwana.nas.engine.records.training_states import TrainingStates
from gondwana.nas.engine.repeats import Repetition, repeat_finalists
from gondwana.nas.engine.repeats import patience as longest
from gondwana.nas.engine.signals import stop_on_signals
from gondwana.nas.engine.trackers import Tracker, check_trackers, make_trackers
from gondwana.nas.evaluation.evaluate import evaluate, load_final_data, load_search_data
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.protocol import Search

if TYPE_CHECKING:
    from gondwana.tasks.base import Task, TaskInfo

SEARCH_DATA = "search"
PREPROCESSING = "preprocessing.json"
"""File of a run folder: how rows as people have them become inputs, and outputs become answers."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run.

    Attributes:
        path: the run folder.
        finished: False if it was stopped and can be resumed.
        finals: finalists with their test figures, best of the search first.
        states: number of outcomes by state.
    """

    path: Path
    finished: bool
    finals: tuple[Final, ...]
    states: Mapping[State, int]


@dataclass(frozen=True, slots=True)
class Execution:
    """How to execute a run; the defaults are what the command line uses.

    Attributes:
        data_dir: folder that holds a folder per dataset; None as in :meth:`tasks.Task.search_data`.
        listeners: told how the run goes on.
        open_pool: starts the workers; None starts those that the config asks for, with the user's own code loaded.
        work: what a worker does with a candidate's spec and the search's data.
        load_data: loads that data from the task's description.
        stop: can be set to end the run early.
        tell: told in lines, before the run begins, what was inferred from the data and what is odd about them.
        keep: writes into the new folder of a run what else belongs there, such as the data of a program.
    """

    data_dir: Path | None = None
    listeners: Sequence[Listener] = ()
    open_pool: Callable[[EngineConfig], Pool] | None = None
    work: Work = evaluate
    load_data: Callable[[Json, Path | None], Any] = load_search_data
    stop: Stop = field(default_factory=Stop)
    tell: Callable[[str], None] | None = None
    keep: Callable[[RunFolder], None] | None = None

    def pool(self, config: RunConfig) -> Pool:
        """Start the workers of a run."""
        if self.open_pool is not None:
            return self.open_pool(config.engine)
        return make_pool(config.engine, plugins=config.plugins, task=config.task.name)

    def search(self, config: RunConfig) -> Search:
        """Return the search of a run.

        Where the driver's process trains, the framework is set up first: a search may try a network on it, after which
        the number of threads cannot be changed any more.
        """
        if self.open_pool is None and config.engine.pool == "local":
            backend.configure(threads_of(config.engine))
        return build_search(config)


def start(config: RunConfig, path: Path, execution: Execution | None = None) -> RunResult:
    """Begin a run in a new folder and lead it to its end.

    Search and data are made before the folder, which already holds the store while the workers start. A run that is
    refused leaves neither a folder nor a record in a database.

    Args:
        config: what to run.
        path: run folder, missing or empty.
        execution: how.

    Raises:
        ValueError: for what the user can mend: an unknown task, missing data, a folder in use, no such cluster.
        RuntimeError: if the run cannot go on (StoreError, PoolError, FailingRunError); what it has is recorded.
        KeyboardInterrupt: on a second Ctrl-C; what is recorded is kept.
    """
    execution = execution or Execution()
    backend.choose(config.engine.backend)
    check_trackers(config.engine.mlflow)
    task, config = resolved_task(config, execution.data_dir)
    search = execution.search(config)
    data, notes = checked_data(config, execution, execution.data_dir)
    preprocessing = task.preprocessing(execution.data_dir)
    for line in (*task.describe(), *notes):
        if execution.tell is not None:
            execution.tell(line)
    folder = RunFolder.create(path, config.store, execution.data_dir)
    begun = False
    try:
        with folder.lock(), _new_store(folder, config) as store:
            try:
                with execution.pool(config) as pool:
                    pool.share(SEARCH_DATA, data)
                    devices = pool.devices()
                    folder.write_text("config.yaml", config.to_yaml())
                    _add_environment(folder, environment(config.seed, devices))
                    if preprocessing is not None:
                        folder.write_text(PREPROCESSING, json.dumps(preprocessing) + "\n")
                    if execution.keep is not None:
                        execution.keep(folder)
                    begun = True
                    return _Run(config, folder, store, pool, search, execution, notes).lead()
            except BaseException:
                if not begun:
                    store.discard()
                raise
    except BaseException:
        if not begun:
            folder.remove()
        raise


def resume(path: Path, execution: Execution | None = None, overrides: Sequence[str] = ()) -> RunResult:
    """Continue a run: tell a new search what is recorded, evaluate only what is missing.

    A finished run is only read.

    Args:
        path: run folder.
        execution: how; its ``data_dir`` replaces the one the run was started with, if it is not None.
        overrides: ``engine.key=value`` each; nothing else can change in a run.

    Raises:
        ValueError: as :func:`start`; ReplayError if code or config are not those that made the run.
        RuntimeError, KeyboardInterrupt: as :func:`start`.
    """
    execution = execution or Execution()
    wrong = [text for text in overrides if not text.startswith("engine.")]
    if wrong:
        raise ConfigError(f"--set {wrong[0]}: only engine.* can be changed in a run that has begun")
    folder = RunFolder.open(path)
    with folder.lock():
        folder.check()
        with folder.open_store() as store:
            record = store.run()
            config = parse_config(record.config, source=str(path), overrides=overrides, recorded=True)
            folder = folder.with_data(execution.data_dir)
            if record.finished is not None:
                return _result(path, True, store)
            backend.choose(config.engine.backend)
            check_trackers(config.engine.mlflow)
            search = execution.search(config)
            data, notes = checked_data(config, execution, folder.data_root)
            with execution.pool(config) as pool:
                pool.share(SEARCH_DATA, data)
                _add_environment(folder, environment(config.seed, pool.devices()))
                return _Run(config, folder, store, pool, search, execution, notes).lead()


def build_search(config: RunConfig) -> Search:
    """Return the search of a config at its beginning.

    Raises:
        ValueError: if the task is unknown or the search's settings do not fit it.
    """
    job = SearchJob(
        seed=config.seed,
        generations=config.generations,
        task=config.task.model_dump(mode="json"),
        info=task_info(config),
        training=config.training,
        limits=config.limits_json(),
    )
    return config.search.create(job)


def task_info(config: RunConfig) -> TaskInfo:
    """Return the facts of the config's task. Raises ValueError if it is unknown or an option is wrong."""
    from gondwana import tasks

    return tasks.get(config.task.name, **config.task.options).info


def resolved_task(config: RunConfig, data_dir: Path | None) -> tuple[Task, RunConfig]:
    """Return the task, and the config with what the task infers from its data among its options."""
    from gondwana import tasks

    given = tasks.get(config.task.name, **config.task.options)
    found = given.resolved(data_dir)
    if found is given:
        return given, config
    options = dict(found.info.options)
    return found, config.model_copy(update={"task": TaskConfig(name=config.task.name, options=options)})


def checked_data(
    config: RunConfig, execution: Execution, data_dir: Path | None
) -> tuple[Any, tuple[str, ...]]:
    """Load what the search may see, and check it. Return it, and what is suspicious about it, in sentences."""
    from gondwana.tasks.base import SearchData
    from gondwana.tasks.checks import check_search_data

    if config.engine.pool == "table":  # nothing is trained
        return None, ()
    data = execution.load_data(config.task.model_dump(mode="json"), data_dir)
    if execution.load_data is not load_search_data and not isinstance(data, SearchData):
        return data, ()
    return data, tuple(f"warning: {note}" for note in check_search_data(task_info(config), data))


class _Run:
    """A run that is ready to start: search, store, pool and folder are open."""

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        store: Store,
        pool: Pool,
        search: Search,
        execution: Execution,
        notes: Sequence[str] = (),
    ) -> None:
        self._config, self._folder, self._store, self._pool = config, folder, store, pool
        self._search, self._execution, self._notes = search, execution, notes
        self._finished = False
        seconds = config.time_budget
        wanted = config.finalists
        trainings = wanted if isinstance(wanted, int) else wanted.count * wanted.seeds
        self._budget = None if seconds is None else Budget(folder, seconds, trainings)

    def lead(self) -> RunResult:
        """Replay what is recorded, go on to the end, train the finalists."""
        stop = self._execution.stop
        with stop_on_signals(stop), _logging(self._folder) as log, self._tracking() as trackers:
            listeners: list[Listener] = [log, *trackers, *self._execution.listeners]
            engine = self._config.engine
            for note in self._notes:
                log.write("data", note=note)
            states = TrainingStates(self._folder.path, engine.training_states_mb)
            loop = RunLoop(
                self._search,
                self._store,
                self._pool,
                partial(Job.of, work=self._execution.work, data=SEARCH_DATA),
                listeners,
                backlog=engine.backlog,
                stop_after_failures=engine.stop_after_failures,
                stop=stop,
                budget=self._budget,
                states=states,
            )
            loop.replay()
            if loop.run() and self._finalize(listeners):
                states.clear()
                self._store.finish()
                self._finished = True
            log.write("finished" if self._finished else "stopped")
        return _result(self._folder.path, self._finished, self._store)

    @contextmanager
    def _tracking(self) -> Iterator[list[Tracker]]:
        config, folder = self._config, self._folder
        wanted = config.engine.tensorboard, config.engine.mlflow
        trackers = make_trackers(*wanted, folder.path, config.name, config.to_json(), folder.run_id)
        try:
            yield trackers
        finally:
            for tracker in trackers:
                tracker.close(self._finished)

    def _finalize(self, listeners: Sequence[Listener]) -> bool:
        ranked, wanted = self._ranked(), self._config.finalists
        count = wanted if isinstance(wanted, int) else wanted.count
        if not ranked or not count or self._config.engine.pool == "table":  # a table holds no network to save
            return True
        for listener in listeners:
            listener.finalizing(min(count, len(ranked)))
        patience: float = final_stage.PATIENCE
        if not isinstance(wanted, int):
            how = Repetition(wanted.count, wanted.seeds, wanted.epochs, self._config.seed)
            patience = max(longest(each, how) for each in ranked[:count])
            best = self._repeated(ranked, how)
            if best is None:
                return False
            ranked, count = best, 1
        from gondwana.tasks.checks import check_split

        task = self._config.task.model_dump(mode="json")
        try:
            data = load_final_data(task, self._folder.data_root)
            if data.test is not None:
                check_split(task_info(self._config), data.test, "test")
        except ValueError as error:  # the search is done and recorded: not a mistake that undoes it
            raise FinalDataError(
                f"the search is finished and recorded, but the test split: {error}"
            ) from error
        self._pool.share(final_stage.DATA, data)
        return final_stage.train_finalists(
            ranked, count, self._folder, self._store, self._pool, self._execution.stop, patience
        )

    def _repeated(self, ranked: Sequence[Candidate], how: Repetition) -> list[Candidate] | None:
        """Train the finalists with several seeds on the search's data; see :func:`repeat_finalists`."""
        execution, chance = self._execution, task_info(self._config).chance
        return repeat_finalists(
            ranked, how, self._store, self._pool, execution.stop, execution.work, SEARCH_DATA, chance
        )

    def _ranked(self) -> list[Candidate]:
        """Return the candidates that deserve to be finalists, best first."""
        if self._budget is None or not self._budget.ended:
            return self._search.finalists()
        # The search was ended in the middle of something; what is best so far is in the record.
        found = [item for item in self._store.outcomes() if item.state is State.COMPLETED]
        found.sort(key=lambda item: (-(item.fitness or 0.0), item.candidate_id))
        ranked = [self._store.candidate(item.candidate_id) for item in found]
        # With several rungs, those that came furthest: what was trained longer is not to be compared with the others.
        reached = [float(item.spec.get("until_epoch") or math.inf) for item in ranked]
        return [item for item, epochs in zip(ranked, reached, strict=True) if epochs == max(reached)]


class FinalDataError(RuntimeError):
    """The test split cannot be loaded; everything before is recorded and ``resume`` goes on from there."""


def _new_store(folder: RunFolder, config: RunConfig) -> Store:
    return Store.create(folder.engine(), folder.run_id, name=config.name, config=config.to_json())


def _result(path: Path, finished: bool, store: Store) -> RunResult:
    return RunResult(path, finished, tuple(store.finals()), store.counts()[1])


@contextmanager
def _logging(folder: RunFolder) -> Iterator[RunLog]:
    log = RunLog(folder.path, folder.run_id)
    try:
        yield log
    except BaseException as error:
        with suppress(OSError):  # a full disk is what may have ended the run
            log.write("interrupted", reason=f"{type(error).__name__}: {error}")
        raise
    finally:
        log.close()


def _add_environment(folder: RunFolder, facts: Json) -> None:
    """Note the facts of the first session, and below ``resumed`` those of the later ones."""
    path = folder.path / "environment.json"
    if path.exists():
        first = json.loads(path.read_text(encoding="utf-8"))
        facts = {**first, "resumed": [*first.get("resumed", []), facts]}
    folder.write_text("environment.json", json.dumps(facts, indent=1) + "\n")
