"""Playing what a run has left: episodes are claimed, played, judged and kept, many at a time, until none is left or something says stop.

Whatever happens to one episode is written down with it and stops no other; what would happen to all of them stops the run.
Another process may do the same run at the same time: an episode is played by whoever has claimed it in the store.
"""

import gc
import resource
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from comity.models.budget import BudgetExhausted, Spent
from comity.models.endpoints import GaveUp
from comity.models.protocol import AuthenticationFailed, BadRequest, ModelError, ModelNotFound
from comity.run.jobs import Job
from comity.run.prepare import Prepared, sum_of
from comity.run.progress import Progress
from comity.simulate import new_episode, play
from comity.store import Claim, Claimed, Conflict, Fenced, Spending, Standing, Store
from comity.store.writer import Writer
from comity.world.episodes import Episode, Interruption, Unplayable
from comity.world.events import Event
from comity.world.outcomes import outcome_of

__all__ = ["execute", "first_failure", "progress_of"]

_AT_ONCE = 64
"""Episodes claimed in one transaction."""
_LOOK_THROUGH = 5000
"""Jobs gone through in search of one whose servers answer."""
_LOOK_AGAIN = 2.0
"""Seconds between two looks at what other processes hold."""
_LOOK_AT = 1000
"""Episodes looked at each time."""
_TALLY = 1.0
"""Seconds between two looks at what other processes have spent."""
_HOPELESS = 50
"""So many episodes in a row that could not be played stop the run."""
_FOR_ALL = (AuthenticationFailed, ModelNotFound, BudgetExhausted)
"""Errors that every other episode would meet too."""


async def execute(
    prepared: Prepared,
    store: Store,
    progress: Progress | None = None,
    *,
    stop: anyio.Event | None = None,
    share: tuple[int, int] = (0, 1),
) -> Progress:
    """Play and judge every job that is left.

    Args:
        prepared: a run that `Prepared.begin` has written down.
        progress: counters to move; new ones unless given.
        stop: set, it ends the calls in flight and then the run; what was played is kept, and the same call goes on with it.
        share: (number, of how many): which of several processes this is. Each begins with jobs of its own, and takes up
            the others' when it has none left.

    Raises `StoreError` where the store can keep nothing more. What the models and the budget did is in the progress.
    """
    progress = progress or progress_of(prepared)
    try:
        _allow_many_connections()
        with _rare_collections():
            async with Writer.open(store, run=prepared.plan.name, on_trouble=progress.note_trouble) as writer:
                await _Execution(prepared, store, writer, progress, stop or anyio.Event(), share).run()
    except BaseExceptionGroup as failed:
        raise first_failure(failed) from None
    return progress


def _allow_many_connections() -> None:
    """Let the process open as many files as it may: each call in flight is one, and the usual soft limit is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for cyclic garbage less often: with thousands of episodes in flight the default spends half of the CPU on
    going through objects that are all in use. What is there already is left out of it altogether, unless whoever calls has seen to
    that: with torch loaded it takes a third of a second, and what they froze is theirs to thaw.
    """
    before, ours = gc.get_threshold(), not gc.get_freeze_count()
    if ours:
        gc.collect()
        gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if ours:
            gc.unfreeze()


def first_failure(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure of tasks that ended together: what befell the others followed from it, or is the same."""
    found = failed.exceptions[0]
    return first_failure(found) if isinstance(found, BaseExceptionGroup) else found


def progress_of(prepared: Prepared) -> Progress:
    """The counters before anything is played."""
    meter, traffic = prepared.traffic.meter, prepared.traffic
    done = len(prepared.jobs) - len(prepared.left)
    return Progress(
        total=len(prepared.jobs),
        before=done,
        remarks=prepared.remarks,
        spent_else=prepared.spent_before,
        endpoints=traffic.states,
        spent=lambda: meter.total,
    )


@dataclass
class _Execution:
    """One start of a run in one process."""

    prepared: Prepared
    store: Store
    writer: Writer
    progress: Progress
    stop: anyio.Event
    share: tuple[int, int]
    replayed: Counter[str] = field(default_factory=Counter)
    in_a_row: int = 0

    def __post_init__(self) -> None:
        number, processes = self.share
        left = self.prepared.left
        self.queue = deque(left[number::processes])
        self.held = deque(job for at, job in enumerate(left) if at % processes != number)
        self.again: list[tuple[Job, str]] = []
        self.most = self.prepared.plan.in_flight or 1
        self.changed = anyio.Event()
        self.judges = self.prepared.judges

    async def run(self) -> None:
        await self._note_spending()
        async with anyio.create_task_group() as background:
            background.start_soon(self._tally)
            async with anyio.create_task_group() as group:
                group.start_soon(self._stop_when_told, group.cancel_scope)
                await self._play_all()
                group.cancel_scope.cancel()
            background.cancel_scope.cancel()
        await self._note_spending()

    async def _stop_when_told(self, scope: anyio.CancelScope) -> None:
        await self.stop.wait()
        self.progress.stopped = self.progress.stopped or "stopped by the user"
        scope.cancel()

    async def _play_all(self) -> None:
        """All that is queued, then what infrastructure stopped, then what others held and left."""
        while self.queue or self.held:
            async with anyio.create_task_group() as group:
                while self.queue and not self.progress.stopped:
                    await self._claim_some(group)
            if self.progress.stopped:
                self.progress.failed.update(kind for _, kind in self.again)
                return
            self.queue.extend(job for job, _ in self.again)
            self.again.clear()
            if not self.queue:
                await self._take_up_what_others_left()

    # Which episodes are begun, and when

    async def _claim_some(self, group: TaskGroup) -> None:
        """As many as there is room for, at least one."""
        while self._room() <= 0:
            self.changed = anyio.Event()
            with anyio.move_on_after(_LOOK_AGAIN):  # room is made by an outage too, of which nobody is told
                await self.changed.wait()
        if self.progress.stopped:  # while this waited for room
            return
        jobs = self._next(min(_AT_ONCE, self._room()))
        claimed = await self.writer.claim([self._begun(job) for job in jobs], frozenset(self.judges))
        mine = {each.claim.episode: each for each in claimed}
        self.progress.in_flight += len(mine)
        for job in jobs:
            if job.episode in mine:
                group.start_soon(self._take, job, mine[job.episode])
        if others := [job for job in jobs if job.episode not in mine]:
            await self._left_out(others)

    def _room(self) -> int:
        """How many more may be in play. Those that wait for a server that is out take up no room, up to as many again."""
        stuck = sum(
            state.waiting + state.in_flight for state in self.progress.endpoints() if state.open_for is not None
        )
        return self.most - self.progress.in_flight + min(stuck, self.most)

    def _next(self, wanted: int) -> list[Job]:
        """The next jobs, at least one: first those whose players can all be asked, as far as they are near."""
        out = {state.address for state in self.progress.endpoints() if state.open_for is not None}
        jobs: list[Job] = []
        if out:
            later: list[Job] = []
            while self.queue and len(jobs) < wanted and len(later) < _LOOK_THROUGH:
                job = self.queue.popleft()
                (later if self._asks(job) & out else jobs).append(job)
            self.queue.extendleft(reversed(later))
        while self.queue and (not jobs or (not out and len(jobs) < wanted)):
            jobs.append(self.queue.popleft())
        return jobs

    def _asks(self, job: Job) -> set[str]:
        return {self.prepared.players.endpoint(label) for label in job.seats.values()}

    async def _left_out(self, jobs: Sequence[Job]) -> None:
        """Sort out why these could not be claimed: done or held by others, or damaged."""
        free = await self._free(jobs)
        for job, found in free:
            if found is not None and (found.damage or found.cause.startswith("Damaged")):
                self.progress.failed["infrastructure"] += 1
                self.progress.causes[found.damage or found.cause] += 1
            else:
                self.held.append(job)
        if free:  # given back since the claim; not to be asked for in a circle
            await anyio.sleep(_LOOK_AGAIN)

    async def _take_up_what_others_left(self) -> None:
        """Look through the episodes that were others' to play, some at a time, until one of them is free or none is left."""
        while self.held and not self.queue:
            self.progress.held = before = len(self.held)
            some = [self.held.popleft() for _ in range(min(_LOOK_AT, before))]
            self.queue.extend(job for job, _ in await self._free(some))
            if self.held and not self.queue:
                await anyio.sleep(_LOOK_AGAIN)
        self.progress.held = 0

    async def _free(self, jobs: Sequence[Job]) -> list[tuple[Job, Standing | None]]:
        """Those that nobody holds and that are not done. What others hold is kept for later, what they have done is counted."""
        ids = [job.episode for job in jobs]
        stands = {each.episode: each for each in await to_thread.run_sync(self.store.standing_of, ids)}
        free: list[tuple[Job, Standing | None]] = []
        for job in jobs:
            found = stands.get(job.episode)
            if self.prepared.is_done(found):
                self.progress.elsewhere += 1
            elif found is not None and found.held:
                self.held.append(job)
            else:
                free.append((job, found))
        return free

    def _begun(self, job: Job) -> Episode:
        plan, players = self.prepared.plan, self.prepared.players
        agents = {seat: players.agent(label, job.repeat) for seat, label in job.seats.items()}
        begun = new_episode(job.task, agents, seed=job.episode_seed, mode=plan.mode, lite=plan.lite, limits=plan.limits)
        return begun.model_copy(update={"id": job.episode})

    # One episode

    async def _take(self, job: Job, claimed: Claimed) -> None:
        """Play and judge one episode, whatever becomes of it."""
        judging = False
        try:
            self._note_served(claimed.episode.events)
            episode = await self._play(job, claimed)
            judging = True
            await self._judge(episode, claimed)
            await self.writer.release([claimed.claim])
            self.progress.done += 1
        except ModelError as error:
            await self._stopped(job, claimed.claim, error, judging=judging)
        except Fenced:
            self.held.append(job)
        except Conflict:  # somebody has written to it without a claim: what is there now is gone on from
            await self.writer.release([claimed.claim])
            self.held.append(job)
        except Unplayable as error:
            await self._unplayable(claimed.claim, error)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._interrupt(claimed.claim, Interruption(kind="cancelled", error="Cancelled", detail=""))
            raise
        finally:
            self.progress.in_flight -= 1
            self.changed.set()

    async def _play(self, job: Job, claimed: Claimed) -> Episode:
        episode, claim = claimed.episode, claimed.claim
        if episode.end is not None:
            return episode

        async def keep(events: Sequence[Event]) -> None:
            self._count_spending()
            self._note_served(events)
            await self.writer.append(claim, events)
            self.progress.turns += 1
            self.in_a_row = 0

        agents = {seat: self.prepared.players.agent(label, job.repeat) for seat, label in job.seats.items()}
        played = await play(episode, agents, episode.events, keep, keep_traces=False)
        assert played.end is not None
        outcome = outcome_of(played)
        await self.writer.finish(claim, played.end, played.finished_at or datetime.now(UTC), outcome)
        self.progress.ended[played.end.reason] += 1
        if outcome is not None:
            self.progress.outcomes[outcome.status] += 1
        return played

    async def _judge(self, episode: Episode, claimed: Claimed) -> None:
        for key, judge in self.judges.items():
            if key in claimed.judged:
                continue
            card = await judge.score(episode)
            self._count_spending()
            self.progress.note_served(call for calls in card.calls.values() for call in calls)
            with suppress(Conflict):  # `comity score` was faster, with the same judge and the same reading
                await self.writer.add_scorecard(claimed.claim, card, judge.rubric)
            self.in_a_row = 0
            self.progress.unscored += any(s.score is None for scores in card.scores.values() for s in scores.values())

    def _note_served(self, events: Sequence[Event]) -> None:
        self.progress.note_served(call for event in events for call in event.trace.calls)

    async def _stopped(self, job: Job, claim: Claim, error: ModelError, *, judging: bool) -> None:
        """Write down why, and decide whether to take the episode up again, go on with others, or stop."""
        why = _interruption(error, judging=judging)
        self._count_spending()
        passing = not isinstance(error, (*_FOR_ALL, BadRequest, GaveUp))
        again = passing and self.replayed[job.episode] < self.prepared.plan.replays
        await self._set_aside(claim, why, again=again)
        if again:
            self.replayed[job.episode] += 1
            self.again.append((job, why.kind))
        if isinstance(error, _FOR_ALL):
            self.progress.stopped = self.progress.stopped or str(why)

    async def _unplayable(self, claim: Claim, error: Unplayable) -> None:
        """Set an episode aside whose stored events the rules of this version do not allow."""
        detail = f"what is stored of it does not follow the rules of this version ({type(error).__name__}); see `comity show`"
        await self._set_aside(
            claim, Interruption(kind="infrastructure", error="Unplayable", detail=detail), again=False
        )

    async def _set_aside(self, claim: Claim, why: Interruption, *, again: bool) -> None:
        """Write down and count why an episode stopped; stop the run where nothing but such episodes comes."""
        await self._interrupt(claim, why)
        self.progress.causes[str(why)[:200]] += 1
        self.progress.failed[why.kind] += not again
        self.in_a_row += 1
        if self.in_a_row >= _HOPELESS and not self.progress.stopped:
            self.progress.stopped = f"{self.in_a_row} episodes in a row could not be played; the last: {why}"

    async def _interrupt(self, claim: Claim, why: Interruption) -> None:
        try:
            await self.writer.interrupt(claim, why)
        except Fenced:
            return  # whoever has it now writes its story

    # What is spent

    async def _tally(self) -> None:
        while True:
            await anyio.sleep(_TALLY)
            await self._note_spending()

    def _count_spending(self) -> None:
        """Let what was spent so far be committed with what comes next."""
        spent = self.prepared.traffic.meter.spent
        self.writer.spend({model: _spending(each) for model, each in spent.items()})

    async def _note_spending(self) -> None:
        """Tell the store what this process has spent, and the meter what other processes and earlier starts have."""
        meter = self.prepared.traffic.meter
        self._count_spending()
        known = await to_thread.run_sync(self.store.spent, self.prepared.plan.name)
        meter.elsewhere = sum_of(s for (worker, _), s in known.items() if worker != self.writer.worker.id)
        self.progress.spent_else = meter.elsewhere


def _spending(spent: Spent) -> Spending:
    return Spending(
        spent.calls, spent.prompt_tokens, spent.cached_tokens, spent.completion_tokens, spent.cost, spent.unpriced_calls
    )


def _interruption(error: ModelError, *, judging: bool) -> Interruption:
    """The error as it is kept with the episode."""
    kind = "budget" if isinstance(error, BudgetExhausted) else "judge" if judging else "infrastructure"
    return Interruption(kind=kind, error=type(error).__name__, detail=str(error))
