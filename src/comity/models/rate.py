"""A rate that is not exceeded, such as requests or tokens a minute, and the forecast of what a call will use.

Pure pieces of `endpoints`: they are told the time and say when the next call may go. The rate is the token bucket in the form of
the generic cell rate algorithm (ITU-T I.371), which is one number.
"""

import math

__all__ = ["Forecast", "Rate"]

_BURST_SECONDS = 1.0


class Rate:
    """So many units a minute. What one second may use can go at once; a call larger than that goes, and those after it wait longer.

    Over any span of T seconds at most T + 1 seconds' worth is spent, and one call.
    """

    __slots__ = ("_paid_until", "_seconds_each")

    def __init__(self, per_minute: int) -> None:
        self._seconds_each = 60.0 / per_minute
        self._paid_until = -math.inf

    @property
    def opens_at(self) -> float:
        """When the next call may go, in seconds of the clock that `spend` is told."""
        return self._paid_until - _BURST_SECONDS

    def spend(self, now: float, units: float) -> None:
        """A call of so many units goes out."""
        self._paid_until = max(self._paid_until, now) + units * self._seconds_each

    def correct(self, units: float) -> None:
        """A call used so many units more than was spent for it, or less where they are negative."""
        self._paid_until += units * self._seconds_each


class Forecast:
    """How many tokens a call will use, by what calls used before."""

    __slots__ = ("_per_character", "_reply")

    def __init__(self) -> None:
        self._per_character = 0.3
        self._reply = 256.0

    def tokens(self, characters: int, most: int | None) -> float:
        """For a prompt of so many characters and a reply of `most` tokens at most."""
        return characters * self._per_character + (self._reply if most is None else min(self._reply, most))

    def learn(self, characters: int, prompt_tokens: int, completion_tokens: int) -> None:
        """What a call used; the newest twenty or so count."""
        if characters:
            self._per_character += (prompt_tokens / characters - self._per_character) / 20
        self._reply += (completion_tokens - self._reply) / 20
