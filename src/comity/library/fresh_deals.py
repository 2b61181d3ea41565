"""Fresh divisions, prices and contracts. Private values are drawn until there is something to be won for both, in most of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import cast

from comity.agents.negotiators.wording import joined, number, phrase
from comity.library.drawing import Draw, World, scenario, seat

__all__ = ["contract", "division", "price"]

_ROOM = 8
"""One game in so many is left as it was drawn, with room for trade or without."""
_DRAWS = 40

Made = dict[str, object]
Values = Mapping[str, Mapping[str, int]]


def division(draw: Draw) -> Made:
    """Three to five things, each worth 0 to 9 points a unit; a deal better than half of all for both, in most games."""
    world, words = draw.world, draw.words()
    things = cast("Mapping[str, Sequence[int]]", world["things"])
    chosen = draw.some(sorted(things), draw.between(3, 5, "how many"), "things")
    items = {item: draw.between(*things[item], "count", item) for item in chosen}
    seats = _seats(world)
    values = next(v for v, good in _values(draw, [str(s["id"]) for s in seats], items) if good)
    words["things"] = joined(_there(item, count) for item, count in items.items())
    payoff: Made = {"kind": "division", "items": items, "values": values}
    if draw.below(3, "fallback") == 0:
        whole = {who: sum(items[item] * points for item, points in of.items()) for who, of in values.items()}
        payoff["disagreement"] = {who: draw.between(0, whole[who] // 4, "fallback", who) for who in values}
    if draw.below(5, "settled") == 0:
        payoff["settled_by"] = "selection"
    told = [seat(draw, s, words | _priorities(values[str(s["id"])])) for s in seats]
    return scenario(draw, words, told, payoff, draw.one((8, 10, 12, 14), "turns"))


def _values(draw: Draw, seats: Sequence[str], items: Mapping[str, int]) -> Iterator[tuple[Values, bool]]:
    """Values as they are drawn, and whether they will do; the last always do."""
    for time in range(_DRAWS):
        values = {who: {item: draw.between(0, 9, "value", who, item, time) for item in items} for who in seats}
        sound = all(len(set(of.values())) > 1 for of in values.values())
        good = sound and (draw.below(_ROOM, "room") == 0 or _better_than_half(items, *values.values()))
        yield values, good or time == _DRAWS - 1


def _better_than_half(items: Mapping[str, int], one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    half, other_half = (sum(items[i] * of[i] for i in items) / 2 for of in (one, other))
    for taken in product(*(range(count + 1) for count in items.values())):
        mine = sum(count * one[item] for item, count in zip(items, taken, strict=True))
        theirs = sum((items[item] - count) * other[item] for item, count in zip(items, taken, strict=True))
        if mine > half and theirs > other_half:
            return True
    return False


def _there(item: str, count: int) -> str:
    noun = phrase(item)
    if count == 1:
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return f"{number(count)} {noun}" if noun.endswith("s") else f"{number(count)} lots of {noun}"


def _priorities(values: Mapping[str, int]) -> dict[str, str]:
    ranked = sorted(values, key=lambda item: values[item])
    return {"dear": f"the {phrase(ranked[-1])}", "cheap": f"the {phrase(ranked[0])}"}


_STEPS = tuple(part * ten for ten in (1, 10, 100, 1000) for part in (1, 2, 5))
"""What one haggles in, as money comes."""
_PRICES = 60
"""No range has more steps than this."""
_EDGE = 20
"""Reserves stay this part of the range's length away from its ends, so that there is something to ask for."""


def price(draw: Draw) -> Made:
    """A public range and two reserves with a wide zone of agreement, a narrow one, or none in one game of six.

    The range is drawn first and from the world alone. The reserves then stand anywhere in it, so that it tells neither of them, nor what
    would be a fair price; a seat's own reserve leaves the other's open too.
    """
    world, words = draw.world, draw.words()
    step, ends = _range(draw, *cast("Sequence[int]", world["scale"]))
    buyer, seller = (cast("World", world[side]) for side in ("buyer", "seller"))
    at = _places(draw, (ends[1] - ends[0]) // step)
    payoff: Made = {
        "kind": "price",
        "buyer": buyer["id"],
        "seller": seller["id"],
        "range": ends,
        "step": step,
        "unit": world["unit"],
        "reserves": {str(side["id"]): ends[0] + step * place for side, place in zip((buyer, seller), at, strict=True)},
    }
    return scenario(draw, words, [seat(draw, s, words) for s in (buyer, seller)], payoff, 12)


def _range(draw: Draw, low: int, high: int) -> tuple[int, tuple[int, int]]:
    """The step and the ends, both of them round."""
    worth = draw.between(low, high, "worth")
    bottom, top = worth * draw.between(25, 60, "bottom") // 100, worth * draw.between(150, 260, "top") // 100
    step = next(step for step in _STEPS if top - bottom <= _PRICES * step)
    return step, (step * max(bottom // step, 1), step * (top // step))


def _places(draw: Draw, steps: int) -> tuple[int, int]:
    """Where the buyer's reserve and the seller's are, in steps from the bottom: first how far apart, then anywhere that leaves room for it."""
    edge = max(steps // _EDGE, 2)
    sort = draw.below(6, "zone")
    least, most = ((1, 35), (2, 12), (2, 12), (12, 55), (12, 55), (12, 55))[sort]
    apart = max(
        steps * draw.between(least, most, "apart") // 100, 2
    )  # in two steps there is a price that is better for both
    lower = draw.between(edge, steps - edge - apart, "where")
    return (lower, lower + apart) if sort == 0 else (lower + apart, lower)


def contract(draw: Draw) -> Made:
    """Three to five issues. The first seat would like the options at one end and the last those at the other, but for common ground; which
    end is first in the list is drawn, and what each issue weighs differs from seat to seat. Without a deal each has about a third of
    its most.
    """
    world, words = draw.world, draw.words()
    offered = cast("Mapping[str, Sequence[str]]", world["issues"])
    most = min(len(offered), 5)
    chosen = draw.some(list(offered), draw.between(min(3, most), most, "how many"), "issues")
    turned = {issue: draw.one((1, -1), "turned", issue) for issue in chosen}
    issues = {issue: list(offered[issue])[:: turned[issue]] for issue in offered if issue in chosen}
    seats = _seats(world)
    points = {str(s["id"]): _points(draw, issues, turned, at, len(seats)) for at, s in enumerate(seats)}
    words["issues"] = joined(f"the {phrase(issue)}" for issue in issues)
    payoff: Made = {
        "kind": "contract",
        "issues": issues,
        "points": points,
        "disagreement": {who: _fallback(draw, who, of) for who, of in points.items()},
    }
    told = [seat(draw, s, words | _wishes(issues, points[str(s["id"])])) for s in seats]
    return scenario(draw, words, told, payoff, draw.one((12, 14, 16), "turns") + 3 * (len(seats) - 2))


def _points(
    draw: Draw, issues: Mapping[str, Sequence[str]], turned: Mapping[str, int], at: int, seats: int
) -> dict[str, list[int]]:
    weights = draw.some((40, 30, 24, 16, 10), len(issues), "weights", at)
    points: dict[str, list[int]] = {}
    for (issue, options), weight in zip(issues.items(), weights, strict=True):
        last = len(options) - 1
        common = draw.below(5, "common", issue) == 0
        best = draw.below(last + 1, "common best", issue) if common else round(at * last / (seats - 1))
        far = max(best, last - best)
        points[issue] = [round(weight * (1 - abs(option - best) / far)) for option in range(last + 1)][:: turned[issue]]
    return points


def _fallback(draw: Draw, who: str, points: Mapping[str, Sequence[int]]) -> int:
    return sum(map(max, points.values())) * draw.between(20, 45, "fallback", who) // 100


def _wishes(issues: Mapping[str, Sequence[str]], points: Mapping[str, Sequence[int]]) -> dict[str, str]:
    ranked = sorted(points, key=lambda issue: max(points[issue]))
    dear, cheap = ranked[-1], ranked[0]
    best = issues[dear][points[dear].index(max(points[dear]))]
    return {"dear": f"the {phrase(dear)}", "cheap": f"the {phrase(cheap)}", "wish": best}


def _seats(world: World) -> list[World]:
    return cast("list[World]", world["seats"])
