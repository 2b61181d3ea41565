"""Fresh games: any number of scenarios with a payoff, each drawn by hash from its kind, seed and index, in worlds from `templates/`.

They are for training and evaluation at scale. They are worth playing, but nobody wrote them by hand: what a benchmark is judged by
is the library itself. Nothing here plays a game or casts anybody.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count as counted
from itertools import islice

from comity.library.drawing import FRESH_VERSION, Draw, World, worlds
from comity.library.fresh_choices import dilemma, gift, mutual_friend, public_goods, secret
from comity.library.fresh_deals import contract, division, price
from comity.world.scenarios import Scenario

__all__ = ["FRESH_KINDS", "UnknownKind", "fresh", "fresh_one", "fresh_within", "fresh_worlds", "world_of"]

_MAKERS: Mapping[str, Callable[[Draw], dict[str, object]]] = {
    "division": division,
    "price": price,
    "contract": contract,
    "dilemma": dilemma,
    "public_goods": public_goods,
    "mutual_friend": mutual_friend,
    "secret": secret,
    "gift": gift,
}

FRESH_KINDS = tuple(_MAKERS)
"""The kinds of payoff that there are fresh games of."""


_SOURCE = re.compile(r"Comity fresh@(\d+) (\w+) (-?\d+)/(\d+)")


class UnknownKind(ValueError):
    """There are no fresh games of this kind."""


def fresh(kind: str, count: int, seed: int = 0) -> tuple[Scenario, ...]:
    """So many fresh scenarios of a kind of payoff. The first of a longer list are those of a shorter one. Raises `UnknownKind`."""
    return tuple(fresh_one(kind, index, seed) for index in range(count))


def fresh_one(kind: str, index: int, seed: int = 0) -> Scenario:
    """The fresh scenario of this kind, seed and index, from 0. Raises `UnknownKind`."""
    made = _maker(kind)(Draw(kind, seed, index))
    return Scenario.model_validate(
        {
            "id": f"fresh_{kind}_{seed}_{index}".replace("-", "m"),
            "family": worlds(kind).family,
            "source": f"Comity fresh@{FRESH_VERSION} {kind} {seed}/{index}",
            "licence": "Apache-2.0",
            **made,
        }
    )


def fresh_within(kind: str, within: Collection[str], wanted: int, seed: int = 0) -> tuple[Scenario, ...]:
    """The first so many fresh scenarios of a kind that are set in one of these worlds. Raises `UnknownKind`, and `ValueError` for a world
    that the kind does not have.
    """
    known = {str(world["id"]) for world in _worlds(kind)}
    if not within or (strangers := sorted(set(within) - known)):
        said = ", ".join(strangers) if within else "none of them"
        raise ValueError(f"{said}: games of kind {kind!r} are set in: {', '.join(sorted(known))}")
    indices = (index for index in counted() if str(Draw(kind, seed, index).world["id"]) in within)
    return tuple(fresh_one(kind, index, seed) for index in islice(indices, wanted))


def world_of(scenario: Scenario) -> str | None:
    """The hand-written world that a fresh scenario is set in, such as `division/cellar`; `None` for any other scenario.

    Of one that another version of the worlds made, all that can be told is its kind.
    """
    if (found := _SOURCE.fullmatch(scenario.source)) is None:
        return None
    version, kind, seed, index = found.groups()
    if int(version) != FRESH_VERSION:
        return f"{kind}/of-version-{version}"
    return f"{kind}/{Draw(kind, int(seed), int(index)).world['id']}"


def fresh_worlds(kind: str, count: int = 0, seed: int = 0) -> Mapping[str, int]:
    """By hand-written world of the kind, how many of the first so many games are set in it. Raises `UnknownKind`.

    Games of one world differ in their numbers, in what is drawn from its lists (place, hour, things) and in the goals and reasons that
    are chosen; what the story is about they share.
    """
    there = _worlds(kind)
    found = Counter(str(Draw(kind, seed, index).world["id"]) for index in range(count))
    return {str(world["id"]): found[str(world["id"])] for world in there}


def _worlds(kind: str) -> Sequence[World]:
    _maker(kind)
    return worlds(kind).worlds


def _maker(kind: str) -> Callable[[Draw], dict[str, object]]:
    if kind not in _MAKERS:
        raise UnknownKind(f"there are no fresh games of kind {kind!r}; there are: {', '.join(FRESH_KINDS)}")
    return _MAKERS[kind]
