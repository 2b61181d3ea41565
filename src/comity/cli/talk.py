"""What a terminal shows of an episode while it is played: all of it, or to a person who plays a seat only what that seat sees."""

from collections.abc import Mapping, Sequence
from typing import cast

from comity.agents.briefing import shown, shown_action
from comity.agents.games import game_template, told_move
from comity.agents.human import news
from comity.cli.output import console, told
from comity.world.actions import Action, ActionType
from comity.world.environment import EndReason
from comity.world.episodes import Episode, replay
from comity.world.events import Event, Failure
from comity.world.tasks import Task
from comity.world.views import SeatView, view

__all__ = ["OneSeat", "Talk", "introduce", "told_end"]


class Talk:
    """Prints words as they come and the rest of each action once it is kept."""

    def __init__(self, task: Task) -> None:
        self._names: Mapping[str, str] = task.names
        self._payoff = task.scenario.payoff
        self._from = ("", 0)
        self._printed = ""

    def opened(self, episode: Episode) -> None:
        """Where it happens and who wants what, and what was played before."""
        introduce(episode)
        self.happened(episode.events)

    def closed(self, episode: Episode) -> None:
        """Why it ended."""
        told_end(episode)

    def hear(self, view: SeatView, attempt: int, words: str) -> None:
        """The words of a reply as far as they have come; what is new is printed."""
        if (view.me.seat, attempt) != self._from:
            self._break()
            self._from = (view.me.seat, attempt)
        if not self._printed:
            told(f"{view.me.name}: ", style="bold", end="")
        told(words[len(self._printed) :], end="")
        self._printed = words

    def happened(self, events: Sequence[Event]) -> None:
        """The events of a turn, kept now; what was not heard of them is printed."""
        for event in events:
            if self._printed and event.action and self._printed == event.action.argument:
                told(self._remark(event.action), style="dim")
                self._anew()
            else:
                self._break()
                told(self._line(event), style="red" if event.failure else "")

    def _line(self, event: Event) -> str:
        name = self._names[event.seat]
        if event.action is None:
            failure = cast(Failure, event.failure)
            return f"The agent of {name} failed ({failure.kind}): {failure.detail}"
        to = tuple(self._names[seat] for seat in event.action.to)
        return shown_action(name, event.action, to, self._payoff)

    def _remark(self, action: Action) -> str:
        to = f"  (to {', '.join(self._names[seat] for seat in action.to)} alone)" if action.to else ""
        move = f"  [{told_move(game_template(), action.move, self._payoff)}]" if action.move else ""
        return (to if action.type is ActionType.SPEAK else f"  ({action.type}){to}") + move

    def _break(self) -> None:
        if self._printed:
            console.print()
        self._anew()

    def _anew(self) -> None:
        self._from, self._printed = ("", 0), ""


class OneSeat:
    """For a person who plays a seat: their agent shows the news before each of their turns, this shows the last."""

    def __init__(self, seat: str) -> None:
        self._seat = seat

    def opened(self, episode: Episode) -> None:
        """Their agent tells them."""

    def happened(self, events: Sequence[Event]) -> None:
        """Their agent tells them."""

    def closed(self, episode: Episode) -> None:
        """What happened after their last action, and why it ended."""
        for seen in news(view(replay(episode), self._seat, episode=episode.id)):
            told(shown(seen, episode.task.scenario.payoff))
        told_end(episode)


def introduce(episode: Episode) -> None:
    """Where it happens and who wants what."""
    scenario = episode.task.scenario
    told(scenario.title, style="bold")
    told(scenario.setting)
    for seat, name in episode.task.names.items():
        role = scenario.seat(seat).role
        told(f"  {name}{f', {role}' if role else ''}. Goal: {scenario.seat(seat).goal}", style="dim")
    told("")


_ENDED = {
    EndReason.TURN_LIMIT: "the last turn was played",
    EndReason.TOO_FEW_LEFT: "too few are left to go on",
    EndReason.SETTLED: "the result stands",
    EndReason.STALE: "nobody had anything more to say or do",
    EndReason.AGENT_FAILURE: "an agent failed, so the episode is not judged",
}


def told_end(episode: Episode) -> None:
    """Why it ended, and after how many turns."""
    if episode.end:
        told(f"\n({_ENDED[episode.end.reason]}; turns played: {episode.turns})", style="dim")
    else:
        told("\n(not finished)", style="dim")
