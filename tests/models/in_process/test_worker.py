"""The engine's thread: it ends when there is nothing to do, and whatever breaks it is told to everyone who waits."""

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from models.in_process.small import engine_of
from models.in_process.test_engine import prompt

from comity.models.in_process import worker as workers
from comity.models.in_process.engine import Engine, Limits, Reply, Request
from comity.models.in_process.sampling import Way
from comity.models.in_process.worker import Worker
from comity.models.protocol import ModelError, ServerFailed


class Waiting:
    """Requests, and what they were told."""

    def __init__(self, count: int) -> None:
        self.told: list[Reply | ModelError] = []
        self._all = threading.Semaphore(0)
        self.requests = [Request(prompt(9, at), Way(seed=at), 40, self._hear) for at in range(count)]

    def _hear(self, result: Reply | ModelError) -> None:
        self.told.append(result)
        self._all.release()

    def wait(self, count: int) -> list[Reply | ModelError]:
        for _ in range(count):
            assert self._all.acquire(timeout=60)
        return self.told


def submitted(worker: Worker, requests: Iterable[Request]) -> None:
    for request in requests:
        worker.submit(request)


def test_all_are_answered_and_the_thread_ends_by_itself_and_forgets_nothing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_IDLE_SECONDS", 0.01)
    engine, forgotten = engine_of(tiny), list[str]()
    monkeypatch.setattr(engine, "reset", lambda: forgotten.append("all"))
    worker = Worker(engine, "tiny")
    for _ in range(2):
        waiting = Waiting(5)
        submitted(worker, waiting.requests)
        assert all(isinstance(reply, Reply) for reply in waiting.wait(5))
        while (thread := worker._thread) is not None:
            thread.join(60)
    assert forgotten == []
    worker.close()
    assert forgotten == ["all"]


def test_what_breaks_the_engine_is_told_to_all_and_the_next_find_it_sound(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, waiting, steps = engine_of(tiny, limits=Limits(slots=2)), Waiting(6), 0
    step = engine.step

    def breaks() -> None:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise MemoryError("no room for 3 GiB")
        step()

    monkeypatch.setattr(engine, "step", breaks)
    worker = Worker(engine, "tiny")
    submitted(worker, waiting.requests)
    told = waiting.wait(6)
    errors = [error for error in told if isinstance(error, ServerFailed)]
    assert len(errors) == 6 - sum(isinstance(one, Reply) for one in told)
    assert errors
    assert {str(error) for error in errors} == {"tiny broke: MemoryError: no room for 3 GiB"}
    assert engine.bytes == 0
    later = Waiting(3)
    submitted(worker, later.requests)
    assert all(isinstance(reply, Reply) for reply in later.wait(3))
    worker.close()


def test_closing_tells_those_who_wait_and_those_who_come_later(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, waiting, begun = engine_of(tiny, limits=Limits(slots=1)), Waiting(3), threading.Event()
    step, go_on = engine.step, threading.Event()

    def slow() -> None:
        begun.set()
        assert go_on.wait(60)
        step()

    monkeypatch.setattr(Engine, "step", lambda self: slow())
    worker = Worker(engine, "tiny")
    submitted(worker, waiting.requests)
    assert begun.wait(60)
    closing = threading.Thread(target=worker.close)
    closing.start()
    while not worker._closed:
        pass
    go_on.set()
    closing.join(60)
    assert [str(error) for error in waiting.wait(3)] == ["tiny was closed"] * 3
    with pytest.raises(ServerFailed, match="was closed"):
        worker.submit(waiting.requests[0])
