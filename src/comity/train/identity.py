"""What makes two scenarios the same, and two players: whatever stays when names, order, spelling and units are taken away.

Only what can be told from the records; no model is asked whether two texts mean the same, and no file is looked for.
"""

import hashlib
import json
import posixpath
import re
import unicodedata
from collections.abc import Sequence
from itertools import islice, permutations
from math import gcd
from urllib.parse import urlsplit

from comity.agents import negotiators, trivial
from comity.agents.negotiators import canonical
from comity.run.plan import PolicyPlan
from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Division, Price
from comity.world.episodes import Policy
from comity.world.payoffs import Payoff
from comity.world.scenarios import Scenario

__all__ = ["game_of", "known_as", "words_of"]

_MARK = re.compile(r"@[0-9a-f]{12}$")
"""The hash that a specification of weights may end with."""
_ON_DISK = ("hf", "adapter")


def words_of(scenario: Scenario) -> str:
    """A hash of what a scenario is about: its setting and, in whatever order, its goals and what comes with them.

    Letter case, blanks and punctuation do not count, nor what it is called, where it comes from and how long it may take.
    """
    seats = sorted([_plain(seat.goal), _plain(seat.extra_info)] for seat in scenario.seats)
    return _digest([_plain(scenario.setting), seats])


def game_of(scenario: Scenario) -> str | None:
    """A hash of a game once names and words are taken away; `None` where there is no payoff.

    The same are two games that the following turn into one another, since they are played alike: other names and another order of seats,
    things, issues and options; points of a seat multiplied by a positive number and, in a contract, moved by a constant, its disagreement
    value with them (von Neumann and Morgenstern 1944, section 3.5); prices moved or multiplied, or turned around together with buyer and
    seller. Of a secret and of a mutual friend what is looked for is the game, so that its words stay; not their order, case or blanks.
    """
    payoff = scenario.payoff
    if payoff is None:
        return None
    orders = permutations([seat.id for seat in scenario.seats])
    shapes = (_shape(payoff, order) for order in orders)
    return _digest([payoff.kind, min(shapes, key=_canonical)])


def known_as(player: PolicyPlan | Policy | str) -> str:
    """One name for everybody who plays alike but for sampling and prompts, however a plan, a command or a record calls them.

    A path is taken as it is written: `weights/a` and a full path to it are told apart.
    """
    if isinstance(player, str):
        return _spec(player)
    if isinstance(player, PolicyPlan):
        return _with_adapter(_spec(player.model), player.adapter)
    scheme = {negotiators.AGENT: negotiators.SCHEME, trivial.AGENT: trivial.SCHEME}.get(player.agent)
    if scheme is not None:
        return _spec(scheme + (player.style or ""))
    # an agent without a model is nobody whom a plan could name
    return _with_adapter(_spec(player.model) if player.model else f"({player.agent})", player.adapter)


def _with_adapter(model: str, adapter: str | None) -> str:
    return f"{model} with {adapter}" if adapter else model


def _spec(spec: str) -> str:
    scheme, colon, rest = spec.strip().partition(":")
    if not colon:
        return scheme  # what other people's records call a model, such as gpt-4
    scheme, rest = scheme.strip().casefold(), rest.strip()
    if f"{scheme}:" in (negotiators.SCHEME, trivial.SCHEME):
        return f"{scheme}:{canonical(rest)}"
    if scheme in _ON_DISK:
        return f"weights:{posixpath.normpath(_MARK.sub('', rest.removesuffix('#llama.cpp')))}"
    if scheme in ("http", "https"):
        parts = urlsplit(f"{scheme}:{rest}")
        return f"{scheme}://{parts.netloc.casefold()}{parts.path.rstrip('/')}#{parts.fragment.partition('&')[0]}"
    return rest if scheme == "openai" else f"{scheme}:{rest}"


def _shape(payoff: Payoff, order: Sequence[str]) -> object:
    """What is left of the rules with the seats in this order."""
    match payoff:
        case Division():
            return _shares(payoff, order)
        case Contract():
            return _issues(payoff, order)
        case Price():
            return _prices(payoff)
        case Dilemma(temptation=t, reward=r, punishment=p, sucker=s):
            return [payoff.rounds, _scaled([t, r, p, s])]
        case PublicGoods():
            return [payoff.rounds, len(order), payoff.endowment, payoff.factor]
        case MutualFriend(contacts=contacts):
            return [sorted(map(_plain, contacts[seat])) for seat in order]
        case Secret():
            return [len(order), sorted(map(_plain, payoff.options)), _plain(payoff.answer)]
        case Gift():
            return payoff.limit
    raise NotImplementedError(f"the guard cannot compare games of kind {payoff.kind!r}")


def _shares(payoff: Division, order: Sequence[str]) -> object:
    """A row for each thing: how many there are, and what one is worth to each seat."""
    names = list(payoff.items)
    each = [_scaled([payoff.fallback(seat), *(payoff.values[seat][item] for item in names)]) for seat in order]
    things = sorted([payoff.items[item], *worth] for item, worth in zip(names, _worth(each), strict=True))
    return [payoff.settled_by, things, [points[0] for points in each]]


def _issues(payoff: Contract, order: Sequence[str]) -> object:
    """For each issue a row for each option: what it is worth to each seat beyond the least of the issue."""
    each = []
    for seat in order:
        least = {issue: min(points) for issue, points in payoff.points[seat].items()}
        above = [points - least[issue] for issue in payoff.issues for points in payoff.points[seat][issue]]
        each.append(_scaled([payoff.fallback(seat) - sum(least.values()), *above]))
    options = iter(_worth(each))
    issues = sorted(sorted(islice(options, len(of))) for of in payoff.issues.values())
    return [issues, [points[0] for points in each]]


def _prices(payoff: Price) -> object:
    """From the lowest price, and the same seen from the highest, where buyer and seller have changed places."""
    low, high = payoff.range
    buyer, seller = payoff.reserves[payoff.buyer], payoff.reserves[payoff.seller]
    upwards = _scaled([payoff.step, high - low, buyer - low, seller - low])
    downwards = _scaled([payoff.step, high - low, high - seller, high - buyer])
    return min(upwards, downwards)


def _scaled(points: Sequence[int]) -> list[int]:
    """Divided by all that they have in common."""
    common = gcd(*points) or 1
    return [of // common for of in points]


def _worth(each: Sequence[Sequence[int]]) -> list[list[int]]:
    """By thing or option, the points of every seat; those without a deal stand first in a seat's row and are left out."""
    return [list(points) for points in zip(*(row[1:] for row in each), strict=True)]


def _plain(text: str) -> str:
    """Its words and numbers, whatever stands between them."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _digest(value: object) -> str:
    return hashlib.sha256(_canonical(value).encode()).hexdigest()
