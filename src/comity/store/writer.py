"""The one writer of a process: what many episodes write at once is committed together, and each hears when its own is safe.

What comes in while one commit runs, or while the event loop is at something else, is queued for the next. The writer also
keeps the lease that its claims depend on. It decides nothing about episodes.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime
from typing import Any, Generic, Self, TypeVar, cast

import anyio
import stamina
from anyio import CapacityLimiter, to_thread

from comity.store.claims import Claim, Claimed
from comity.store.errors import (
    Busy,
    Damaged,
    Disconnected,
    DiskFailed,
    Fenced,
    Full,
    ReadOnly,
    StoreError,
)
from comity.store.runs import Spending
from comity.store.store import Store
from comity.store.workers import Worker, this_process
from comity.store.writes import (
    AddScorecard,
    Append,
    Finish,
    Interrupt,
    Release,
    Renew,
    Retire,
    Spend,
    Take,
    Write,
    apply,
)
from comity.world.environment import End
from comity.world.episodes import Episode, Interruption
from comity.world.events import Event
from comity.world.outcomes import Outcome
from comity.world.scorecards import Rubric, Scorecard

__all__ = ["Writer"]

T = TypeVar("T")

_APART = 0.001
"""Seconds between two commits while others may still join: one costs 0.2 ms of the processor's, however little it holds."""

_PASSING = (Busy, Disconnected)
_FINAL = (*_PASSING, Full, ReadOnly, Damaged, DiskFailed)


class _Entry(Generic[T]):
    """A write in the queue, and what came of it."""

    __slots__ = ("done", "error", "forsaken", "result", "write")

    def __init__(self, write: Write[T]) -> None:
        self.write = write
        self.done = False
        self.result: T | None = None
        self.error: StoreError | None = None
        self.forsaken = False
        """Whoever asked for it was cancelled."""


class _Batch:
    """What is committed together."""

    __slots__ = ("entries", "over")

    def __init__(self) -> None:
        self.entries: list[_Entry[Any]] = []
        self.over = anyio.Event()


class Writer:
    """Writes for one process, opened with `open`. Every method returns once its write is committed.

    A cancelled caller leaves its write in the queue: it is committed all the same. Every method may raise `StoreError`;
    `Fenced` where another worker has taken the episode since. Once the store fails for good, all that wait hear why, and
    so does whoever comes later.
    """

    def __init__(
        self,
        store: Store,
        worker: Worker,
        lease: float,
        patience: float,
        on_trouble: Callable[[StoreError | None], None],
    ) -> None:
        self.worker = worker
        """Who holds the claims."""
        self._patient = store.twin()
        self._at_once = store.twin(wait=0) if store.at_hand else None
        self._lease = lease
        self._patience = patience
        self._on_trouble = on_trouble
        self._thread = CapacityLimiter(1)
        self._batch = _Batch()
        self._awake = anyio.Event()
        self._last_commit = 0.0
        self._held: set[str] = set()
        self._spent: Mapping[str, Spending] | None = None
        self._closing = False
        self._broken: StoreError | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        store: Store,
        *,
        run: str,
        lease: float = 60.0,
        patience: float = 60.0,
        on_trouble: Callable[[StoreError | None], None] = lambda error: None,
    ) -> AsyncIterator[Self]:
        """Register a worker for the run, and write on a connection of its own beside the store's.

        On leaving, also by cancellation, all that is queued is committed and all that is held is released.

        Args:
            lease: seconds for which claims hold unless renewed, which is done in time as long as the process runs.
            patience: seconds for which a store that is locked or cannot be reached is tried again.
            on_trouble: told of each such failure, and `None` once it is over.
        """
        writer = cls(store, this_process(run), lease, patience, on_trouble)
        try:
            async with writer._at_work():
                yield writer
        finally:
            writer._close()
        if writer._broken:
            raise writer._broken

    # What a run writes

    async def claim(self, wanted: Sequence[Episode], judges: frozenset[str] = frozenset()) -> list[Claimed]:
        """Take those of the episodes that are free and have something left to do; see `Store.claim`.

        What this writer holds already is left out too.
        """
        new = [episode for episode in wanted if episode.id not in self._held]
        self._held |= {episode.id for episode in new}
        return await self._write(Take(self.worker.id, new, judges))

    async def append(self, claim: Claim, events: Sequence[Event]) -> None:
        """Add the next events to an episode, all or none. An interruption is over with it. Raises `Conflict` too."""
        if events:
            await self._write(Append(claim, events))

    async def finish(self, claim: Claim, end: End, at: datetime, outcome: Outcome | None) -> None:
        """Say how an episode ended and what it came to; it is still held, to be judged. Raises `Conflict` where that has been said."""
        await self._write(Finish(claim, end, at, outcome))

    async def interrupt(self, claim: Claim, why: Interruption) -> None:
        """Say why an episode, or its judging, stopped, and let others take it."""
        await self._write(Interrupt(claim, why))

    async def add_scorecard(self, claim: Claim, card: Scorecard, rubric: Rubric) -> None:
        """Keep a scorecard with its rubric; see `Store.add_scorecard` for what it raises."""
        await self._write(AddScorecard(claim, card, rubric))

    async def release(self, held: Sequence[Claim]) -> None:
        """Let others take these episodes. Those that were taken already stay where they are."""
        await self._write(Release(held))

    def spend(self, totals: Mapping[str, Spending]) -> None:
        """What this worker has spent since it began, by model: committed with what comes next, at the latest on leaving."""
        self._spent = totals

    def _close(self) -> None:
        for store in (self._patient, self._at_once):
            if store is not None:
                store.close()

    # The queue

    async def _write(self, write: Write[T]) -> T:
        entry, over = self._queue(write), self._batch.over
        try:
            await over.wait()
        except anyio.get_cancelled_exc_class():
            entry.forsaken = True
            self._give_back(entry)
            raise
        if entry.error is not None:
            raise copy(entry.error)  # its own, since a traceback grows with each that raises it
        return cast(T, entry.result)

    def _queue(self, write: Write[T]) -> _Entry[T]:
        if self._broken is not None:
            raise copy(self._broken)
        if self._closing:
            raise StoreError("the writer was closed; open another")
        entry = _Entry(write)
        self._batch.entries.append(entry)
        self._awake.set()
        return entry

    def _give_back(self, entry: _Entry[T]) -> None:
        """Release what was taken for somebody who does not wait for it any more."""
        if entry.forsaken and isinstance(entry.result, list) and not self._closing:
            self._queue(Release([claimed.claim for claimed in entry.result]))

    def _note(self, entry: _Entry[Any]) -> None:
        """Keep account of what is held."""
        match entry.write:
            case Take(touches=asked):
                taken = [one.claim.episode for one in entry.result] if isinstance(entry.result, list) else []
                self._held -= set(asked) - set(taken)
            case Release() | Interrupt():
                self._held -= set(entry.write.touches)
            case _ if isinstance(entry.error, Fenced):
                self._held -= set(entry.write.touches)

    # Commits

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        await self._persist([_Entry(Renew(self.worker, self._lease))])
        renewing = anyio.CancelScope()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._commit_all)
                group.start_soon(self._keep_lease, renewing)
                try:
                    yield
                finally:
                    self._closing = True
                    self._awake.set()
                    renewing.cancel()
        except BaseExceptionGroup as failed:  # what was raised inside; the two tasks raise nothing
            raise failed.exceptions[0] from None

    async def _keep_lease(self, renewing: anyio.CancelScope) -> None:
        with renewing:
            while self._broken is None:
                await anyio.sleep(self._lease / 3)
                self._queue(Renew(self.worker, self._lease))

    async def _commit_all(self) -> None:
        with anyio.CancelScope(shield=True):
            while self._batch.entries or not self._closing:
                if self._batch.entries:
                    await self._gather()
                    await self._commit()
                else:
                    self._awake = anyio.Event()
                    await self._awake.wait()
            self._batch.entries.append(_Entry(Retire(self.worker)))
            await self._commit()

    async def _gather(self) -> None:
        """Let others join where the last commit was a moment ago, unless all that is held is here already."""
        wait = self._last_commit + _APART - time.monotonic()
        if wait > 0 and len(self._batch.entries) < len(self._held) and not self._closing:
            await anyio.sleep(wait)

    async def _commit(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if self._spent is not None:
            batch.entries.append(_Entry(Spend(self.worker, self._spent)))
            self._spent = None
        if self._broken is None:
            try:
                await self._persist(batch.entries)
            except StoreError as error:
                self._broken = error
            except Exception as error:  # whatever it is, nobody may wait for a commit that never comes
                self._broken = StoreError(
                    f"the store could not be written ({type(error).__name__}); this is a fault of Comity"
                )
                self._broken.__cause__ = error
        for entry in batch.entries:
            if not entry.done:
                entry.error = self._broken
            self._note(entry)
            self._give_back(entry)
        self._last_commit = time.monotonic()
        batch.over.set()

    async def _persist(self, entries: Sequence[_Entry[Any]]) -> None:
        """Commit them, however often it takes. Raises what the store fails with for good."""
        try:
            await self._attempt(entries, doubtful=False)
        except _PASSING as error:
            first = error
        else:
            return
        doubtful = isinstance(first, Disconnected)
        async for attempt in stamina.retry_context(
            on=self._tell, attempts=None, timeout=self._patience, wait_initial=0.1, wait_max=5.0, wait_jitter=0.2
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                try:
                    await self._attempt(entries, doubtful)
                except Disconnected:
                    doubtful = True
                    raise
        self._on_trouble(None)

    def _tell(self, error: Exception) -> bool:
        if not isinstance(error, _PASSING):
            return False
        self._on_trouble(error)
        return True

    async def _attempt(self, entries: Sequence[_Entry[Any]], doubtful: bool) -> None:
        if self._at_once is not None:
            # A thread would have to win the interpreter from the event loop many times in each commit, at 5 ms a time.
            try:
                self._store_all(self._at_once, entries, doubtful)
            except Busy:
                pass  # waited for in the thread, where it holds up nobody
            else:
                return
        await to_thread.run_sync(self._store_all, self._patient, entries, doubtful, limiter=self._thread)

    def _store_all(self, store: Store, entries: Sequence[_Entry[Any]], doubtful: bool) -> None:
        """Together in one transaction; where one refuses, each in its own, so that nobody else hears of it."""
        left = [entry for entry in entries if not entry.done]
        try:
            results = store.write(lambda connection: apply(connection, [entry.write for entry in left]))
        except _FINAL:
            raise
        except StoreError:
            for entry in left:
                self._store_one(store, entry, doubtful)
            return
        for entry, result in zip(left, results, strict=True):
            entry.done, entry.result = True, result

    def _store_one(self, store: Store, entry: _Entry[Any], doubtful: bool) -> None:
        try:
            entry.result = store.write(entry.write.apply)
        except _FINAL:
            raise
        except StoreError as error:
            # Where an earlier commit was not answered, it may be this one's own that stands in the way.
            if not (doubtful and store.write(entry.write.landed)):
                entry.error = error
        entry.done = True
