"""How much time a seat has left, as far as its view tells: the order of turns is not in it and is read from who has acted when."""

from dataclasses import dataclass
from itertools import pairwise

from comity.world.views import SeatView

__all__ = ["Clock", "clock_of"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Counted in this seat's own turns; about, where nobody knows who acts next."""

    left: int
    """Own turns that are left, this one included."""
    whole: int
    """Own turns in all."""
    answerable: bool
    """Whether everyone else can still act after this turn."""
    irregular: bool
    """Whether turns come in no order that could be counted on."""
    together: bool
    """Whether others may act in this very turn."""

    @property
    def spent(self) -> float:
        """0 at the seat's first turn, 1 at its last."""
        return 1 - (self.left - 1) / (self.whole - 1) if self.whole > 1 else 1.0

    def spare(self, needed: int) -> bool:
        """Whether the seat can talk now and still make so many moves later, with a turn in hand."""
        return self.left > needed + (self.whole // 2 if self.irregular else 1)


def clock_of(view: SeatView, parties: tuple[str, ...]) -> Clock:
    """The clock of a view in which these seats play."""
    count, at = len(parties), parties.index(view.me.seat)
    together = any(one.turn == other.turn and one.seat != other.seat for one, other in pairwise(view.history))
    irregular = not together and any(seen.seat != parties[(seen.turn - 1) % count] for seen in view.history)
    every, first = (1, 1) if together else (count, at + 1)
    after = view.turn_limit - view.turn
    left = max(after // every + 1, 1)
    whole = max((view.turn_limit - first) // every + 1, left)
    answerable = after >= (1 if together else count - 1)
    return Clock(left, whole, answerable, irregular, together or view.turn == 1)
