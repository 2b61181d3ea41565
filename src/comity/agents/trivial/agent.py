"""An agent that plays any scenario with a payoff in one of three ways of no skill, with no model."""

from comity.agents.negotiators.agent import action_of
from comity.agents.negotiators.moment import CannotPlay, Decision, Moment
from comity.agents.protocol import Reply
from comity.agents.trivial.choosing import choose_accepting, choose_at_random, choose_noisily
from comity.agents.trivial.dealing import deal_accepting, deal_at_random, deal_noisily
from comity.agents.trivial.sentences import load_sentences, put_in_words
from comity.models.protocol import ModelNotFound
from comity.world.actions import Action
from comity.world.deals import Deal, Division
from comity.world.episodes import Policy
from comity.world.payoffs import Payoff
from comity.world.scenarios import Scenario
from comity.world.views import SeatView

__all__ = ["AGENT", "SCHEME", "WAYS", "Trivial", "trivial"]

SCHEME = "trivial:"
"""What a specification of a trivial player begins with."""
AGENT = "trivial"
"""The agent's name in a policy."""

_VERSION = 1
"""Raised with any change of how they play."""

_WAYS = {
    "accept": (deal_accepting, choose_accepting),
    "random": (deal_at_random, choose_at_random),
    "noisy": (deal_noisily, choose_noisily),
}
"""By name: how it deals, and how it makes a choice that is written down."""

WAYS = tuple(_WAYS)
"""`accept` takes the first offer that it gets, and asks for everything where there is none. `random` makes a move drawn evenly from those
that it may make. `noisy` gives way over its time, unevenly, and takes what comes by chance, the likelier the more it is worth.
"""


class Trivial:
    """Plays a seat in one of the `WAYS`. What it does follows from the view, its seed included, and from the way alone."""

    def __init__(self, way: str) -> None:
        self.way = way
        self._deals, self._chooses = _WAYS[way]
        self._policy = Policy(agent=AGENT, style=f"{way}@{_VERSION}", prompt_hash=load_sentences().hash)

    @property
    def policy(self) -> Policy:
        """The specification of this agent; `prompt_hash` is of its sentences."""
        return self._policy

    @property
    def spec(self) -> str:
        """What names it in a plan or a command: `trivial:accept`."""
        return f"{SCHEME}{self.way}"

    def check(self, scenario: Scenario) -> None:
        """Raise `CannotPlay` where the scenario has no payoff."""
        if scenario.payoff is None:
            raise CannotPlay(
                f"scenario {scenario.id!r} has no payoff, so {self.spec} cannot play in it; choose a scenario with one, or a model"
            )

    def decide(self, view: SeatView) -> Action:
        """What to do now. Raises `CannotPlay` where the scenario has no payoff."""
        now = Moment[Payoff](view)
        decision = self._decide(now)
        return action_of(view.spec, put_in_words(now, decision), decision)

    def _decide(self, now: Moment[Payoff]) -> Decision:
        if now.moves is None or not now.moves.kinds:
            return Decision("wait")
        written = isinstance(now.payoff, Division) and now.payoff.settled_by == "selection"
        return self._deals(now) if isinstance(now.payoff, Deal) and not written else self._chooses(now)

    async def act(self, view: SeatView) -> Reply:
        """What to do now. No model is asked. Raises `CannotPlay` where the scenario has no payoff."""
        return Reply(self.decide(view))


def trivial(spec: str) -> Trivial:
    """The trivial player of a specification such as `trivial:accept`, or of a policy's style. Raises `ModelNotFound` with those there are."""
    wanted = spec.removeprefix(SCHEME)
    for way in WAYS:
        if wanted in (way, f"{way}@{_VERSION}"):
            return Trivial(way)
    known = ", ".join(SCHEME + way for way in WAYS)
    raise ModelNotFound(f"{SCHEME}{wanted} names no trivial player of this version; there are: {known}")
