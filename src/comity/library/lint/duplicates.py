"""What is there twice: records that say nearly the same, sentences built alike, names and ids that are taken.

A record is held against those before it and against all of `against`; a finding is about the later of two.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import chain, combinations
from operator import mul
from typing import NamedTuple, TypeVar

from comity.library.lint.findings import Found, Shelf, place, private_text
from comity.library.lint.words import FUNCTION_WORDS, content, joined, sentences, shingles, words
from comity.world.characters import Character
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = [
    "near_duplicate",
    "same_frame",
    "same_goal",
    "same_goal_frame",
    "same_meaning",
    "same_name",
    "stock_opening",
    "taken_id",
]

_ALIKE, _CONTAINED = 0.1, 0.25
"""Shares of the runs of three words that two texts have in common: of all runs, and of the shorter text's.

The most alike of the shipped scenarios have 0.013 and 0.03. Of the 3,160 pairs of SOTOPIA's scenarios that are not made from a
form, 16 come to 0.1, and all of them tell the same situation in other words.
"""

_LEAST = 8
"""Fewer shared runs are a manner of speaking."""

_CLOSE = 0.74
"""The cosine from which two texts mean nearly the same, set for the setting and goals of scenarios and all-MiniLM-L6-v2.

The most alike of the shipped scenarios have 0.66 and half of their pairs less than 0.29. Of SOTOPIA's scenarios that are not made
from a form every pair from 0.71 on is one situation twice, such as a friend who is asked to give at a charity event. A good scenario
put in other words throughout comes to 0.75. Of SOTOPIA-pi's 689, which a model wrote, two in five have a neighbour at 0.75.
"""

_SAME = 0.6
"""The share of telling words from which two goals are one. In the shipped scenarios no two goals of one share more than 0.3."""

_NAMED = 5
"""So many of those that are repeated are named; of the others it is said how many they are."""

_BRING_ROUND = {"convince", "persuade", "encourage", "urge", "get", "make", "ask", "induce", "move", "bring"}

_T = TypeVar("_T", Character, Relationship, Scenario)


class _Text(NamedTuple):
    record: str
    id: str
    text: str
    new: bool


def near_duplicate(shelf: Shelf) -> Iterator[Found]:
    """A scenario, a character or a relationship that repeats another's prose, by runs of three words."""
    for texts in _kinds(shelf):
        runs = [shingles(each.text, 3) for each in texts]
        holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for at, each in enumerate(texts):
            shared = Counter(chain.from_iterable(holders[run] for run in runs[at])) if each.new else Counter[int]()
            alike = {other: _alike(count, runs[at], runs[other]) for other, count in shared.items()}
            twins = {texts[other].id: share for other, share in alike.items() if share}
            if twins:
                yield Found(
                    each.record,
                    "",
                    f"repeats much of {_listing(twins, '{:.0%}')}, as the share of the shorter one's runs of three words",
                )
            for run in runs[at]:
                holders[run].append(at)


def same_meaning(shelf: Shelf) -> Iterator[Found]:
    """With an embedder: a scenario, by its setting and goals, or a character that means nearly what another does, in whatever words."""
    if shelf.embed is None:
        return
    scenarios = [_Text(place(each), each.id, _gist(each), each in shelf.scenarios) for each in _others_first(shelf)]
    for texts in (scenarios, _kinds(shelf)[1]):
        vectors = shelf.embed([each.text for each in texts]) if texts else ()
        for at, each in enumerate(texts):
            near = {
                texts[other].id: sum(map(mul, vectors[at], vectors[other])) for other in range(at if each.new else 0)
            }
            twins = {other: close for other, close in near.items() if close >= _CLOSE}
            if twins:
                yield Found(each.record, "", f"means nearly the same as {_listing(twins, 'cosine {:.2f}')}")


def same_goal(shelf: Shelf) -> Iterator[Found]:
    """Two seats of a scenario with the same goal, or nearly: there is nothing between them, or one should be written from its own side."""
    for scenario in shelf.scenarios:
        for one, other in combinations(scenario.seats, 2):
            wanted, too = (frozenset(content(seat.goal)) for seat in (one, other))
            if words(one.goal) == words(other.goal) or len(wanted & too) >= _SAME * len(wanted | too) > 0:
                yield Found(
                    place(scenario),
                    f"seats.{other.id}.goal",
                    f"is nearly that of {one.id!r}; say what this seat wants for itself",
                )


def same_frame(shelf: Shelf) -> Iterator[Found]:
    """A setting that begins with the same five words as another."""
    yield from _repeated(
        shelf, lambda scenario: [("setting", words(scenario.setting)[:5])], "the setting begins as that of"
    )


def same_goal_frame(shelf: Shelf) -> Iterator[Found]:
    """A goal built like one of another scenario: the same first four words, or the same first six with the telling words masked."""
    yield from _repeated(shelf, _goal_openings, "the goal is built like one of")


def stock_opening(shelf: Shelf) -> Iterator[Found]:
    """Two words with which more than one goal in twenty begins, and more than three do."""
    goals = [seat.goal for scenario in shelf.every_scenario for seat in scenario.seats]
    openings = Counter(words(goal)[:2] for goal in goals)
    for opening, count in openings.items():
        if count > max(3, len(goals) / 20):
            said = " ".join(opening).capitalize()
            yield Found("library", "goal", f'{count} of {len(goals)} goals begin with "{said}"; vary them')


def same_name(shelf: Shelf) -> Iterator[Found]:
    """A character with the name, or a scenario with the title, of another."""
    for kind in (
        [(place(who), who.name, who in shelf.characters) for who in shelf.people],
        [(place(scenario), scenario.title, scenario in shelf.scenarios) for scenario in _others_first(shelf)],
    ):
        first: dict[str, str] = {}
        for record, name, new in kind:
            other = first.setdefault(name.casefold(), record)
            if other != record and new:
                field = "name" if record.startswith("characters") else "title"
                yield Found(record, field, f"{name!r} is taken by {other}")


def taken_id(shelf: Shelf) -> Iterator[Found]:
    """An id that another record of its kind has, in the collection or in what it is held against."""
    old = shelf.against
    for new, there in (
        (shelf.collection.characters, old.characters),
        (shelf.collection.relationships, old.relationships),
        (shelf.collection.scenarios, old.scenarios),
        (shelf.collection.tasks, old.tasks),
    ):
        taken = {record.id for record in there}
        for record in new:
            if record.id in taken:
                yield Found(place(record), "id", "is taken")
            taken.add(record.id)


def _alike(shared: int, one: Set[tuple[str, ...]], other: Set[tuple[str, ...]]) -> float:
    """What share of the shorter text's runs the other has too, where that is more than chance and manner bring; else 0."""
    of_shorter = shared / min(len(one), len(other))
    enough = shared / (len(one) + len(other) - shared) >= _ALIKE or of_shorter >= _CONTAINED
    return of_shorter if enough and shared >= _LEAST else 0.0


def _listing(twins: Mapping[str, float], form: str) -> str:
    """The most alike first: 'this' (0.91), 'that' (0.85) and 3 more."""
    ranked = sorted(twins, key=lambda other: -twins[other])
    named = [f"{other!r} ({form.format(twins[other])})" for other in ranked[:_NAMED]]
    more = len(ranked) - len(named)
    return (
        f"{', '.join(named)} and {more} more"
        if more
        else " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    )


def _kinds(shelf: Shelf) -> tuple[Sequence[_Text], ...]:
    """The texts of each kind of record, those that are held against first."""
    return (
        [_Text(place(each), each.id, _of_scenario(each), each in shelf.scenarios) for each in _others_first(shelf)],
        [_Text(place(each), each.id, _of_character(each), each in shelf.characters) for each in shelf.people],
        [
            _Text(place(each), each.id, each.background, each in shelf.collection.relationships)
            for each in shelf.relationships
            if len(words(each.background)) > 8
        ],
    )


def _others_first(shelf: Shelf) -> tuple[Scenario, ...]:
    new = {scenario.id for scenario in shelf.scenarios}
    return (*(each for each in shelf.against.scenarios if each.id not in new), *shelf.scenarios)


def _of_scenario(scenario: Scenario) -> str:
    return joined((scenario.setting, *(private_text(seat) for seat in scenario.seats)))


def _gist(scenario: Scenario) -> str:
    """Setting and goals, which an embedder reads to the end where it would not get through all."""
    return joined((scenario.setting, *(seat.goal for seat in scenario.seats)))


def _of_character(who: Character) -> str:
    return joined((who.occupation, who.public_info, who.personality, who.secret))


def _repeated(
    shelf: Shelf, openings: Callable[[Scenario], Sequence[tuple[str, tuple[str, ...]]]], said: str
) -> Iterator[Found]:
    first: dict[tuple[str, ...], str] = {}
    new = {scenario.id for scenario in shelf.scenarios}
    for scenario in _others_first(shelf):
        for field, opening in openings(scenario):
            other = first.setdefault(opening, scenario.id)
            if other != scenario.id and scenario.id in new:
                yield Found(place(scenario), field, f'{said} {other!r}: "{" ".join(opening)}"')


def _goal_openings(scenario: Scenario) -> Sequence[tuple[str, tuple[str, ...]]]:
    found = []
    for seat in scenario.seats:
        field = f"seats.{seat.id}.goal"
        masked = _masked(next(iter(sentences(seat.goal)), ""))[:6]
        found.append((field, words(seat.goal)[:4]))
        if len(masked) == 6 and sum(word != "…" for word in masked) >= 4:
            found.append((field, masked))
    return found


def _masked(sentence: str) -> tuple[str, ...]:
    """The sentence with "…" for every stretch of words that carry something, and one word for all ways to bring others round."""
    first, *rest = words(sentence) or ("",)
    frame = ["convince" if first in _BRING_ROUND else first if first in FUNCTION_WORDS else "…"]
    for word in rest:
        if word in FUNCTION_WORDS:
            frame.append(word)
        elif frame[-1] != "…":
            frame.append("…")
    return tuple(frame)
