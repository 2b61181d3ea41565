"""An agent that plays given lines or a function, with no model. For tests, demonstrations and fixed partners."""

from collections.abc import Callable, Sequence

from comity.agents.protocol import Reply
from comity.world.actions import Action, ActionType
from comity.world.episodes import Policy
from comity.world.views import SeatView

__all__ = ["ScriptedAgent", "lines"]


class ScriptedAgent:
    """Plays `play(view)`: an action, or words to speak."""

    def __init__(self, play: Callable[[SeatView], Action | str], *, name: str = "scripted") -> None:
        self._play = play
        self._policy = Policy(agent=name)

    @property
    def policy(self) -> Policy:
        """The specification of this agent."""
        return self._policy

    async def act(self, view: SeatView) -> Reply:
        """Do what the script says."""
        did = self._play(view)
        return Reply(Action(type=ActionType.SPEAK, argument=did) if isinstance(did, str) else did)


def lines(script: Sequence[str], *, then: ActionType = ActionType.LEAVE) -> Callable[[SeatView], Action | str]:
    """A script that speaks the lines in order, one each time the seat acts, and then does `then`."""

    def play(view: SeatView) -> Action | str:
        spoken = sum(seen.seat == view.me.seat for seen in view.history)
        return script[spoken] if spoken < len(script) else Action(type=then)

    return play
