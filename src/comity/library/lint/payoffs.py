"""Whether a payoff can come to anything, and whether the story beside it tells the same numbers. What is private is in `leaks`."""

import itertools
import re
from collections.abc import Iterator, Mapping

from comity.library.lint.findings import Found, Shelf, place, prose
from comity.library.lint.words import numbers, sentences, stem, words
from comity.world.choices import Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Deal, Division, Price
from comity.world.payoffs import Utilities
from comity.world.positions import Position
from comity.world.scenarios import Scenario

__all__ = ["contradicts_payoff", "deaf_payoff", "flat_payoff", "needless_deal", "unexplained_payoff"]


def flat_payoff(shelf: Shelf) -> Iterator[Found]:
    """A payoff in which it makes no difference to a seat what comes out."""
    for scenario in shelf.scenarios:
        results = _results(scenario)
        for seat in scenario.seats:
            if results and len({points[seat.id] for points in results}) == 1:
                points = f"{results[0][seat.id]:g}"
                yield Found(place(scenario), "payoff", f"seat {seat.id!r} has {points} points whatever comes out")
        if isinstance(scenario.payoff, MutualFriend | Secret) and not scenario.payoff.points:
            yield Found(place(scenario), "payoff.points", "nobody has any points whatever comes out")


def deaf_payoff(shelf: Shelf) -> Iterator[Found]:
    """A payoff that no moves can settle: no deal serves all who must accept it, though a deal is what the parties are there for.

    A price is left out: there may be no zone of agreement, and then walking away is right.
    """
    for scenario in shelf.scenarios:
        none, *deals = _results(scenario) or [{}]
        served = any(points != none and all(points[seat] >= had for seat, had in none.items()) for points in deals)
        if deals and not served and not isinstance(scenario.payoff, Price):
            yield Found(
                place(scenario), "payoff", "every deal leaves a seat worse off than none does; nobody can agree"
            )


def needless_deal(shelf: Shelf) -> Iterator[Found]:
    """A payoff without a conflict: one deal is the best of all for every seat."""
    for scenario in shelf.scenarios:
        results = _results(scenario)
        best = {seat.id: max(points[seat.id] for points in results) for seat in scenario.seats} if results else {}
        if best in results:
            yield Found(
                place(scenario), "payoff", "one deal gives every seat the most it can have, so there is no conflict"
            )


def contradicts_payoff(shelf: Shelf) -> Iterator[Found]:
    """A number in the prose that the payoff cannot mean.

    A limit in a goal beyond the price range or on the wrong side of the seat's reserve, a count of the shared things other
    than theirs, an endowment or a limit other than the payoff's.
    """
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            for reason in _contradictions(scenario, field, text):
                yield Found(place(scenario), field, reason)


def unexplained_payoff(shelf: Shelf) -> Iterator[Found]:
    """Things to be shared out of which the prose says nothing."""
    for scenario in shelf.scenarios:
        if not isinstance(scenario.payoff, Division):
            continue
        told = {stem(word) for _, text in prose(scenario) for word in words(text)}
        items = {item: {stem(word) for word in re.split(r"[_.-]", item.casefold())} for item in scenario.payoff.items}
        if missing := [item for item, named in items.items() if not named & told]:
            yield Found(place(scenario), "payoff.items", f"the prose does not speak of {', '.join(missing)}")


def _results(scenario: Scenario) -> list[Utilities]:
    """No deal, and then every deal there is; nothing for payoffs of other kinds, which have too many results to list."""
    if not isinstance(scenario.payoff, Deal):
        return []
    return list(scenario.payoff.reachable(Position(tuple(seat.id for seat in scenario.seats))))


def _contradictions(scenario: Scenario, field: str, text: str) -> Iterator[str]:
    match scenario.payoff:
        case Price() as price:
            seat = field.split(".")[1] if field.endswith(".goal") else ""
            yield from _limits_beyond(price, seat, text)
        case Division() as division:
            yield from _other_counts(division.items, text)
        case PublicGoods() as goods if field == "setting":
            yield from _other_amounts(goods.endowment, goods.unit, "endowment", text)
        case Gift() as gift if field == "setting":
            yield from _other_amounts(gift.limit, gift.unit, "limit", text)
        case _:
            return


def _limits_beyond(price: Price, seat: str, text: str) -> Iterator[str]:
    """Only in a goal, and only of what is said in the unit of the price."""
    if not seat:
        return
    low, high = price.range
    for sentence in sentences(text):
        for amount in _amounts(sentence, price.unit):
            if not low <= amount <= high:
                yield f"{price.unit}{amount:g} is outside of the prices that can be named, {low} to {high}"
            elif _AS_A_LIMIT.search(sentence):
                wrong = amount > price.reserves[seat] if seat == price.buyer else amount < price.reserves[seat]
                if wrong:
                    yield f"{price.unit}{amount:g} as a limit, where the seat loses from {price.reserves[seat]} on"


def _amounts(text: str, unit: str) -> Iterator[float]:
    sign = re.escape(unit)
    for found in re.finditer(rf"{sign}\s?([\d.,]*\d)|([\d.,]*\d)\s?{sign}", text, re.IGNORECASE):
        yield from numbers(found[1] or found[2])


def _other_counts(items: Mapping[str, int], text: str) -> Iterator[str]:
    counted = {stem(item.casefold()): (item, count) for item, count in items.items()}
    found = words(text)
    for before, word in itertools.pairwise(found):
        item, count = counted.get(stem(word), ("", 0))
        said = numbers(before)
        if item and said and before not in ("one", "1") and count not in said:
            yield f"'{before} {word}', where the payoff shares out {count} {item}"


def _other_amounts(amount: int, unit: str, name: str, text: str) -> Iterator[str]:
    said = {number for number in _amounts(text, _SIGNS.get(unit, unit)) if number > 1}
    if said and amount not in said and not any(number in (amount / 100, amount * 100) for number in said):
        yield f"{', '.join(f'{number:g}' for number in sorted(said))} {unit}, where the payoff's {name} is {amount}"


_AS_A_LIMIT = re.compile(
    r"\b(?:above|below|over|under|beyond|more than|less than)\b.*\b(?:walk|keep|leave|refuse|no)\b", re.IGNORECASE
)
_SIGNS = {"dollars": "$", "euros": "€", "pounds": "£"}
