"""What goes wrong beneath a writer: full disks, locks, broken connections, servers that go and come back, clocks that jump."""

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from store_records import END, GONE, RUBRIC, START, episode, event, scorecard

from comity.store import Busy, Claim, Disconnected, Fenced, Full, Store, StoreError, this_process
from comity.store.writer import Writer

from .conftest import Place, administrator, database_url, place_of, started_server
from .cutting import Line

HERE = str(Path(__file__).parent.parent)


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place_of("postgres", request, tmp_path, schema=True) as made:
        yield made


@pytest.fixture
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place_of("sqlite", request, tmp_path, schema=True) as made:
        yield made


class Trouble(list[StoreError | None]):
    """Hears what the writer says of its troubles."""

    def __init__(self) -> None:
        super().__init__()
        self.began = anyio.Event()

    def __call__(self, error: StoreError | None) -> None:
        self.append(error)
        self.began.set()


@asynccontextmanager
async def writing(url: str, *ids: str, patience: float = 20.0) -> AsyncIterator[tuple[Writer, list[Claim], Trouble]]:
    """A writer with claims on new episodes."""
    trouble = Trouble()
    with Store.open(url, wait=0.05) as store:
        async with Writer.open(store, run="r1", patience=patience, on_trouble=trouble) as writer:
            claimed = await writer.claim([episode(id_) for id_ in ids])
            yield writer, [one.claim for one in claimed], trouble


# A full disk


def no_room(writer: Writer) -> None:
    for store in (writer._at_once, writer._patient):
        assert store is not None
        with store._engines.writing.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")


@pytest.mark.anyio
async def test_a_full_disk_is_said_to_all_who_wait_and_to_who_comes_later(file: Place) -> None:
    ids = ["e0", "e1", "e2"]
    heard: list[str] = []

    async def play() -> None:
        async with writing(file.url, *ids) as (writer, held, trouble):
            for claim in held:
                await writer.append(claim, [event(0)])
            no_room(writer)

            async def add(claim: Claim) -> None:
                with pytest.raises(Full, match=r"s\.db: there is no room left on the disk; free some"):
                    await writer.append(claim, [event(1, "x" * 50_000)])
                heard.append(claim.episode)

            async with anyio.create_task_group() as group:
                for claim in held:
                    group.start_soon(add, claim)
            with pytest.raises(Full):
                await writer.release(held)
            assert trouble == []

    with pytest.raises(Full):
        await play()
    assert sorted(heard) == ids
    with Store.open(file.url) as store:
        assert [store.episode(id_).events for id_ in ids] == [(event(0),)] * 3
        async with Writer.open(store, run="r1") as writer:
            file.execute("UPDATE workers SET until = 0 WHERE id <> :me", me=writer.worker.id)
            again = await writer.claim([episode(id_) for id_ in ids])
            for one in again:
                await writer.append(one.claim, [event(1)])
        assert [len(store.episode(id_).events) for id_ in ids] == [2, 2, 2]


FILLS = """
import resource, sys
sys.path.insert(0, sys.argv[2])
import anyio
from pathlib import Path
from store_records import episode, event
from comity.store import Store, StoreError
from comity.store.writer import Writer

async def main() -> None:
    with Store.open(sys.argv[1]) as store:
        async with Writer.open(store, run="r1") as writer:
            (one,) = await writer.claim([episode("e1")])
            largest = Path(sys.argv[1] + "-wal").stat().st_size + 500_000
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            for index in range(10_000):
                await writer.append(one.claim, [event(index, "x" * 1000)])
                print(index, flush=True)

try:
    anyio.run(main)
except StoreError as error:
    print(type(error).__name__, str(error))
"""


def test_a_disk_that_takes_no_more_loses_nothing_that_was_said_to_be_stored(file: Place) -> None:
    done = subprocess.run([sys.executable, "-c", FILLS, file.url, HERE], capture_output=True, text=True, check=True)
    *indexes, said = done.stdout.splitlines()
    assert re.match(r"(DiskFailed .*check the disk, and free space on it|Full .*no room left)", said)
    with Store.open(file.url) as store:
        kept = store.episode("e1").events
        assert len(kept) >= len(indexes) > 10
        assert kept == tuple(event(index, "x" * 1000) for index in range(len(kept)))
        store.append("e1", [event(len(kept))])


# Locks


@pytest.mark.anyio
async def test_a_lock_is_waited_for_and_said(place: Place) -> None:
    async with writing(place.url, "e1") as (writer, (claim,), trouble):
        async with anyio.create_task_group() as group:
            with place.locked():
                group.start_soon(writer.append, claim, [event(0)])
                await trouble.began.wait()
        assert {type(error) for error in trouble[:-1]} == {Busy}
        assert trouble[-1] is None
    with Store.open(place.url) as store:
        assert store.episode("e1").events == (event(0),)


@pytest.mark.anyio
async def test_a_lock_that_lasts_too_long_ends_the_writing(place: Place) -> None:
    async def play() -> None:
        async with writing(place.url, "e1", patience=0.3) as (writer, (claim,), _):
            with place.locked():
                with pytest.raises(Busy, match="holds the store locked"):
                    await writer.append(claim, [event(0)])
                with pytest.raises(Busy):
                    await writer.append(claim, [event(0)])

    with pytest.raises(Busy):
        await play()
    with Store.open(place.url) as store:
        assert store.episode("e1").events == ()


# Connections


async def everything(writer: Writer, held: list[Claim], cut: Callable[[], None]) -> None:
    """Every kind of write, each of them cut off once."""
    cut()
    (late,) = await writer.claim([episode("late")])
    for claim in [*held, late.claim]:
        cut()
        await writer.append(claim, [event(0), event(1)])
    cut()
    await writer.finish(held[0], END, START, None)
    cut()
    await writer.add_scorecard(held[0], scorecard(episode_id=held[0].episode), RUBRIC)
    cut()
    await writer.interrupt(late.claim, GONE)
    cut()
    await writer.release([held[1]])
    cut()
    async with anyio.create_task_group() as group:
        for claim in held[2:]:
            group.start_soon(writer.append, claim, [event(2)])


def is_all_there(url: str) -> None:
    with Store.open(url) as store:
        lengths = {id_: len(store.episode(id_).events) for id_ in ("e0", "e1", "e2", "e3", "late")}
        assert lengths == {"e0": 2, "e1": 2, "e2": 3, "e3": 3, "late": 2}
        assert store.episode("e0").end == END
        assert store.scorecards("e0") == (scorecard(episode_id="e0"),)
        assert store.episode("late").interrupted == GONE


@pytest.mark.anyio
@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
async def test_a_connection_that_breaks_around_a_commit_changes_nothing(postgres: Place, moment: str) -> None:
    with Line(postgres.url) as line:

        def cut() -> None:
            line.cut = "before the commit" if moment == "before the commit" else "after the commit"

        async with writing(line.url, "e0", "e1", "e2", "e3") as (writer, held, trouble):
            await everything(writer, held, cut)
            assert {type(error) for error in trouble if error} == {Disconnected}
            assert line.cuts == trouble.count(None) == 11
    is_all_there(postgres.url)


@pytest.mark.anyio
async def test_a_connection_that_the_server_ends_changes_nothing(postgres: Place) -> None:
    def cut() -> None:
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async with writing(postgres.url, "e0", "e1", "e2", "e3") as (writer, held, trouble):
        await everything(writer, held, cut)
        assert {type(error) for error in trouble if error} == {Disconnected}
    is_all_there(postgres.url)


@pytest.mark.anyio
async def test_another_that_took_it_meanwhile_is_not_written_over_after_a_break(postgres: Place) -> None:
    """The commit did not land, and before it is tried again somebody else has the episode."""
    with Line(postgres.url) as line, Store.open(postgres.url) as store:
        async with writing(line.url, "e1") as (writer, (claim,), _):
            other = this_process("r1")
            store.renew(other, 60)

            def taken(error: StoreError | None) -> None:
                if error is not None:
                    postgres.execute("UPDATE workers SET until = 0 WHERE id = :id", id=writer.worker.id)
                    (one,) = store.claim(other.id, [episode("e1")])
                    assert one.claim.epoch == 2

            writer._on_trouble = taken
            line.cut = "before the commit"
            with pytest.raises(Fenced):
                await writer.append(claim, [event(0, "late")])
        assert store.episode("e1").events == ()


@pytest.mark.anyio
async def test_a_server_that_goes_and_comes_back_is_waited_for() -> None:
    with started_server() as server:
        with administrator(server) as connection:
            connection.exec_driver_sql("CREATE DATABASE played")
        url = database_url(server, "played")
        async with writing(url, "e1", "e2") as (writer, held, trouble):
            await writer.append(held[0], [event(0)])
            server.stop()
            async with anyio.create_task_group() as group:
                group.start_soon(writer.append, held[0], [event(1)])
                group.start_soon(writer.append, held[1], [event(0)])
                await trouble.began.wait()
                server.ensure_postgres_running()
            assert {type(error) for error in trouble[:-1]} == {Disconnected}
            assert trouble[-1] is None
        with Store.open(url) as store:
            assert [len(store.episode(id_).events) for id_ in ("e1", "e2")] == [2, 1]
            assert store.claim("another", [episode("e1"), episode("e2")]) != []


@pytest.mark.anyio
async def test_a_server_that_stays_away_ends_the_writing() -> None:
    async def play() -> None:
        async with writing(database_url(server, "postgres"), "e1", patience=0.5) as (writer, (claim,), _):
            server.stop()
            with pytest.raises(Disconnected, match="cannot be reached"):
                await writer.append(claim, [event(0)])

    with started_server() as server:
        with pytest.raises(Disconnected):
            await play()
        server.ensure_postgres_running()
        with Store.open(database_url(server, "postgres")) as store:
            assert store.episode("e1").events == ()


# Clocks


class Clock:
    """The database's own clock, which the test sets forward or back for every connection to it."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        self._place, self._hours = place, 0.0
        if place.kind == "sqlite":
            monkeypatch.setattr("sqlite3.dbapi2.connect", self._connect)
            return
        place.execute("CREATE TABLE jump (hours double precision)")
        place.execute("INSERT INTO jump VALUES (0)")
        place.execute(
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
            "'SELECT pg_catalog.clock_timestamp() + (SELECT hours FROM public.jump) * interval ''1h'' '"
        )
        place.execute(f"ALTER DATABASE {place.engine.url.database} SET search_path = public, pg_catalog")

    def _connect(self, database: str, **options: bool) -> sqlite3.Connection:
        made = sqlite3.Connection(database, check_same_thread=options.get("check_same_thread", True))
        made.create_function("julianday", 1, lambda when: 2440587.5 + (time.time() / 3600 + self._hours) / 24)
        return made

    def jump(self, hours: float) -> None:
        self._hours = hours
        if self._place.kind == "postgres":
            self._place.execute("UPDATE jump SET hours = :hours", hours=hours)


@pytest.fixture
def clock(place: Place, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(place, monkeypatch)


@pytest.mark.anyio
async def test_a_clock_that_jumps_ahead_ends_leases_and_lets_nobody_write_twice(place: Place, clock: Clock) -> None:
    async with writing(place.url, "e1", "e2") as (writer, (first, second), _):
        other = this_process("r1")
        with Store.open(place.url) as store:
            clock.jump(1)
            store.renew(other, 60)
            assert [one.claim for one in store.claim(other.id, [episode("e1")])] == [Claim("e1", 2)]
            store.append("e1", [event(0, "other")])
            with pytest.raises(Fenced):
                await writer.append(first, [event(0, "late")])
            await writer.append(second, [event(0, "nobody took this")])
            store.renew(writer.worker, 60)
            assert store.claim(other.id, [episode("e2")]) == []
            assert [e.action.argument for e in store.episode("e1").events if e.action] == ["other"]


@pytest.mark.anyio
async def test_a_clock_that_jumps_back_takes_nothing_from_anybody(place: Place, clock: Clock) -> None:
    other = this_process("r1")
    with Store.open(place.url) as store:
        async with writing(place.url, "e1") as (writer, (claim,), _):
            clock.jump(-1)
            store.renew(other, 60)
            assert store.claim(other.id, [episode("e1")]) == []
            await writer.append(claim, [event(0)])
            store.renew(writer.worker, 60)
            assert store.claim(other.id, [episode("e1")]) == []
        assert len(store.claim(other.id, [episode("e1")])) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("hours", [-24, 24])
async def test_the_clock_of_this_process_decides_nothing(
    postgres: Place, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    other = this_process("r1")
    async with writing(postgres.url, "e1") as (writer, (claim,), _):
        with Store.open(postgres.url) as store:
            shifted = time.time() + hours * 3600
            monkeypatch.setattr(time, "time", lambda: shifted)
            store.renew(other, 60)
            assert store.claim(other.id, [episode("e1")]) == []
            await writer.append(claim, [event(0)])
            monkeypatch.undo()
