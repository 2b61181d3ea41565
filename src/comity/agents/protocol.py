"""Who acts: one protocol, view in, reply out."""

from dataclasses import dataclass
from typing import Protocol

from comity.world.actions import Action
from comity.world.episodes import Policy
from comity.world.events import Call, Failure
from comity.world.views import SeatView

__all__ = ["Agent", "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent does, or why it could not, with the calls it made."""

    action: Action | Failure
    calls: tuple[Call, ...] = ()


class Agent(Protocol):
    """Plays a seat. It is a function of its view: it keeps nothing that the view does not hold, caches aside."""

    @property
    def policy(self) -> Policy:
        """The complete specification of this agent, for the record."""
        ...

    async def act(self, view: SeatView) -> Reply:
        """What to do now. Raises `ModelError` when a model could not be asked; that is nobody's failure."""
        ...
