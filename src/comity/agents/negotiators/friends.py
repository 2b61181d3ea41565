"""The search for a mutual friend: traits and names are said aloud until one name is on every list.

What a style hears of others' words are names and traits of its own contacts, written as on its list, and the fixed sentences by
which negotiators say that they know someone; nothing else that is said means anything to it. A name that another says first is
on that one's list; so is a name that a negotiator says yes to. Somebody who writes a name down after one was said to them is taken
to have known it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.speech import affirms
from comity.agents.negotiators.styles import Style
from comity.agents.negotiators.wording import joined, named, traits
from comity.world.choices import MutualFriend
from comity.world.moves import Move, MoveKind
from comity.world.views import Seen

__all__ = ["find"]

_TRAITS = 2
"""For so many turns somebody may tell traits before names; who tells them between names does so in every turn of so many."""
_HASTE = 2
"""Whoever is hasty writes a name down at its second turn."""


def find(style: Style, now: Moment[MutualFriend]) -> Decision:
    """What the style does in the search."""
    if not now.can(MoveKind.CHOOSE):
        return Decision("chosen")
    own = now.payoff.contacts[now.me]
    sure = style.guesses == "refuse"
    known = {person: _knowers(now, person, only_said=sure) for person in own}
    found = [person for person in own if len(known[person]) == len(now.others)]
    if found:
        return _write(now, found[0])
    if style.hasty and now.spoken + 1 >= _HASTE:
        return _guess(now, _likeliest(now, own, known))
    if now.clock.left == 1 and not sure:
        return _guess(now, _likeliest(now, own, known))
    if _tells(style, now) and now.clock.spare(_TRAITS) and (trait := _trait(style, now, own)):
        return Decision("trait", {"trait": trait})
    return _ask(style, now, own, known)


def _tells(style: Style, now: Moment[MutualFriend]) -> bool:
    """Whether it is a turn for traits, and not for names."""
    match style.traits:
        case "first":
            return now.spoken < _TRAITS
        case "between":
            return now.spoken % _TRAITS == _TRAITS - 1
    return False


def _trait(style: Style, now: Moment[MutualFriend], own: Sequence[str]) -> str:
    """Something known of one of the seat's contacts that was not said yet; empty where nothing is left."""
    said = now.heard.casefold()
    fresh = [t for person in _in_order(style, now, own) for t in traits(person) if t.casefold() not in said]
    if style.seeks == "chance":
        fresh = sorted(set(fresh))
        return fresh[now.dice.below(len(fresh), "trait")] if fresh else ""
    return fresh[0] if fresh else ""


def _in_order(style: Style, now: Moment[MutualFriend], own: Sequence[str]) -> list[str]:
    """The seat's contacts, the one of whom it tells first at the head; as on its list where nothing tells them apart."""
    match style.seeks:
        case "first":
            return list(own)
        case "last":
            return list(reversed(own))
        case "fitting":
            told = _told(now)
            return sorted(own, key=lambda person: -_fits(person, told))
        case "typical":
            every = [trait for person in own for trait in traits(person)]
            return sorted(own, key=lambda person: -sum(map(every.count, traits(person))))
    return sorted(own, key=lambda person: now.dice.below(2**30, person))


def _told(now: Moment[MutualFriend]) -> str:
    """What the others have said."""
    return "\n".join(seen.action.argument for seen in now.view.history if seen.seat != now.me).casefold()


def _fits(person: str, told: str) -> int:
    """How much of what is known of a contact is among what was told."""
    return sum(trait.casefold() in told for trait in traits(person))


def _write(now: Moment[MutualFriend], person: str) -> Decision:
    return Decision("write", {"person": named(person)[0]}, Move(kind=MoveKind.CHOOSE, terms={"person": person}))


def _guess(now: Moment[MutualFriend], person: str) -> Decision:
    return Decision("guess", move=Move(kind=MoveKind.CHOOSE, terms={"person": person}))


def _ask(style: Style, now: Moment[MutualFriend], own: Sequence[str], known: Mapping[str, set[str]]) -> Decision:
    """Say yes to names of the seat's own that others said, and say the next of its list."""
    unsaid = [person for person in own if not _says(now.said, person)]
    shared = [named(person)[0] for person in unsaid if known[person]]
    fresh = [person for person in unsaid if not known[person]]
    order = [person for person in _in_order(style, now, own) if person in fresh][: style.names]
    if shared:
        return Decision("affirm", {"known": joined(shared)})
    if not order:
        return Decision("exhausted")
    name, about = named(order[0])
    people = joined(named(person)[0] for person in order)
    words = {"people": people} if len(order) > 1 or not about else {"person": name, "about": about}
    return Decision("name", words)


def _knowers(now: Moment[MutualFriend], person: str, *, only_said: bool) -> set[str]:
    """The others who know this person, as far as one can hear, or also tell from their writing somebody down."""
    asked, last = False, ""
    knowers: set[str] = set()
    for seen in now.view.history:
        words = seen.action.argument
        if seen.seat == now.me:
            asked = asked or _says(words, person)
            last = words if _names_any(now, words) else last
            continue
        said = _says(words, person) and (not asked or _wrote(seen) or affirms(words))
        meant = not only_said and _wrote(seen) and _says(last, person) and not _names_any(now, words)
        if said or meant:
            knowers.add(seen.seat)
    return knowers


def _wrote(seen: Seen) -> bool:
    return seen.action.move is not None and seen.action.move.kind is MoveKind.CHOOSE


def _says(words: str, person: str) -> bool:
    """Whether the person's whole name is among the words."""
    return _pattern(named(person)[0]).search(words) is not None


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)


def _names_any(now: Moment[MutualFriend], words: str) -> bool:
    return any(_says(words, person) for person in now.payoff.contacts[now.me])


def _likeliest(now: Moment[MutualFriend], own: Sequence[str], known: Mapping[str, set[str]]) -> str:
    """Whom most of the others know; then somebody not yet named of whom the others told most; among equals by chance."""
    told = _told(now)

    def likely(person: str) -> tuple[int, bool, int]:
        return len(known[person]), not _says(now.said, person), _fits(person, told)

    best = max(map(likely, own))
    ties = [person for person in own if likely(person) == best]
    return ties[now.dice.below(len(ties), "guess")]
