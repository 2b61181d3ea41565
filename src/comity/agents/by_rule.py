"""Players that need no model: scripted negotiators and trivial players, from a specification or from a record.

What they share: they play a seat of any scenario with a payoff, take no style or sampling of anybody's, and cost nothing.
"""

from collections.abc import Callable, Mapping

from comity.agents import negotiators, trivial
from comity.agents.negotiators import CannotPlay, Negotiator, negotiator
from comity.agents.trivial import Trivial
from comity.world.episodes import Policy

__all__ = ["CannotPlay", "RulePlayer", "again_by_rule", "is_by_rule", "player_by_rule"]

RulePlayer = Negotiator | Trivial
"""Each has `check(scenario)`, which raises `CannotPlay` where it has nothing to say."""

_BY_SCHEME: Mapping[str, Callable[[str], RulePlayer]] = {
    negotiators.SCHEME: negotiator,
    trivial.SCHEME: trivial.trivial,
}
_BY_AGENT: Mapping[str, Callable[[str], RulePlayer]] = {
    negotiators.AGENT: negotiator,
    trivial.AGENT: trivial.trivial,
}


def is_by_rule(spec: str) -> bool:
    """Whether this specification names a player that needs no model, known here or not."""
    return spec.startswith(tuple(_BY_SCHEME))


def player_by_rule(spec: str) -> RulePlayer:
    """The player of a specification such as `negotiator:linear` or `trivial:noisy`. Raises `ModelNotFound` with those that there are."""
    scheme, colon, _ = spec.partition(":")
    return _BY_SCHEME[scheme + colon](spec)


def again_by_rule(policy: Policy) -> RulePlayer | None:
    """The player that a record names; `None` for the policy of any other agent. Raises `ModelNotFound`."""
    make = _BY_AGENT.get(policy.agent)
    return make(policy.style or "") if make else None
