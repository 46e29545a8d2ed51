"""A run from its config to its result: :func:`start` and :func:`resume`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gondwana.nas.candidate import Candidate, Json, State
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import EngineConfig, RunConfig, parse_config
from gondwana.nas.engine import finals as final_stage
from gondwana.nas.engine.log import RunLog
from gondwana.nas.engine.loop import Listener, RunLoop, Stop
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
    from gondwana.tasks.base import TaskInfo

SEARCH_DATA = "search"


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
    """

    data_dir: Path | None = None
    listeners: Sequence[Listener] = ()
    open_pool: Callable[[EngineConfig], Pool] | None = None
    work: Work = evaluate
    load_data: Callable[[Json, Path | None], Any] = load_search_data
    stop: Stop = field(default_factory=Stop)

    def pool(self, config: RunConfig) -> Pool:
        """Start the workers of a run."""
        if self.open_pool is not None:
            return self.open_pool(config.engine)
        return make_pool(config.engine, plugins=config.plugins)

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
    check_trackers(config.engine.mlflow)
    search = execution.search(config)
    data = execution.load_data(config.task.model_dump(mode="json"), execution.data_dir)
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
                    begun = True
                    return _Run(config, folder, store, pool, search, execution).lead()
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
            config = parse_config(record.config, source=str(path), overrides=overrides)
            folder = folder.with_data(execution.data_dir)
            if record.finished is not None:
                return _result(path, True, store)
            check_trackers(config.engine.mlflow)
            search = execution.search(config)
            data = execution.load_data(config.task.model_dump(mode="json"), folder.data_dir)
            with execution.pool(config) as pool:
                pool.share(SEARCH_DATA, data)
                _add_environment(folder, environment(config.seed, pool.devices()))
                return _Run(config, folder, store, pool, search, execution).lead()


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
    ) -> None:
        self._config, self._folder, self._store, self._pool = config, folder, store, pool
        self._search, self._execution = search, execution
        self._finished = False

    def lead(self) -> RunResult:
        """Replay what is recorded, go on to the end, train the finalists."""
        stop = self._execution.stop
        with stop_on_signals(stop), _logging(self._folder) as log, self._tracking() as trackers:
            listeners: list[Listener] = [log, *trackers, *self._execution.listeners]
            engine = self._config.engine
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
        ranked, wanted = self._search.finalists(), self._config.finalists
        count = wanted if isinstance(wanted, int) else wanted.count
        if not ranked or not count:
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
        task = self._config.task.model_dump(mode="json")
        try:
            data = load_final_data(task, self._folder.data_dir)
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
