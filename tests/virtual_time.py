"""An event loop whose clock jumps to the next timer when nothing else is left to do, so that tests of hours take no time and no sleep."""

import asyncio
import selectors
from collections.abc import Callable

__all__ = ["VirtualLoop", "seconds_of"]


class _JumpingSelector(selectors.DefaultSelector):
    """Lets the time pass that a loop would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everything waits for something that will never come")
        if not ready and timeout is not None:
            self.now += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """For what happens within one process; sockets do not know its time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def seconds_of(loop: asyncio.AbstractEventLoop | None = None) -> Callable[[], float]:
    """The clock of the running loop, or of another."""
    return (loop or asyncio.get_running_loop()).time
