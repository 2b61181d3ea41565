"""An agent that plays scenarios with a payoff by a stated style, with no model. It answers models and people as it does its own kind."""

from typing import cast

from comity.agents.negotiators.asking import give, keep_or_guess
from comity.agents.negotiators.bargaining import bargain
from comity.agents.negotiators.friends import find
from comity.agents.negotiators.moment import CannotPlay, Decision, Moment
from comity.agents.negotiators.rounds import play_round
from comity.agents.negotiators.selecting import select
from comity.agents.negotiators.speech import load_book, put_in_words
from comity.agents.negotiators.styles import AGENT, Style, style_of
from comity.agents.protocol import Reply
from comity.world.actions import Action, ActionSpec, ActionType
from comity.world.choices import Choices, Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Deal, Division
from comity.world.episodes import Policy
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.scenarios import Scenario
from comity.world.views import SeatView

__all__ = ["Negotiator", "action_of", "negotiator"]


class Negotiator:
    """Plays a seat of any scenario that has a payoff. What it does follows from the view, its seed included, and from the style alone."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._policy = Policy(
            agent=AGENT, style=style.label, prompt_hash=load_book(style.book).hash, sampling=style.parameters
        )

    @property
    def policy(self) -> Policy:
        """The specification of this agent: `sampling` holds the style's parameters, `prompt_hash` is of its sentences."""
        return self._policy

    def check(self, scenario: Scenario) -> None:
        """Raise `CannotPlay` where the scenario has no payoff."""
        if scenario.payoff is None:
            raise CannotPlay(
                f"scenario {scenario.id!r} has no payoff, so {self.style.spec} cannot play in it; choose a scenario with one, or a model"
            )

    def decide(self, view: SeatView) -> Action:
        """What to do now. Raises `CannotPlay` where the scenario has no payoff."""
        now = Moment[Payoff](view)
        decision = _decide(self.style, now)
        return action_of(view.spec, put_in_words(self.style, now, decision), decision)

    async def act(self, view: SeatView) -> Reply:
        """What to do now. No model is asked. Raises `CannotPlay` where the scenario has no payoff."""
        return Reply(self.decide(view))


def negotiator(spec: str) -> Negotiator:
    """The negotiator of a specification such as `negotiator:linear`. Raises `ModelNotFound` with those that there are."""
    return Negotiator(style_of(spec))


def _decide(style: Style, now: Moment[Payoff]) -> Decision:
    match now.payoff:
        case Division(settled_by="selection"):
            return select(style, cast(Moment[Division], now))
        case Deal():
            return bargain(style, cast(Moment[Deal], now))
        case Dilemma() | PublicGoods():
            return play_round(style, cast(Moment[Choices], now))
        case MutualFriend():
            return find(style, cast(Moment[MutualFriend], now))
        case Secret():
            return keep_or_guess(style, cast(Moment[Secret], now))
        case Gift():
            return give(style, cast(Moment[Gift], now))
    raise CannotPlay(f"no negotiator of this version knows the payoff {now.payoff.kind!r}")


def action_of(spec: ActionSpec, words: str, decision: Decision) -> Action:
    """The decision as the scenario allows it: who may not speak does so as a deed, and who may not leave says no."""
    if decision.leaves and ActionType.LEAVE in spec.types:
        return Action(type=ActionType.LEAVE, argument=words)
    move = decision.move
    if decision.leaves and spec.moves is not None and MoveKind.REJECT in spec.moves.kinds:
        move = Move(kind=MoveKind.REJECT)
    if ActionType.SPEAK in spec.types:
        return Action(type=ActionType.SPEAK, argument=words, move=move)
    return Action(type=ActionType.ACTION, argument=f"says: \u201c{words}\u201d", move=move)
