"""The run loop: ask, record, submit; record, tell.

Everything a search is told is in the store first, and all that it asked for is there before a worker sees it. The loop
can therefore be stopped anywhere and continued by :meth:`RunLoop.replay`: the search is built anew and led through the
recorded asks and tells in their order, which brings it to the state in which it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gondwana.nas.candidate import RESULTS, Candidate, Outcome, State
from gondwana.nas.engine.budget import Budget
from gondwana.nas.engine.listener import Listener
from gondwana.nas.engine.pools.protocol import Job, Pool, Result
from gondwana.nas.engine.records.store import RecordedCandidate, Store
from gondwana.nas.engine.records.training_states import TrainingStates
from gondwana.nas.searches.protocol import Search


class ReplayError(ValueError):
    """The search does not ask for what was recorded: the code or the config is not the one that made the run."""


class SearchStalledError(RuntimeError):
    """The search is neither finished nor waiting for outcomes, yet it asks for nothing."""


class FailingRunError(RuntimeError):
    """Evaluation after evaluation crashes, or the whole first generation failed: more would be more of the same."""


@dataclass
class Stop:
    """Set by a signal handler: the loop submits nothing more, records what is running, and returns."""

    requested: bool = False


@dataclass
class RunLoop:
    """Leads one search through one pool.

    Attributes:
        search: built anew from config and seed.
        store: the run's records.
        pool: workers.
        make_job: what a worker is to do with a candidate.
        listeners: told in this order.
        backlog: candidates asked for beyond the pool's capacity, so that a free worker finds one waiting.
        stop_after_failures: crashes in succession after which :class:`FailingRunError` is raised.
        stop: see :class:`Stop`.
        budget: time that the run may take; None is unlimited.
        states: of trainings that may go on; None keeps none, and each training begins anew.
    """

    search: Search
    store: Store
    pool: Pool
    make_job: Callable[[Candidate], Job]
    listeners: Sequence[Listener] = ()
    backlog: int = 1
    stop_after_failures: int = 20
    stop: Stop = field(default_factory=Stop)
    budget: Budget | None = None
    states: TrainingStates | None = None

    def __post_init__(self) -> None:
        self._told = self._failed = 0
        self._open: dict[int, Candidate] = {}
        """Asked for, no outcome yet."""
        self._queue: list[Candidate] = []
        """Part of the open ones that has to be submitted: what a killed driver left."""
        self._keys: dict[str, int] = {}
        """Key -> id of the first candidate that had it."""
        self._answered: set[int] = set()
        """Ids of first candidates whose outcome is recorded."""
        self._waiting: dict[int, list[Candidate]] = {}
        """Duplicates of candidates that are being evaluated, by the id of the latter."""
        self._generation = self.search.progress().generation
        self._crashes = 0
        self._first: Counter[State] = Counter()
        """Outcomes of the first generation by state."""
        self._first_reasons: Counter[str] = Counter()
        self._replaying = False

    def replay(self) -> int:
        """Lead the search through what is recorded. Return the number of outcomes told.

        Raises:
            ReplayError: if the search asks for something else than recorded.
        """
        self._replaying = True
        recorded = list(self.store.candidates())
        position = 0
        for outcome in self.store.outcomes():
            position = self._replay_asks(recorded, position)
            if outcome.candidate_id not in self._open:
                raise ReplayError(
                    f"the outcome of candidate {outcome.candidate_id} is recorded before the candidate; "
                    "the run was made by another version of the code or its database was edited"
                )
            self._tell(outcome)
        position = self._replay_asks(recorded, position)
        if position < len(recorded):
            number = recorded[position].candidate.id
            raise ReplayError(
                f"cannot resume: candidate {number} was asked for after outcomes that are not recorded"
            )
        for candidate in list(self._open.values()):
            original = self._keys[recorded[candidate.id].key]
            if original == candidate.id:
                self._queue.append(candidate)
            else:
                self._waiting.setdefault(original, []).append(candidate)
        self._replaying = False
        return self._told

    def run(self) -> bool:
        """Go on until the search is finished, its time is over, or a stop is asked for.

        Returns:
            False if a stop was asked for before the end.

        Raises:
            SearchStalledError, FailingRunError: see there; all that happened is recorded.
            StoreError: if the store cannot be written; nothing recorded before is lost.
        """
        for listener in self.listeners:
            listener.started(self.search.progress(), self._told, self._failed)
        if self.budget is not None and self.budget.ended:
            return True
        self._answer_waiting()
        self._watch_first_generation()
        stopping = ending = False
        while not self.search.finished:
            if self.stop.requested:
                if not stopping:
                    self._begin_stop()
                    stopping = True
                if not self.pool.pending:
                    return False
            elif ending or self._out_of_time():
                if not ending:
                    self.pool.withdraw()
                    ending = True
                if not self.pool.pending:
                    break
            else:
                self._fill()
                if not self.pool.pending and self._stalled():
                    raise SearchStalledError(
                        f"the search asks for nothing, though it is not finished and nothing is running "
                        f"({self._told} outcomes told); this is a bug of the search"
                    )
            self._take(self.pool.wait(timeout=1.0))
        if ending and self.budget is not None and not self.search.finished:
            self.budget.end(self._told)
        self._snapshot()
        return True

    def _out_of_time(self) -> bool:
        return self.budget is not None and self.budget.is_over(self.pool.capacity)

    # --- asking

    def _fill(self) -> None:
        while not self.stop.requested:
            room = self.pool.capacity + self.backlog - self.pool.pending
            if room <= 0:
                return
            if self._queue:
                self._submit(self._queue.pop(0))
                continue
            asked = self.search.ask(room)
            if not asked:
                return
            keyed = [(candidate, candidate.key) for candidate in asked]
            self.store.add_candidates(keyed, self._told)
            duplicates = []
            for candidate, key in keyed:
                self._open[candidate.id] = candidate
                original = self._keys.setdefault(key, candidate.id)
                if original == candidate.id:
                    self._submit(candidate)
                elif not self._defer(candidate, original):
                    duplicates.append(self._duplicate(candidate, original))
            self._record(duplicates)

    def _submit(self, candidate: Candidate) -> None:
        """Hand a candidate to the pool, with the state of the training that it continues if that is still there."""
        job = self.make_job(candidate)
        before = self._continued(candidate)
        if self.states is not None and before is not None:
            job = replace(job, state=self.states.load(before))
        self.pool.submit(job)

    def _continued(self, candidate: Candidate) -> int | None:
        """Return the id of the candidate whose training goes on: the original if that one was a duplicate."""
        before = candidate.origin.get("continues")
        known = None if before is None else self.store.outcome(int(before))
        if known is None:
            return None
        return known.candidate_id if known.duplicate_of is None else known.duplicate_of

    def _defer(self, candidate: Candidate, original: int) -> bool:
        """Let a duplicate wait for its original; False if the original's outcome is there already."""
        waits = original not in self._answered
        if waits:
            self._waiting.setdefault(original, []).append(candidate)
        return waits

    def _replay_asks(self, recorded: Sequence[RecordedCandidate], position: int) -> int:
        """Ask for the candidates that were asked for at this point of the run; return the new position."""
        while position < len(recorded) and recorded[position].told_before == self._told:
            end = position
            while end < len(recorded) and recorded[end].told_before == self._told:
                end += 1
            asked = self.search.ask(end - position)
            if not asked:
                raise ReplayError(_mismatch(recorded[position], None))
            for candidate, old in zip(asked, recorded[position:end], strict=False):
                if candidate.id != old.candidate.id or candidate.key != old.key:
                    raise ReplayError(_mismatch(old, candidate))
                self._open[candidate.id] = candidate
                self._keys.setdefault(old.key, candidate.id)
            position += len(asked)
        return position

    # --- telling

    def _take(self, results: Sequence[Result]) -> None:
        outcomes, details = [], {}
        for result in results:
            if result.id in self._open:  # a late result of a candidate thought dead is dropped
                self._keep_state(result)
                outcomes.append(to_outcome(self._open[result.id], result))
                details[result.id] = result.report.traceback
        if outcomes:
            self._record(outcomes, details)
            self._answer_waiting()
            if self.budget is not None:
                self.budget.note()
            for listener in self.listeners:
                listener.progress(self.search.progress(), self.pool.pending)
            self._watch_crashes(outcomes)
            self._watch_first_generation()

    def _keep_state(self, result: Result) -> None:
        """Keep the state in which a training ended; the one in which it began is not needed any more."""
        if self.states is None:
            return
        if result.report.training_state is not None:
            self.states.keep(result.id, result.report.training_state)
        before = self._continued(self._open[result.id])
        if before is not None:
            self.states.drop(before)

    def _answer_waiting(self) -> None:
        """Answer the duplicates whose original has its outcome by now."""
        ready = [original for original in self._waiting if original in self._answered]
        answers = [
            self._duplicate(item, original) for original in ready for item in self._waiting.pop(original)
        ]
        self._record(answers)

    def _record(self, outcomes: Sequence[Outcome], details: dict[int, str | None] | None = None) -> None:
        self.store.add_outcomes(outcomes, self._told)
        for outcome in outcomes:
            candidate = self._open[outcome.candidate_id]
            self._tell(outcome)
            for listener in self.listeners:
                listener.outcome(candidate, outcome, (details or {}).get(outcome.candidate_id))

    def _tell(self, outcome: Outcome) -> None:
        self.search.tell(outcome)
        self._told += 1
        self._failed += outcome.state not in RESULTS
        if self.budget is not None:
            self.budget.add(outcome)
        if self._open.pop(outcome.candidate_id).generation == 0:
            self._first[outcome.state] += 1
            self._first_reasons[f"{outcome.state.value}: {outcome.reason}"] += 1
        self._answered.add(outcome.candidate_id)
        generation = self.search.progress().generation
        if generation != self._generation:
            self._snapshot()
            self._generation = generation

    def _snapshot(self) -> None:
        self.store.add_snapshot(self._generation, self.search.snapshot())
        for listener in () if self._replaying else self.listeners:
            listener.generation(self._generation)

    def _duplicate(self, candidate: Candidate, original: int) -> Outcome:
        known = self.store.outcome(original)
        if known is None:
            raise SearchStalledError(f"candidate {original} counts as answered but has no recorded outcome")
        reason = f"equal to candidate {original}"
        if known.state not in RESULTS:
            reason += f", which ended {known.state.value}: {known.reason}"
        state = State.DUPLICATE if known.state in RESULTS else known.state
        return replace(
            known,
            candidate_id=candidate.id,
            state=state,
            seconds={},
            worker="",
            reason=reason,
            attempts=0,
            duplicate_of=original,
            curve=(),
        )

    # --- ending

    def _stalled(self) -> bool:
        return not self.search.finished

    def _begin_stop(self) -> None:
        self.pool.withdraw()  # they stay open in the store and are begun when the run is resumed
        for listener in self.listeners:
            listener.stopping(self.pool.pending)

    def _watch_crashes(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._crashes = self._crashes + 1 if outcome.state is State.CRASHED else 0
            if self._crashes >= self.stop_after_failures:
                raise FailingRunError(
                    f"{self._crashes} evaluations in succession crashed, the last one: {outcome.reason}"
                )

    def _watch_first_generation(self) -> None:
        """Raise FailingRunError if the first generation is complete and nothing could be trained in it.

        Trainings that diverged are results all the same; they count as failures if a search is to learn from them.
        """
        progress = self.search.progress()
        if progress.generation == 0 and not self.search.finished:
            return
        failed = self._first.total() - sum(self._first[state] for state in RESULTS)
        if progress.generations > 1:
            failed += self._first[State.DIVERGED]
        if failed and failed == self._first.total():
            (reason, times), *_ = self._first_reasons.most_common(1)
            raise FailingRunError(
                f"all {failed} candidates of the first generation failed; there is nothing to go on from. "
                f"{times} x {reason}"
            )


def to_outcome(candidate: Candidate, result: Result) -> Outcome:
    """Return the outcome that a pool's result is for a candidate."""
    report = result.report
    return Outcome(
        candidate_id=candidate.id,
        state=report.state,
        fitness=report.fitness,
        metrics=report.metrics,
        parameters=report.parameters,
        seconds={"queued": result.queued, **report.seconds},
        seed=candidate.seed,
        worker=result.worker,
        reason=report.reason,
        attempts=result.attempts,
        curve=tuple(report.curve),
    )


def _mismatch(recorded: RecordedCandidate, asked: Candidate | None) -> str:
    got = "nothing" if asked is None else f"candidate {asked.id} with key {asked.key[:12]}"
    return (
        f"cannot resume: the run recorded candidate {recorded.candidate.id} with key {recorded.key[:12]}, but the "
        f"search now asks for {got}; the code or the config is not the one that made the run"
    )
