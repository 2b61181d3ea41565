"""The thread in which an engine works. It lives while there is anything to do, and what breaks it is told to everyone who waits."""

import threading
import time

from comity.models.in_process.engine import Engine, Request
from comity.models.protocol import ServerFailed

__all__ = ["Worker"]

_IDLE_SECONDS = 0.5
"""How long the thread waits for more before it ends; a new one costs a little."""


class Worker:
    """Runs an engine in one thread, which begins with the first request.

    The thread is no daemon: an interpreter that ends in the midst of a step would crash. It keeps a process from ending
    only until what is under way is answered or cancelled.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._new: list[Request] = []
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, request: Request) -> None:
        """Have it answered. Raises `ServerFailed` after `close`."""
        with self._change:
            if self._closed:
                raise ServerFailed(f"{self._name} was closed")
            self._new.append(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"comity {self._name}")
                self._thread.start()
            self._change.notify()

    def close(self) -> None:
        """Answer nobody any more; those who wait get `ServerFailed`. Returns when the thread has ended."""
        with self._change:
            self._closed = True
            self._change.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        else:
            self._engine.reset()

    def _work(self) -> None:
        try:
            while self._take_new():
                self._engine.step()
        except Exception as error:  # whatever it is, others wait for this thread and would wait for ever
            self._fail(f"{self._name} broke: {type(error).__name__}: {error}", error)

    def _take_new(self) -> bool:
        """Hand new requests to the engine; whether there is anything to do."""
        with self._change:
            until = time.monotonic() + _IDLE_SECONDS
            while not (self._new or self._closed or self._engine.is_busy):
                left = until - time.monotonic()
                if left <= 0 or not self._change.wait(left):
                    break
            self._engine.add(self._new)
            self._new.clear()
            goes_on = self._engine.is_busy and not self._closed
            if not goes_on and not self._closed:
                self._thread = None
            closed = self._closed
        if closed:
            self._fail(f"{self._name} was closed", None)
        return goes_on

    def _fail(self, why: str, cause: Exception | None) -> None:
        with self._change:
            left = [*self._engine.drain(), *self._new]
            self._new.clear()
            self._engine.reset()
            self._thread = None
        for request in left:
            if not request.cancelled:
                error = ServerFailed(why)
                error.__cause__ = cause
                request.done(error)
