"""Whether a payoff can come to anything, and whether the story beside it tells the same numbers. What is private is in `leaks`."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

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

    In a goal a price out of range or at which the seat would lose, in any private text a limit on the wrong side of its reserve; a
    count of the shared things other than theirs, an endowment or a limit other than the payoff's.
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
            yield from _limits_beyond(price, field, text)
        case Division() as division:
            yield from _other_counts(division.items, text)
        case PublicGoods() as goods if field == "setting":
            yield from _other_amounts(goods.endowment, goods.unit, "endowment", text)
        case Gift() as gift if field == "setting":
            yield from _other_amounts(gift.limit, gift.unit, "limit", text)
        case _:
            return


def _limits_beyond(price: Price, field: str, text: str) -> Iterator[str]:
    """Only in what one seat alone is told: limits of its own, and in a goal every sum in the unit of the price."""
    _, _, rest = field.partition("seats.")
    seat, _, name = rest.rpartition(".")
    if seat not in price.reserves or name == "role":
        return
    low, high = price.range
    reserve, most = price.reserves[seat], seat == price.buyer
    for sentence in sentences(text):
        own = name == "goal" or _OWN_DEED.search(sentence) is not None
        limits = set(_limits(sentence, price.unit, _AT_MOST if most else _AT_LEAST)) if own else set()
        named = set(_amounts(sentence, price.unit)) if name == "goal" else set()
        for amount in sorted(limits | named):
            said = f"{price.unit}{amount:g}"
            if name == "goal" and not low <= amount <= high:
                yield f"{said} is outside of the prices that can be named, {low} to {high}"
            elif (amount > reserve if most else amount < reserve) and (
                amount in limits or not _THE_OTHERS.search(sentence)
            ):
                yield f"{said} as a price, where the seat loses from {reserve} on"


def _limits(sentence: str, unit: str, kind: re.Pattern[str]) -> Iterator[float]:
    """The sums beside words for the most one pays or the least one takes: in the unit, in figures without any, or in words."""
    for found in kind.finditer(sentence):
        after, before = sentence[found.end() : found.end() + 40], sentence[max(0, found.start() - 25) : found.start()]
        yield from _amounts(after, unit)
        if bare := _BARE_AFTER.match(after):
            yield from numbers(bare[0])
        if spelt := re.match(
            rf"\W*(?:of |is |at |about )?({_NUMBER})(?: (?:{_worded(unit)})\b|[.,;:!?]|$)", after, re.IGNORECASE
        ):
            yield from (number for number in numbers(spelt[1]) if number >= _A_SUM)
        if _ENDS.match(found[0]):
            yield from _amounts(before, unit)
            yield from numbers(last[0]) if (last := re.search(r"\d[\d.,]*\d\W*$", before)) else ()


def _worded(unit: str) -> str:
    """The words for a unit of money, singular and plural."""
    return next((rf"{word[:-1]}s?" for word, sign in _SIGNS.items() if unit in (sign, word)), re.escape(unit) + "s?")


def _amounts(text: str, unit: str) -> Iterator[float]:
    sign = rf"(?:{re.escape(unit)}|{_worded(unit)})"
    for found in re.finditer(rf"{sign}\s?([\d.,]*\d)|([\d.,]*\d)\s?{sign}", text, re.IGNORECASE):
        yield from numbers(found[1] or found[2])


def _other_counts(items: Mapping[str, int], text: str) -> Iterator[str]:
    counted = {stem(item.casefold()): (item, count) for item, count in items.items()}
    found = words(text)
    for before, word in pairwise(found):
        item, count = counted.get(stem(word), ("", 0))
        said = numbers(before)
        if item and said and before not in ("one", "1") and count not in said:
            yield f"'{before} {word}', where the payoff shares out {count} {item}"


def _other_amounts(amount: int, unit: str, name: str, text: str) -> Iterator[str]:
    said = {number for number in _amounts(text, _SIGNS.get(unit, unit)) if number > 1}
    if said and amount not in said and not any(number in (amount / 100, amount * 100) for number in said):
        yield f"{', '.join(f'{number:g}' for number in sorted(said))} {unit}, where the payoff's {name} is {amount}"


_A_SUM = 13
"""Smaller numbers in words, and without a unit, are counts and hours."""

_BARE_AFTER = re.compile(
    r"\W{0,2}(?:of |is |at |about )?\W?\d[\d.,]*\d(?=\s*(?:[.,;:!?)]|$|(?:for|to|and|or|in|on|if)\b))", re.IGNORECASE
)
_NUMBER = (
    r"(?:(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|hundred|thousand|an?|and)\b[ -]?)+(?<! )"
)
_OWN_DEED = re.compile(
    r"\b(?:pay|paying|afford|spend|spending|go (?:up|down|as|no|to)|raise|put by|purse|budget|take|accept|sell|settle|limit|floor|cap)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"at (?:the )?(?:most|least)|or (?:less|more)|tops|maximum|minimum", re.IGNORECASE)
_AT_MOST = re.compile(
    r"\b(?:at (?:the )?most|no more than|not more than|not (?:go )?(?:above|over|beyond)|never (?:above|over|more than)|up to|as (?:much|high) as"
    r"|above|over|beyond|more than|or less|tops|(?:maximum|limit|ceiling|cap|budget)(?: of| is)?|stop at|under|below|less than|not exceed(?:ing)?)\b",
    re.IGNORECASE,
)
_AT_LEAST = re.compile(
    r"\b(?:at (?:the very )?least|no less than|not less than|not (?:go )?(?:below|under)|never (?:below|under|less than)|down to|as (?:little|low) as"
    r"|below|under|less than|or more|(?:minimum|limit|floor)(?: of| is)?|stop at|over|above|more than)\b",
    re.IGNORECASE,
)
_THE_OTHERS = re.compile(
    r"\b(?:asks?|asking|offers?|offered|wants?|demands?|card|tag|listed|advertised|worth|cost)\b", re.IGNORECASE
)
"""What is asked or offered by the other, or what the thing is priced at, is no price that the seat itself wants."""

_SIGNS = {"dollars": "$", "euros": "€", "pounds": "£"}
