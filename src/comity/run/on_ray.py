"""The same run on a Ray cluster: each worker opens the store by its URL, claims episodes there and plays them, as a process of its own would.

Ray starts the workers and says when one has died; who plays what is decided by the store alone, so that a worker which dies loses
nothing: its episodes are free again once it is known to be gone, or its lease is over, and others go on with them.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import stamina
from anyio import CancelScope, to_thread

from comity.models.endpoints import EndpointLimits
from comity.run.cluster import WorkersDie, absolute, hiring, joined
from comity.run.execute import execute, first_failure, progress_of
from comity.run.plan import Plan, PlanError
from comity.run.prepare import Prepared, prepare
from comity.run.progress import Progress
from comity.run.reports import Report, sum_up
from comity.store import Store

__all__ = ["play_on_ray"]

_ASK_EVERY = 1.0
"""Seconds between two looks at the workers."""
_ANSWER_WITHIN = 2.0
"""Seconds a worker has to say how far it is, before the next look."""
_GRACE = 10.0
"""Seconds a worker has to write down what was played when another one's error ends the run."""
_ROOM_WITHIN = 15.0
"""Seconds after which a worker that has not started is waiting for room, and not just starting."""
_DEATHS = 5
"""So many workers in a row may die with no turn played by anybody."""


async def play_on_ray(
    prepared: Prepared,
    store_url: str,
    base: Path,
    progress: Progress,
    *,
    workers: int | None = None,
    address: str | None = None,
    stop: anyio.Event,
    started: Callable[[int, int], None] = lambda number, process: None,
) -> Progress:
    """Play every job that is left, on workers of one CPU each. A worker that dies is replaced.

    Limits of a server's calls are shared out among the workers. A budget is the run's: each worker knows what the others
    had spent up to two seconds ago, so that together they may go beyond it by what they spend in that time.

    Args:
        prepared: a run that `Prepared.begin` has written down.
        store_url: opened by every worker; relative paths are seen from this process's directory.
        base: the folder of the plan's file; what the plan names by relative paths must be there on every node.
        workers: how many; as many as the cluster has CPUs unless given.
        address: the cluster's, as `host:port`, or `auto` for the one of this machine; without it Ray is started here for
            this run. The workers of a cluster have the environment, and so the keys, of their own nodes.
        stop: set, it ends the calls in flight and then the run.
        started: is told of every worker's number and process id.

    Raises `ClusterError`, such as `SeveralNodes` for an SQLite store on a cluster of more than one machine, `PlanError` for
    limits that are too small to be shared out, and whatever a worker raises.
    """
    async with joined(address, workers) as ray:
        hired_as = hiring(ray, store_url)
        size = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        given = _shared_out(prepared.plan, size).model_dump_json(), absolute(store_url), str(await _resolved(base))
        crew = _Crew(ray, size, given, hired_as, progress, stop, started)
        try:
            await crew.work()
        except BaseExceptionGroup as failed:
            raise first_failure(failed) from None
    if not stop.is_set():
        await to_thread.run_sync(_settle, prepared, store_url, progress)
    return progress


async def _resolved(base: Path) -> anyio.Path:
    return await anyio.Path(base).resolve()


def _own(error: Any) -> BaseException:
    """What a worker raised, of the `RayTaskError` that brings it. Where nobody foresaw it, a note says where it was raised."""
    cause: BaseException = error.cause
    foreseen = type(cause).__module__.startswith("comity.")
    cause.add_note("A worker of the Ray cluster says so, of the machine that it is on." if foreseen else str(error))
    return cause


def _shared_out(plan: Plan, workers: int) -> Plan:
    """The plan for one of so many workers: of what a server allows, its share."""
    shares: dict[str, EndpointLimits] = {}
    for address, limits in plan.endpoints.items():
        allowed: dict[str, int] = limits.model_dump(exclude_none=True)
        if few := [name for name, number in allowed.items() if number < workers]:
            raise PlanError(
                f"endpoints.{address}.{few[0]}: {allowed[few[0]]} cannot be shared out among {workers} workers; "
                "raise it, or give fewer --workers"
            )
        shares[address] = EndpointLimits(**{name: number // workers for name, number in allowed.items()})
    return plan.model_copy(update={"endpoints": shares})


def _settle(prepared: Prepared, store_url: str, progress: Progress) -> None:
    """Ask the store what is left: a worker that was killed did not report its last, and others may have played too."""
    with Store.open(store_url) as store:
        stands = {each.episode: each for each in store.standing_of([job.episode for job in prepared.left])}
    now = replace(prepared, standing={**prepared.standing, **stands})
    progress.elsewhere = len(prepared.left) - len(now.left) - progress.done
    stopped = (stands[job.episode].interrupted for job in now.left if job.episode in stands)
    progress.failed = Counter(kind for kind in stopped if kind is not None)


class _Player:
    """What runs in a worker's process. Ray runs its methods in one event loop, so that it answers while it plays."""

    def __init__(self, plan: str, store_url: str, base: str) -> None:
        self._plan = Plan.model_validate_json(plan)
        self._store_url, self._base = store_url, Path(base)
        self._progress: Progress | None = None
        self._stop = anyio.Event()
        stamina.instrumentation.set_on_retry_hooks(
            ()
        )  # as in the command: retries show in what it reports, not in a log

    async def process(self) -> int:
        """The id of the worker's process on its node."""
        return os.getpid()

    async def play(self, share: tuple[int, int]) -> Report:
        """Play until nothing is left or something says stop."""
        with Store.open(self._store_url) as store:
            prepared = await to_thread.run_sync(prepare, self._plan, store, self._base)
            self._progress = progress_of(prepared)
            try:
                await execute(prepared, store, self._progress, stop=self._stop, share=share)
            finally:
                with CancelScope(shield=True):
                    await prepared.aclose()
        return Report.of(self._progress)

    async def report(self) -> Report:
        """How far it is."""
        return Report.of(self._progress) if self._progress else Report()

    async def stop(self) -> None:
        """End the calls in flight, write down what was heard, and end."""
        self._stop.set()


@dataclass(eq=False)
class _Worker:
    """A worker as the driver sees it."""

    number: int
    actor: Any
    hired: float
    runs: bool = False
    """Whether Ray has found room for it and its process has answered."""
    last: Report = field(default_factory=Report)
    waiting: CancelScope = field(default_factory=CancelScope)
    """Lasts until it runs."""


@dataclass(eq=False)
class _Crew:
    """The workers of a run, and what the driver does with them: hire, watch, replace, stop."""

    ray: ModuleType
    size: int
    given: tuple[str, str, str]
    """Plan, store and base, for every worker."""
    hired_as: Mapping[str, object]
    progress: Progress
    stop: anyio.Event
    started: Callable[[int, int], None]
    workers: list[_Worker] = field(default_factory=list)
    gone: list[Report] = field(default_factory=list)
    """The last words of workers that have ended or died."""
    over: bool = False
    """One found nothing left to do, so there is nothing for others to begin with."""
    deaths: int = 0
    """Since somebody last played a turn."""
    turns: int = 0
    """How many had been played at the last death."""

    async def work(self) -> None:
        """Until every worker has ended."""
        async with anyio.create_task_group() as watch:
            watch.start_soon(self._watch)
            watch.start_soon(self._pass_on_stop)
            async with anyio.create_task_group() as shares:
                for number in range(self.size):
                    shares.start_soon(self._see_to, number)
            watch.cancel_scope.cancel()
        self._sum_up()
        if self.stop.is_set():
            self.progress.stopped = self.progress.stopped or "stopped by the user"

    async def _see_to(self, number: int) -> None:
        """Have one share played, by another worker each time one dies."""
        while not (self.stop.is_set() or self.over):
            actor = self.ray.remote(**self.hired_as)(_Player).remote(*self.given)
            worker = _Worker(number, actor, anyio.current_time())
            self.workers.append(worker)
            try:
                await self._employ(worker)
                return
            except self.ray.exceptions.RayTaskError as error:
                raise _own(error) from None
            except self.ray.exceptions.RayError as died:
                self._count(died)
            finally:
                self.workers.remove(worker)
                self.gone.append(worker.last)
                self.ray.kill(actor)

    async def _employ(self, worker: _Worker) -> None:
        """Wait for room, let it play to its end, and take its last report. Raises as Ray does."""
        process = 0
        with worker.waiting:
            process = await worker.actor.process.remote()
        if not process or self.stop.is_set():
            return
        worker.runs = True
        self.started(worker.number, process)
        playing = worker.actor.play.remote((worker.number, self.size))
        try:
            worker.last = await playing
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_GRACE, shield=True), suppress(self.ray.exceptions.RayError):
                await worker.actor.stop.remote()
                worker.last = await playing
            raise
        if not worker.last.stopped:
            self.over = True
            self._wait_no_longer()

    def _count(self, died: Exception) -> None:
        """Raise `WorkersDie` where hiring another leads nowhere."""
        turns = sum(report.turns for report in (*self.gone, *(worker.last for worker in self.workers)))
        self.deaths = self.deaths + 1 if turns == self.turns else 1
        self.turns = turns
        if self.deaths >= _DEATHS:
            why = str(died).strip().splitlines()[-1].strip()
            raise WorkersDie(
                f"{self.deaths} workers have died one after another, and no turn was played between; what was played before "
                f"is kept. Of the last, Ray says: {why}"
            ) from died

    async def _pass_on_stop(self) -> None:
        await self.stop.wait()
        self._wait_no_longer()
        for worker in self.workers:
            worker.actor.stop.remote()

    def _wait_no_longer(self) -> None:
        for worker in self.workers:
            worker.waiting.cancel()

    async def _watch(self) -> None:
        while True:
            await anyio.sleep(_ASK_EVERY)
            async with anyio.create_task_group() as group:
                for worker in self.workers:
                    if worker.runs:
                        group.start_soon(self._ask, worker)
            self._sum_up()

    async def _ask(self, worker: _Worker) -> None:
        # One that is dead, or busy, has said last what it has said last.
        with anyio.move_on_after(_ANSWER_WITHIN), suppress(self.ray.exceptions.RayActorError):
            worker.last = await worker.actor.report.remote()

    def _sum_up(self) -> None:
        sum_up(self.progress, [worker.last for worker in self.workers], self.gone)
        long_ago = anyio.current_time() - _ROOM_WITHIN
        waiting = sum(not worker.runs and worker.hired < long_ago for worker in self.workers)
        if waiting:
            remark = f"the cluster has no CPU free for {waiting} of {self.size} workers"
            self.progress.remarks = [*self.progress.remarks, remark]
