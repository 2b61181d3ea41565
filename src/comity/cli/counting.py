"""How far a long import or export is, in a line on standard error now and then."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.text import Text

__all__ = ["counted"]

T = TypeVar("T")

_EVERY = 10.0
"""Seconds between lines; what takes less long says nothing."""


def counted(
    each: Iterable[T], what: str, *, total: int | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[T]:
    """The same things; while they go on, how many there were. `what` is what they are called, such as `episodes`."""
    console, said, of = Console(stderr=True, highlight=False), clock(), f" of {total:,}" if total is not None else ""
    for number, one in enumerate(each):
        if clock() - said >= _EVERY:
            console.print(Text(f"{number:,}{of} {what} ...", style="dim"))
            said = clock()
        yield one
