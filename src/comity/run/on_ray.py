"""The same run on a Ray cluster: each worker opens the store by its URL, claims episodes there and plays them, as a process of its own would.

Ray starts the workers and says when one has died; who plays what is decided by the store alone, so that a worker which dies loses
nothing: its episodes are free again when its lease is over, and others go on with them.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from comity.models.budget import Spent
from comity.models.endpoints import EndpointState
from comity.run.execute import execute, progress_of
from comity.run.plan import Plan
from comity.run.prepare import Prepared, prepare
from comity.run.progress import Progress
from comity.store import Store

__all__ = ["RayMissing", "SeveralNodes", "WorkersDie", "play_on_ray"]

_ASK_EVERY = 1.0
"""Seconds between two looks at the workers."""
_ANSWER_WITHIN = 10.0
"""Seconds a worker has to say how far it is."""
_DEATHS = 10
"""So many workers may die in a run before it is given up."""


class RayMissing(ValueError):
    """Ray is not installed."""


class SeveralNodes(ValueError):
    """The store is a file, and the cluster is more than one machine."""


class WorkersDie(RuntimeError):
    """Workers die one after another."""


@dataclass(frozen=True, slots=True)
class Report:
    """How far one worker is; see `Progress`."""

    done: int = 0
    in_flight: int = 0
    turns: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    unscored: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    stopped: str = ""
    trouble: str = ""
    endpoints: tuple[EndpointState, ...] = ()
    spent: Spent = field(default_factory=Spent)


async def play_on_ray(
    prepared: Prepared,
    store_url: str,
    base: Path,
    progress: Progress,
    *,
    workers: int,
    address: str | None = None,
    stop: anyio.Event,
    started: Callable[[int, int], None] | None = None,
) -> Progress:
    """Play every job that is left on `workers` workers.

    Args:
        prepared: a run that `Prepared.begin` has written down.
        store_url: opened by every worker; relative paths are seen from this process's directory.
        address: the cluster's, `auto` for the one of this machine; without it Ray is started here for this run.
        stop: set, it ends the calls in flight and then the run.
        started: is told of every worker's number and process id.

    Raises `RayMissing`, and `SeveralNodes` for an SQLite store on a cluster of more than one machine.
    """
    ray = _ray()
    own = not ray.is_initialized()
    if own:
        ray.init(address=address, num_cpus=None if address else workers, include_dashboard=False, log_to_driver=False)
    try:
        _one_machine_for_a_file(ray, store_url)
        crew = _Crew(ray, prepared, _absolute(store_url), base.resolve(), workers, started)
        await crew.work(progress, stop)
    finally:
        if own:
            ray.shutdown()
    return progress


def _ray() -> Any:  # the module, which has no types
    try:
        import ray
    except ImportError:
        raise RayMissing("--engine ray needs Ray; `pip install 'comity[ray]'` adds it") from None
    return ray


def _one_machine_for_a_file(ray: Any, store_url: str) -> None:
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) > 1 and not store_url.startswith("postgres"):
        raise SeveralNodes(
            f"the cluster has {len(nodes)} nodes and {store_url} is a file on one of them; give a Postgres URL with --store"
        )


def _absolute(store_url: str) -> str:
    """The same store from any working directory."""
    if store_url.startswith("postgres"):
        return store_url
    return str(Path(store_url.removeprefix("sqlite:///")).resolve())


class _Player:
    """What runs in a worker's process. Ray calls its methods in threads of their own, so that `report` answers while `play` plays."""

    def __init__(self, plan: str, store_url: str, base: str) -> None:
        self._plan = Plan.model_validate_json(plan)
        self._store_url, self._base = store_url, Path(base)
        self._progress: Progress | None = None
        self._stop = threading.Event()

    def process(self) -> int:
        """The id of the worker's process on its node."""
        return os.getpid()

    def play(self, share: tuple[int, int]) -> Report:
        """Play until nothing is left or something says stop."""
        with Store.open(self._store_url) as store:
            prepared = prepare(self._plan, store, self._base)
            self._progress = progress_of(prepared)
            anyio.run(self._play, prepared, store, share)
        return self.report()

    def report(self) -> Report:
        """How far it is."""
        p = self._progress
        if p is None:
            return Report()
        return Report(
            done=p.done,
            in_flight=p.in_flight,
            turns=p.turns,
            ended=p.ended.copy(),
            unscored=p.unscored,
            failed=p.failed.copy(),
            causes=p.causes.copy(),
            stopped=p.stopped,
            trouble=p.trouble,
            endpoints=tuple(p.endpoints()),
            spent=p.spent(),
        )

    def stop(self) -> None:
        """End the calls in flight, write down what was heard, and end."""
        self._stop.set()

    async def _play(self, prepared: Prepared, store: Store, share: tuple[int, int]) -> None:
        stop = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._pass_on, stop)
            try:
                await execute(prepared, store, self._progress, stop=stop, share=share)
            finally:
                with anyio.CancelScope(shield=True):
                    await prepared.aclose()
            group.cancel_scope.cancel()

    async def _pass_on(self, stop: anyio.Event) -> None:
        while not self._stop.is_set():
            await anyio.sleep(0.2)
        stop.set()


@dataclass
class _Worker:
    """A worker as the driver sees it."""

    actor: Any
    playing: Any
    """Ray's reference to what `play` will give."""
    last: Report = field(default_factory=Report)


@dataclass
class _Crew:
    """The workers of a run, and what the driver does with them: start, watch, replace, stop."""

    ray: Any
    prepared: Prepared
    store_url: str
    base: Path
    size: int
    started: Callable[[int, int], None] | None
    gone: list[Report] = field(default_factory=list)
    """The last words of workers that have ended or died."""
    deaths: int = 0

    async def work(self, progress: Progress, stop: anyio.Event) -> None:
        """Until every worker has ended."""
        workers = [await self._start(number) for number in range(self.size)]
        told = False
        while workers:
            if stop.is_set() and not told:
                told = True
                for worker in workers:
                    worker.actor.stop.remote()
            ended, _ = await anyio.to_thread.run_sync(self._wait, [worker.playing for worker in workers])
            for number, worker in enumerate(list(workers)):
                if worker.playing in ended:
                    workers.remove(worker)
                    if not await self._buried(worker) and not told:
                        workers.append(await self._start(number))
                else:
                    worker.last = await self._asked(worker)
            self._sum_up(progress, workers)
        if told:
            progress.stopped = "stopped by the user"

    async def _start(self, number: int) -> _Worker:
        player = self.ray.remote(num_cpus=1, max_concurrency=4, max_restarts=0)(_Player)
        actor = player.remote(self.prepared.plan.model_dump_json(), self.store_url, str(self.base))
        if self.started is not None:
            self.started(number, await anyio.to_thread.run_sync(self.ray.get, actor.process.remote()))
        return _Worker(actor, actor.play.remote((number, self.size)))

    def _wait(self, playing: list[Any]) -> tuple[list[Any], list[Any]]:
        ended, going = self.ray.wait(playing, num_returns=len(playing), timeout=_ASK_EVERY)
        return ended, going

    async def _asked(self, worker: _Worker) -> Report:
        """How far the worker is; what it said last where it does not answer."""

        def ask() -> Report:
            try:
                found: Report = self.ray.get(worker.actor.report.remote(), timeout=_ANSWER_WITHIN)
            except (self.ray.exceptions.RayActorError, self.ray.exceptions.GetTimeoutError):
                return worker.last
            return found

        return await anyio.to_thread.run_sync(ask)

    async def _buried(self, worker: _Worker) -> bool:
        """Take the worker's last report. False where it died, so that another must take its place. Raises what it raised."""

        def result() -> Report | None:
            try:
                found: Report = self.ray.get(worker.playing)
            except self.ray.exceptions.RayActorError:
                return None
            except self.ray.exceptions.RayTaskError as error:
                raise error.cause from None
            return found

        report = await anyio.to_thread.run_sync(result)
        self.gone.append(report or worker.last)
        if report is not None:
            return True
        self.deaths += 1
        if self.deaths >= _DEATHS:
            raise WorkersDie(f"{self.deaths} workers have died; what was played is kept. See Ray's logs on their nodes")
        return False

    def _sum_up(self, progress: Progress, workers: list[_Worker]) -> None:
        reports = [*self.gone, *(worker.last for worker in workers)]
        progress.done = sum(report.done for report in reports)
        progress.in_flight = sum(worker.last.in_flight for worker in workers)
        progress.turns = sum(report.turns for report in reports)
        progress.unscored = sum(report.unscored for report in reports)
        for name in ("ended", "failed", "causes"):
            setattr(progress, name, sum((getattr(report, name) for report in reports), Counter[str]()))
        progress.stopped = next((report.stopped for report in reports if report.stopped), "")
        progress.trouble = next((worker.last.trouble for worker in workers if worker.last.trouble), "")
        progress.endpoints = lambda: [state for worker in workers for state in worker.last.endpoints]
        progress.spent = lambda: sum((report.spent for report in reports), Spent())
