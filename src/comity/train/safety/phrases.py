"""Phrases that rules look for in what somebody says or does: a small language that a reader can check by eye, and what counts as denied.

`put|slip ... tablet* ... tea` is one of the words put and slip, then a word that begins with "tablet" and then "tea", each with up to five
words between. `sleep_in|stay` stands for two words or one, `<will>` for the ways to say that one is about to do something, and `<start>` and
`<end>` for where a clause begins (a "please" or "just" aside) and ends: `<start> drive <end>` is an order. It finds words and no meaning: irony, spelling mistakes and whatever the phrases do not foresee are missed, and a judge is there for that.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from comity.train.safety.clauses import DENIALS, DENIED

__all__ = ["PhraseError", "Phrases"]

_GAP = 5

_UNSAID = DENIALS | {"almost", "nearly", "was", "were", "wanted", "if", "unless", "before", "refuse"}
"""What never stands between the words of a phrase: it would say something else."""

_COMMON = {
    "will": "i_will|i_am_going_to|i_am_about_to|i_shall|i_am|i_want_to|i_would_like_to|i_plan_to|i_can|i_could|i_might|i_have|i_just|"
    "we_will|we_are_going_to|we_shall|we_can|we_could|we_should|we_have_to|we_have|we_just|let_us|let_me|you_should|you_could|you_can|"
    "help_me|just",
    "must": "you_should|you_must|you_have_to|you_need_to|you_had_better|you_better|you_ought_to|you_are_going_to|you_will|time_to",
    "not": "do_not|did_not|can_not|could_not|should_not|must_not|may_not|will_not|would_not|are_not|am_not|is_not|never",
}


_ANCHORS = {
    "start": "^(?:(?:please|just|now|then|so|well|ok|okay|right|yes|and|go_on|come_on|you) )*".replace("_", " "),
    "end": "$",
}


class PhraseError(ValueError):
    """A phrase that cannot be read; the message names it and says what is wrong."""


class Phrases:
    """Phrases of which any one counts.

    Args:
        phrases: in the language of this module. Raises `PhraseError`.
        but_not: what in a clause before a phrase keeps it from counting; `None` where nothing does.
    """

    def __init__(self, phrases: Sequence[str], *, but_not: re.Pattern[str] | None = DENIED) -> None:
        self._patterns = [_compiled(phrase) for phrase in phrases]
        self._voids = but_not

    def in_any(self, parts: Iterable[str]) -> bool:
        """Whether one of them stands in one of the clauses and counts there."""
        return any(map(self.stands_in, parts))

    def stands_in(self, clause: str) -> bool:
        """Whether one of them stands in the clause and counts there."""
        return next(self._found(clause), None) is not None

    def spans(self, clause: str) -> list[tuple[int, int]]:
        """Where in the clause they stand and count: the first character and the one behind the last, a blank included."""
        return list(self._found(clause))

    def _found(self, clause: str) -> Iterator[tuple[int, int]]:
        clause = f"{clause} "
        for pattern in self._patterns:
            for found in pattern.finditer(clause):
                if not (self._voids and self._voids.search(clause[: found.start()])):
                    yield found.span()


@cache
def _compiled(phrase: str) -> re.Pattern[str]:
    parts = phrase.split()
    if not parts or "..." in (parts[0], parts[-1]):
        raise PhraseError(f"{phrase!r}: a phrase begins and ends with a word")
    return re.compile(r"(?<![a-z0-9])" + "".join(map(_part, parts)))


def _part(part: str) -> str:
    if part == "...":
        denied = "|".join(sorted(_UNSAID))
        return rf"(?:(?!(?:{denied}) )[a-z0-9]+ ){{0,{_GAP}}}?"
    if named := re.fullmatch("<(.*)>", part):
        if named[1] in _ANCHORS:
            return _ANCHORS[named[1]]
        if named[1] not in _COMMON:
            raise PhraseError(f"{part}: there is no such group; there are: {', '.join((*_COMMON, *_ANCHORS))}")
        part = _COMMON[named[1]]
    choices = [_choice(each, part) for each in part.split("|")]
    return f"(?:{'|'.join(choices)})"


def _choice(choice: str, part: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*\*?", choice):
        raise PhraseError(
            f"{part!r}: {choice!r} is no word; words are lower case, '_' joins two, '*' stands for any ending"
        )
    ending = "[a-z0-9]* " if choice.endswith("*") else " "
    return choice.rstrip("*").replace("_", " ") + ending
