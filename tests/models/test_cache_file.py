"""The file of remembered replies: shared, bounded, its owner's alone; trouble with it is said and stops nothing."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.models import cache_file
from comity.models.cache import CacheError, Pruned, ResponseCache, default_cache_file
from comity.models.protocol import Completion

HOUR = 3600


def key(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def reply(text: str = "hello") -> Completion:
    return Completion(
        text=text, finish_reason="stop", seconds=1.0, prompt_tokens=10, completion_tokens=2, model="served"
    )


def put(cache: ResponseCache, name: object, model: str = "m", text: str = "hello") -> None:
    cache.put(key(name), model, "http://h/v1", reply(text))


def has(cache: ResponseCache, name: object) -> bool:
    return cache.get(key(name)) is not None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "replies.db"


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def cache(path: Path, troubles: list[str]) -> Iterator[ResponseCache]:
    with ResponseCache.open(path, on_trouble=troubles.append, wait=0.05) as opened:
        yield opened


@pytest.fixture
def other(cache: ResponseCache) -> Iterator[sqlite3.Connection]:
    """Somebody else's hold on the same file."""
    connection = sqlite3.connect(cache.path, isolation_level=None)
    yield connection
    connection.close()


class Clock:
    """A wall clock that stands until it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_800_000_000.0
        monkeypatch.setattr(time, "time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_reply_is_there_at_once_after_a_flush_and_after_opening_again(path: Path) -> None:
    with ResponseCache.open(path) as cache:
        assert cache.get(key("a")) is None
        put(cache, "a")
        at_once = cache.get(key("a"))
        cache.flush()
        assert cache.get(key("a")) == at_once
        put(cache, "b", text="unflushed \ud83d \U0001f600")
    with ResponseCache.open(path) as cache:
        assert cache.get(key("a")) == at_once
        found = cache.get(key("b"))
        assert found is not None
        assert found.text == "unflushed \ud83d \U0001f600"


def test_replies_are_written_without_being_asked_to(cache: ResponseCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_file, "_GATHER", 0.001)
    written, flush = threading.Event(), cache.flush

    def noted() -> None:
        flush()
        written.set()

    monkeypatch.setattr(cache, "flush", noted)
    put(cache, "a")
    assert written.wait(30)
    assert cache._pending == {}
    assert has(cache, "a")


def test_a_reply_that_comes_while_others_are_written_is_not_lost(
    cache: ResponseCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = cache_file._stored

    def and_another(key: bytes, row: cache_file._Row) -> object:
        put(cache, "late")
        return stored(key, row)

    monkeypatch.setattr(cache_file, "_stored", and_another)
    put(cache, "early")
    cache.flush()
    monkeypatch.undo()
    assert has(cache, "early")
    assert has(cache, "late")
    assert cache.size().entries == 2


def test_the_file_and_those_beside_it_are_their_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        with ResponseCache.open(path) as cache:
            put(cache, "a")
            cache.flush()
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == ["replies.db", "replies.db-shm", "replies.db-wal"]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_where_it_is_unless_it_is_named() -> None:
    assert default_cache_file({"COMITY_CACHE": "/else/where.db"}) == Path("/else/where.db")
    assert default_cache_file({"XDG_CACHE_HOME": "/x"}) == Path("/x/comity/replies.db")
    assert default_cache_file({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "comity" / "replies.db"


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (it)")
    connection.close()


def newer(path: Path) -> None:
    ResponseCache.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("no database at all, only words " * 9), "is not a cache of replies"),
    "another database": (foreign, "is a database, and not a cache of replies; choose another file"),
    "another version": (newer, "another version of Comity made it; remove it, or choose another file"),
    "a folder": (lambda path: path.mkdir(), "cannot be opened; check the permissions"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_cache_is_refused_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    make, said = BAD[name]
    path = tmp_path / "it"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(CacheError, match=f"{path}: .*{said}"):
        ResponseCache.open(path)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="cannot be opened"):
        ResponseCache.open(tmp_path / "file" / "replies.db")


def test_a_file_that_another_keeps_locked_is_refused_at_the_start(
    path: Path, cache: ResponseCache, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CacheError, match="another process keeps it locked; try again"):
        ResponseCache.open(path, wait=0.01)
    other.execute("ROLLBACK")
    ResponseCache.open(path, wait=0.01).close()


def test_a_lock_during_a_run_is_said_once_and_stops_nothing(
    cache: ResponseCache, other: sqlite3.Connection, troubles: list[str]
) -> None:
    put(cache, "before")
    cache.flush()
    other.execute("BEGIN IMMEDIATE")
    for name in range(3):
        put(cache, name)
        assert has(cache, name)
        cache.flush()
    assert has(cache, "before")
    assert troubles == [
        f"{cache.path}: replies are not remembered: another process keeps it locked; try again when it has finished"
    ]
    other.execute("ROLLBACK")
    put(cache, "after")
    cache.flush()
    assert [has(cache, name) for name in (0, 1, 2, "after")] == [False, False, False, True]
    assert len(troubles) == 1


def test_nobody_waits_while_a_reply_cannot_be_written(path: Path) -> None:
    told = threading.Event()
    with ResponseCache.open(path, on_trouble=lambda trouble: told.set(), wait=600.0) as cache:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for name in range(100):
            put(cache, name)
            assert has(cache, name)
        other.execute("ROLLBACK")
        other.close()
        cache.flush()
        assert all(has(cache, name) for name in range(100))
    assert not told.is_set()


def test_a_full_disk_is_said_and_stops_nothing(cache: ResponseCache, troubles: list[str]) -> None:
    put(cache, "before")
    cache.flush()
    cache._writing.execute("PRAGMA max_page_count = 1")
    for name in range(3):
        put(cache, name, text="x" * 100_000)
        cache.flush()
    assert troubles == [f"{cache.path}: replies are not remembered: there is no room left on the disk; free some"]
    assert has(cache, "before")
    assert not has(cache, 0)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE replies SET body = replace(body, 'hello', 'hallo')",
        "UPDATE replies SET body = '{'",
        "UPDATE replies SET body = x'ff'",
        "UPDATE replies SET checksum = checksum + 1",
        "UPDATE replies SET key = :other",
    ],
)
def test_a_reply_that_changed_on_the_disk_is_asked_again_and_mended(
    cache: ResponseCache, other: sqlite3.Connection, troubles: list[str], harm: str
) -> None:
    put(cache, "a")
    cache.flush()
    other.execute(harm, {"other": key("b")} if ":other" in harm else {})
    names = ("a", "b") if ":other" in harm else ("a",)
    assert [has(cache, name) for name in names * 2] == [False] * len(names) * 2
    assert troubles == [f"{cache.path}: a reply is damaged, so its model is asked again"]
    put(cache, names[-1])
    cache.flush()
    assert has(cache, names[-1])


def test_a_file_that_is_damaged_during_a_run_is_said_once_for_looking_and_once_for_writing(
    cache: ResponseCache, other: sqlite3.Connection, troubles: list[str]
) -> None:
    put(cache, "a")
    cache.flush()
    other.execute("DROP TABLE replies")
    for _ in range(3):
        assert not has(cache, "a")
        put(cache, "b")
        assert has(cache, "b")
        cache.flush()
    assert [trouble.partition(": ")[2].partition(":")[0] for trouble in troubles] == [
        "no reply can be looked up, so the models are asked",
        "replies are not remembered",
    ]
    for ask in (cache.size, cache.entries, lambda: cache.prune(model="m")):
        with pytest.raises(CacheError, match="the database refused"):
            ask()


def test_bytes_that_rot_are_refused_and_never_given(path: Path, troubles: list[str]) -> None:
    with ResponseCache.open(path) as cache:
        for name in range(200):
            put(cache, name, text=f"{name} " + "word " * 100)
    whole = bytearray(path.read_bytes())
    whole[8192:] = bytes(byte ^ 0x55 for byte in whole[8192:])
    path.write_bytes(whole)
    with ResponseCache.open(path, on_trouble=troubles.append) as cache:
        for name in range(200):
            found = cache.get(key(name))
            assert found is None or found.text == f"{name} " + "word " * 100
    assert troubles


def test_without_a_listener_trouble_is_a_warning(path: Path) -> None:
    cache = ResponseCache.open(path, wait=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("DROP TABLE replies")
    other.close()
    with pytest.warns(RuntimeWarning, match="no reply can be looked up"):
        assert not has(cache, "a")
    cache.close()


def test_replies_that_come_faster_than_they_are_written_are_left_out(
    cache: ResponseCache, other: sqlite3.Connection, troubles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_file, "_MOST_PENDING", 10)
    with cache._one_writer:
        for name in range(20):
            put(cache, name)
    assert troubles == [f"{cache.path}: replies come faster than they can be written; some are not remembered"]
    assert [has(cache, name) for name in (0, 9, 10, 19)] == [True, True, False, False]


CHILD = """
import sys
from hashlib import sha256
from pathlib import Path
from comity.models.cache import ResponseCache
from comity.models.protocol import Completion
path, who = Path(sys.argv[1]), sys.argv[2]
with ResponseCache.open(path) as cache:
    for n in range(300):
        cache.put(sha256(f"{who} {n}".encode()).digest(), who, "e", Completion(text=str(n), finish_reason="stop", seconds=0.1))
        if n % 100 == 50:
            cache.flush()
    if who == "killed":
        print("written", flush=True)
        input()
"""


def child(path: Path, who: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "error", "-c", CHILD, str(path), who]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_begin_together_share_one_file(path: Path) -> None:
    children = [child(path, f"child {n}") for n in range(4)]
    for process in children:
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    with ResponseCache.open(path) as cache:
        assert {(m.model, m.entries) for m in cache.size().models} == {(f"child {n}", 300) for n in range(4)}
        found = cache.get(sha256(b"child 2 299").digest())
        assert found is not None
        assert found.text == "299"


def test_a_kill_loses_at_most_what_was_not_written_yet(path: Path) -> None:
    process = child(path, "killed")
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with ResponseCache.open(path) as cache:
        assert cache.size().entries >= 251
        assert cache._reading.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_entries_tell_of_what_is_kept_but_not_what_it_says(cache: ResponseCache, clock: Clock) -> None:
    put(cache, "a")
    clock.now += 5 * HOUR
    put(cache, "b", model="n", text="x" * 1000)
    first, second = cache.entries()
    assert (first.key, first.model, first.endpoint) == (key("b").hex(), "n", "http://h/v1")
    assert 1000 < first.size < 1300
    assert second.size < 300
    assert first.created - second.created == timedelta(hours=5)
    assert [entry.model for entry in cache.entries(model="m")] == ["m"]
    assert len(cache.entries(limit=1)) == 1
    assert "hello" not in str(cache.entries())


def test_the_size_is_told_by_model(cache: ResponseCache) -> None:
    assert cache.size()[:2] == (0, 0)
    for name in range(10):
        put(cache, name, model="large" if name < 7 else "small")
    size = cache.size()
    assert [(m.model, m.entries) for m in size.models] == [("large", 7), ("small", 3)]
    assert size.entries == 10
    assert size.bytes == sum(m.bytes for m in size.models) == sum(entry.size for entry in cache.entries())
    assert size.file_bytes > size.bytes


def test_when_a_reply_was_last_used_is_noted_to_the_hour(cache: ResponseCache, clock: Clock) -> None:
    put(cache, "a")
    cache.flush()
    (made,) = cache.entries()
    clock.now += HOUR - 1
    assert has(cache, "a")
    assert cache.entries() == [made]
    clock.now += 1
    assert has(cache, "a")
    assert cache.entries() == [made._replace(used=made.used + timedelta(hours=1))]
    clock.now -= 100 * HOUR
    assert has(cache, "a")
    assert cache.entries() == [made._replace(used=made.used - timedelta(hours=99))]


def test_what_was_not_used_for_long_is_forgotten(cache: ResponseCache, clock: Clock) -> None:
    for name in ("old", "used"):
        put(cache, name)
    cache.flush()
    clock.now += 10 * HOUR
    assert has(cache, "used")
    put(cache, "new")
    assert cache.prune(older_than=timedelta(hours=10)) == Pruned(1, cache.entries()[0].size)
    assert [has(cache, name) for name in ("old", "used", "new")] == [False, True, True]


def test_a_models_replies_are_forgotten_or_only_some_of_them(cache: ResponseCache, clock: Clock) -> None:
    for name in range(10):
        put(cache, name, model="m" if name < 5 else "n")
        cache.flush()
        clock.now += 1
    one = cache.entries()[0].size
    assert cache.prune(model="m", max_bytes=2 * one).entries == 3
    assert [has(cache, name) for name in range(10)] == [False] * 3 + [True] * 7
    assert cache.prune(model="n", older_than=timedelta(seconds=3)).entries == 3
    assert [has(cache, name) for name in range(5, 10)] == [False, False, False, True, True]
    assert cache.prune(model="m").entries == 2
    assert [entry.model for entry in cache.entries()] == ["n", "n"]


@settings(max_examples=25)
@given(texts=st.lists(st.integers(0, 2000), max_size=12), most=st.integers(0, 12_000))
def test_a_bound_on_bytes_leaves_what_was_used_last(
    tmp_path_factory: pytest.TempPathFactory, texts: list[int], most: int
) -> None:
    with ResponseCache.open(tmp_path_factory.mktemp("bound") / "replies.db") as cache:
        for name, length in enumerate(texts):
            put(cache, name, text="x" * length)
            cache.flush()
        before = cache.entries()
        forgotten = cache.prune(max_bytes=most)
        left = cache.entries()
    assert left == before[: len(left)]
    assert sum(entry.size for entry in left) <= most
    assert len(left) == len(before) or sum(entry.size for entry in before[: len(left) + 1]) > most
    assert forgotten == Pruned(len(before) - len(left), sum(entry.size for entry in before[len(left) :]))


def test_what_is_forgotten_gives_its_room_back(cache: ResponseCache) -> None:
    for name in range(200):
        put(cache, name, text="x" * 5000)
    before = cache.size().file_bytes
    cache.prune(max_bytes=10_000)
    assert before > 1_000_000
    assert cache.size().file_bytes < 60_000
    assert cache.path.stat().st_size < 60_000


def test_forgetting_wants_to_know_what(cache: ResponseCache) -> None:
    put(cache, "a")
    with pytest.raises(ValueError, match="say what to forget"):
        cache.prune()
    assert has(cache, "a")
    assert cache.prune(older_than=timedelta(0)).entries == 1
