"""What is told to those who must not know it: a seat's private facts in another seat's texts or in the setting, and secrets anywhere.

The measures were set on the shipped library and on SOTOPIA's 90 scenarios, where what they find is few and true.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import chain, permutations, product
from operator import mul

from comity.library.lint.findings import Found, Shelf, place, private_text, prose, public_text
from comity.library.lint.words import (
    FUNCTION_WORDS,
    content,
    is_row,
    joined,
    numbers,
    plain_content,
    runs,
    sentences,
    words,
)
from comity.world.choices import MutualFriend, Secret
from comity.world.deals import Price
from comity.world.scenarios import Scenario, Seat

__all__ = [
    "leaked_fact",
    "leaked_number",
    "leaked_phrase",
    "retold_goal",
    "tells_mind",
    "told_judge_note",
    "told_payoff",
    "told_publicly",
    "told_secret",
    "told_to_both",
]

_RUN, _LONG_RUN, _CARRYING = 5, 8, 3
"""A run of five words of which three carry something, or of eight of which two do, is nobody's by chance."""

_CLAUSE = 5
"""Fewer words say too little to be compared by what they mean."""

_CLOSE = 0.62
"""The cosine from which a goal tells the other's fact, with all-MiniLM-L6-v2, measured on the shipped library.

Of its 1,279 pairs of a goal's sentence and another seat's fact half come to 0.21, one in twenty to 0.45, one in a hundred to 0.55 and the
closest to 0.616; four that came to 0.64 to 0.68, by speaking of the same doors or the same rent, were put otherwise. Of 24 of its facts that
were told again in other words for this, 9 come to it by themselves and 7 within a longer goal, so that most paraphrases pass: this rule finds
some of what words do not show, and is no proof of anything where it is silent.
"""

_SMALL = 13
"""Numbers below it are hours, counts and floors that any two texts may share."""


def leaked_number(shelf: Shelf) -> Iterator[Found]:
    """A number that two seats are told in private and nobody in public: one of them knows what only the other should.

    What lies between the two, such as a debt, both may know: then both sentences name the other.
    """
    for scenario, seat, other in _pairs(shelf):
        public = numbers(public_text(scenario))
        told = {
            number
            for one, two in product(sentences(private_text(seat)), sentences(private_text(other)))
            for number in (_telling(one) & _telling(two)) - public
            if not (_names(one, other) and _names(two, seat))
        }
        if told and _first(scenario, seat, other):
            yield Found(
                place(scenario),
                f"seats.{seat.id}",
                f"{', '.join(f'{number:g}' for number in sorted(told))} is private to this seat and to {other.id!r}; "
                "tell it to one alone, or to all in the setting",
            )


def leaked_phrase(shelf: Shelf) -> Iterator[Found]:
    """Five words in a row, three of which carry something, that two seats are told in private and nobody in public."""
    common = _in_many(shelf)
    for scenario, seat, other in _pairs(shelf):
        if not _first(scenario, seat, other):
            continue
        public = _telling_runs(public_text(scenario))
        one, two = (_own(text, scenario) for text in (seat, other))
        shared = set(_telling_runs(one)) & set(_telling_runs(two)) - public - common
        if shared:
            yield Found(
                place(scenario),
                f"seats.{seat.id}",
                f"{_quoted(shared)} stands in the private texts of this seat and of {other.id!r}; "
                "one of them is told the other's business, or both are told what belongs in the setting",
            )


def leaked_fact(shelf: Shelf) -> Iterator[Found]:
    """A sentence of a seat's extra information whose telling words come again in a sentence that another seat is told.

    At least half of those that are not of the setting nor of many scenarios, and three of them; or four in five of all, and two.
    """
    for scenario, seat, other in _pairs(shelf):
        public = set(content(public_text(scenario)))
        heard = sentences(_own(other, scenario))
        for fact in sentences(_own(seat, scenario, extra=True)):
            every = plain_content(fact)
            own = {word for word in every if word not in public and shelf.is_rare(word)}
            said = max(heard, key=lambda sentence: len(every & plain_content(sentence)), default="")
            told, all_told = own & plain_content(said), every & plain_content(said)
            is_told = len(told) >= max(3, len(own) / 2) or (len(told) > 1 and len(all_told) >= max(3, 0.8 * len(every)))
            if is_told and not (_names(fact, other) and _names(said, seat)):
                yield Found(
                    place(scenario),
                    f"seats.{seat.id}.extra_info",
                    f"seat {other.id!r} is told the same ({', '.join(sorted(told))}); a private fact is for one seat alone",
                )


def told_to_both(shelf: Shelf) -> Iterator[Found]:
    """A whole sentence, other than the goal, that several seats are told in private, word for word: it is no secret between them."""
    for scenario, seat, other in _pairs(shelf):
        one, two = (joined((each.extra_info, each.clarification_hint, each.strategy_hint)) for each in (seat, other))
        shared = [
            said
            for said in sentences(one)
            if said in sentences(two) and not said.strip().endswith(":") and not is_row(said)
        ]
        if shared and _first(scenario, seat, other):
            yield Found(
                place(scenario),
                f"seats.{seat.id}",
                f'"{shared[0]}" is told to this seat and to {other.id!r}; what both may know belongs in the setting',
            )


def retold_goal(shelf: Shelf) -> Iterator[Found]:
    """With an embedder: a goal that means nearly what another seat's private fact does, by a sentence or a clause, in whatever words."""
    if shelf.embed is None:
        return
    held = [(scenario, seat, other, *_goal_and_facts(seat, other)) for scenario, seat, other in _pairs(shelf)]
    texts = list(dict.fromkeys(text for *_, said, facts in held for text in (*said, *facts)))
    meant = dict(zip(texts, shelf.embed(texts) if texts else (), strict=True))
    for scenario, seat, other, said, facts in held:
        close = ((sum(map(mul, meant[part], meant[fact])), fact) for part, fact in product(said, facts))
        nearest, fact = max(close, default=(0.0, ""))
        if nearest >= _CLOSE:
            yield Found(
                place(scenario),
                f"seats.{seat.id}.goal",
                f'means nearly what {other.id!r} alone is told, "{fact}" (cosine {nearest:.2f}); let it be found out',
            )


def told_publicly(shelf: Shelf) -> Iterator[Found]:
    """Extra information that the setting tells everyone: a telling run of five words, or most of a sentence's words."""
    for scenario in shelf.scenarios:
        for seat in scenario.seats:
            own = _own(seat, scenario, extra=True)
            shared = set(_telling_runs(own)) & set(_telling_runs(scenario.setting))
            again = next((fact for fact in sentences(own) if _retold(fact, scenario.setting)), None)
            if shared or again:
                what = _quoted(shared) if shared else f'"{again}"'
                yield Found(
                    place(scenario),
                    f"seats.{seat.id}.extra_info",
                    f"{what} is told to all by the setting; what is public need not be told twice, what is private not once",
                )


def tells_mind(shelf: Shelf) -> Iterator[Found]:
    """A goal that says what another secretly has in mind, does not know, or is going to do."""
    for scenario in shelf.scenarios:
        for seat in scenario.seats:
            for name, text in (("goal", seat.goal), ("strategy_hint", seat.strategy_hint)):
                if said := _MIND.search(text):
                    yield Found(
                        place(scenario),
                        f"seats.{seat.id}.{name}",
                        f'"{said[0]}" says what is in another\'s mind; say what this seat wants, and let it find out the rest',
                    )


def told_secret(shelf: Shelf) -> Iterator[Found]:
    """A character's secret in any other text: a telling run of its words, or most of a sentence's words."""
    texts = list(chain(_texts_of_people(shelf), _texts_of_scenarios(shelf)))
    new = {place(who) for who in shelf.characters}
    old = {place(who) for who in shelf.people} - new
    for who in shelf.people:
        runs_of_it = _telling_runs(who.secret)
        for record, field, text in texts if who.secret else ():
            if (record == place(who) and field == "secret") or (record in old and place(who) not in new):
                continue
            if runs_of_it & _telling_runs(text) or _retold(who.secret, text, _RUN):
                yield Found(record, field, f"tells the secret of {who.id!r}; a secret stands nowhere else")


def told_judge_note(shelf: Shelf) -> Iterator[Found]:
    """A judge's note whose telling words stand in what the seats are told."""
    for scenario in shelf.scenarios:
        note = set(_telling_runs(scenario.judge_note))
        for field, text in prose(scenario):
            if note & set(_telling_runs(text)):
                yield Found(place(scenario), field, "repeats the judge's note, which no seat may know")


def told_payoff(shelf: Shelf) -> Iterator[Found]:
    """A private part of the payoff in the setting or in another seat's texts.

    A reserve price, the answer that is kept (unless the other options stand beside it), the friend that is looked for.
    """
    for scenario in shelf.scenarios:
        for field, text, hears in _heard(scenario):
            if told := _payoff_told(scenario, text, hears):
                yield Found(place(scenario), field, f"tells {told} of the payoff to those who must not know it")


_MIND = re.compile(
    r"""
      \b (?: who | whom | that\ they | because\ they | the\ other(?:\ \w+)? | the\ \w+ | they | your\ \w+ | he | she ) \ secretly\b
    | \b (?: does\ not | doesn't | do\ not | don't ) \ (?:yet\ )? know \ (?: that \ )? you \ know \b
    | \b (?: the\ other(?:\ \w+)? | the\ \w+ | who | they ) \ (?: will | is\ going\ to | are\ going\ to )
      \ (?: \w+\ ){0,2}? (?: agree | accept | refuse | give\ in | yield | lie | pretend | demand | offer | propose | try ) \b
    | \b without\ (?:\w+\ ){1,3}? knowing\ that\ you\ know \b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _pairs(shelf: Shelf) -> Iterator[tuple[Scenario, Seat, Seat]]:
    for scenario in shelf.scenarios:
        yield from ((scenario, one, other) for one, other in permutations(scenario.seats, 2))


def _first(scenario: Scenario, seat: Seat, other: Seat) -> bool:
    """Of the two orders of a pair, the one of the scenario: what both have is said once."""
    return scenario.seats.index(seat) < scenario.seats.index(other)


def _telling(text: str) -> set[float]:
    dear = {number for amount in re.findall(r"[$€£¥]\s?[\d.,]+", text) for number in numbers(amount) if number > 1}
    return dear | {number for number in numbers(text) if number >= _SMALL or number % 1}


@lru_cache(maxsize=20_000)
def _telling_runs(text: str) -> frozenset[tuple[str, ...]]:
    short = (run for run in runs(text, _RUN) if _carrying(run) >= _CARRYING)
    return frozenset((*short, *(run for run in runs(text, _LONG_RUN) if _carrying(run) >= _CARRYING - 1)))


def _carrying(run: tuple[str, ...]) -> int:
    return sum(word not in FUNCTION_WORDS for word in run)


def _own(seat: Seat, scenario: Scenario, *, extra: bool = False) -> str:
    """What the seat is told in prose, without what all are told word for word, tables, and who has how many points for what."""
    alike = {said for other in scenario.seats if other is not seat for said in sentences(private_text(other))}
    kept = sentences(seat.extra_info if extra else private_text(seat))
    return joined(said for said in kept if said not in alike and not is_row(said) and "point" not in content(said))


def _goal_and_facts(seat: Seat, other: Seat) -> tuple[list[str], list[str]]:
    """The sentences of a goal with the parts between their commas, and those of the other's facts, where they say something."""
    goal = sentences(seat.goal)
    parts = dict.fromkeys(chain(goal, chain.from_iterable(re.split(r"[,;:]", each) for each in goal)))
    said, facts = (
        [each for each in texts if len(words(each)) >= _CLAUSE] for texts in (parts, sentences(other.extra_info))
    )
    return said, facts


def _names(sentence: str, other: Seat) -> bool:
    said = set(words(sentence))
    return "other" in said or bool(said & set(words(other.role)) - FUNCTION_WORDS)


def _in_many(shelf: Shelf) -> set[tuple[str, ...]]:
    """Runs that stand in more than two scenarios: a manner of speaking, not a fact."""
    counts: dict[tuple[str, ...], int] = {}
    for scenario in shelf.every_scenario:
        for run in set(chain.from_iterable(_telling_runs(private_text(seat)) for seat in scenario.seats)):
            counts[run] = counts.get(run, 0) + 1
    return {run for run, count in counts.items() if count > 2}


def _quoted(shared: Iterable[tuple[str, ...]]) -> str:
    return f'"{" ".join(min(shared))}"'


def _retold(fact: str, text: str, least: int = 3) -> bool:
    """Whether a sentence of the text has at least three in five of the telling words of a fact, numbers apart."""
    own = plain_content(fact)
    return any(len(own & plain_content(said)) >= max(least, 0.6 * len(own)) for said in sentences(text))


def _texts_of_people(shelf: Shelf) -> Iterator[tuple[str, str, str]]:
    for who in shelf.people:
        told = {
            "public_info": who.public_info,
            "personality": who.personality,
            "decision_style": who.decision_style,
            "secret": who.secret,
        }
        yield from ((place(who), field, text) for field, text in told.items())
    yield from ((place(each), "background", each.background) for each in shelf.collection.relationships)


def _texts_of_scenarios(shelf: Shelf) -> Iterator[tuple[str, str, str]]:
    for scenario in shelf.scenarios:
        yield from ((place(scenario), field, text) for field, text in prose(scenario))


def _heard(scenario: Scenario) -> Iterator[tuple[str, str, Collection[str]]]:
    """Every text of a scenario with the seats that hear it."""
    everyone = {seat.id for seat in scenario.seats}
    for field, text in prose(scenario):
        _, _, rest = field.partition("seats.")
        seat, _, name = rest.rpartition(".")
        yield field, text, {seat} if rest and name != "role" else everyone


def _payoff_told(scenario: Scenario, text: str, hears: Collection[str]) -> str:
    match scenario.payoff:
        case Price() as price:
            public = {*map(float, price.range), *numbers(public_text(scenario))} - set(
                map(float, price.reserves.values())
            )
            kept = {seat: float(reserve) for seat, reserve in price.reserves.items() if set(hears) - {seat}}
            own = {float(price.reserves[seat]) for seat in hears} if len(hears) == 1 else set()
            told = [seat for seat, reserve in kept.items() if reserve in numbers(text) - public - own]
            return f"the reserve of {told[0]!r}" if told else ""
        case Secret() as secret if set(hears) - {secret.keeper} and _stands(secret.answer, text):
            others = [option for option in secret.options if option != secret.answer]
            among = joined((text, public_text(scenario)))
            return "" if any(_stands(option, among) for option in others) else "the answer"
        case MutualFriend() as friends:
            (shared,) = set.intersection(*map(set, friends.contacts.values()))
            return "the friend that is looked for" if _stands(shared.partition("(")[0], text) else ""
        case _:
            return ""


def _stands(phrase: str, text: str) -> bool:
    wanted = " ".join(words(phrase.replace("-", " ").replace("_", " ")))
    return f" {wanted} " in f" {' '.join(words(text))} "
