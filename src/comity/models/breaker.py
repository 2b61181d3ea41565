"""The circuit breaker of one server: after so many failures in a row calls stop, and one at a time tries whether it is back.

A pure piece of `endpoints`: it is told the time and what happened, and says when the next call may go.
"""

import math

__all__ = ["Breaker"]

_THRESHOLD = 8
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Breaker:
    """Closed while calls may go, open after 8 failures with no answer between them. Times are in seconds of one clock."""

    __slots__ = ("_pause", "failures", "next_try", "opened_at")

    def __init__(self) -> None:
        self.opened_at: float | None = None
        """When the outage began; `None` while the breaker is closed."""
        self.next_try = -math.inf
        """When the next call may go as a probe; infinity while one is under way. Always past while the breaker is closed."""
        self.failures = 0
        """So many in a row."""
        self._pause = 0.0

    def probe(self) -> None:
        """A call goes out although the breaker is open; no other may until it ended."""
        self.next_try = math.inf

    def failed(self, now: float, *, probe: bool) -> None:
        """A call failed. A probe's failure doubles the pause before the next, from 1 up to 60 s; those of older calls change nothing."""
        self.failures += 1
        if self.opened_at is None and self.failures >= _THRESHOLD:
            self.opened_at, self._pause = now, _FIRST_PAUSE
            self.next_try = now + self._pause
        elif probe and self.opened_at is not None:
            self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
            self.next_try = now + self._pause

    def abandoned(self, now: float) -> None:
        """A probe ended without telling anything, such as by being cancelled; another may go."""
        if self.opened_at is not None:
            self.next_try = now

    def answered(self) -> bool:
        """The server answered, so it is there. Says whether that closed the breaker."""
        was_open = self.opened_at is not None
        if was_open or self.failures:
            self.opened_at, self.next_try, self.failures = None, -math.inf, 0
        return was_open
