"""How many calls may be in flight at one server, found by trying: grow while it is well, cut when it is too much.

A pure piece of `endpoints`, without clock or waiting: additive increase, multiplicative decrease, with a doubling start, as
TCP finds the room of a network (Jacobson 1988; Chiu and Jain 1989).
"""

import math

__all__ = ["Window"]

_CUT = 0.7
_QUICKLY_TO = 0.9
_RESTART = 8.0
_GENTLE = 16.0
_EASE = 0.9
_NO_SPACING, _LEAST_SPACING, _MOST_SPACING = 0.05, 0.25, 8.0


class Window:
    """The number of calls that may be in flight.

    Args:
        start: the size to begin with, in calls.
        most: the size never exceeded; no bound where it is `None`.
    """

    __slots__ = ("_cut_after", "_most", "_threshold", "size", "spacing")

    def __init__(self, start: int, most: int | None = None) -> None:
        self.size = float(start)
        """Never below 1. A whole call more fits with every whole number."""
        self.spacing = 0.0
        """Seconds from one call to the next, where one at a time is still too much, else 0."""
        self._most = math.inf if most is None else float(most)
        self._threshold = math.inf
        self._cut_after = 0

    def has_room(self, in_flight: int) -> bool:
        """Whether one more call may go."""
        return in_flight + 1 <= self.size

    def grow(self, in_flight: int) -> None:
        """A call succeeded while so many were in flight, itself among them.

        By 1, which doubles the size in a round, until the first cut; after it, up to 0.9 of what was too much, unless that was
        little; and after a restart. Else by 1 in a round, or in 16 calls where that is more. Room that is not used is not known
        to be there: nothing grows while less than half is in use.
        """
        if self.spacing:
            self.spacing = self.spacing * _EASE if self.spacing > _NO_SPACING else 0.0
        elif in_flight * 2 >= self.size:
            self.size = min(
                self._most, self.size + (1.0 if self.size < self._threshold else 1.0 / max(self.size, _GENTLE))
            )

    def cut(self, number: int, newest: int, in_flight: int) -> None:
        """A call was too much for the server.

        Calls are numbered as they go out. One that went out before the last cut says nothing new about the size since,
        so there is one cut a round trip at most; it goes to 0.7 of what was really in flight. Below one call at a time it is
        the spacing that doubles, and successes bring it down.

        Args:
            number: the call's own.
            newest: that of the newest call that went out.
            in_flight: how many there were, itself among them.
        """
        if number > self._cut_after:
            if self.size < 2:
                self.spacing = min(_MOST_SPACING, max(_LEAST_SPACING, 2 * self.spacing))
            was = min(self.size, in_flight)
            self.size = self._threshold = max(1.0, _CUT * was)
            if was > _GENTLE:
                self._threshold = _QUICKLY_TO * was
            self._cut_after = newest

    def restart(self) -> None:
        """Nothing went out for a while: begin small, and double up to where it was, lest all who wait go at once."""
        if self.size > self._threshold:
            self._threshold = self.size
        self.size = min(self.size, _RESTART)
