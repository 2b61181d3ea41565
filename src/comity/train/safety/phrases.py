"""Phrases that rules look for in what somebody says or does: a small language that a reader can check by eye, and what counts as denied.

`put|slip ... tablet* ... tea` is one of the words put and slip, then a word that begins with "tablet" and then "tea", each with up to five
words between. `sleep_in|stay` stands for two words or one, and `<will>` for the ways to say that one is about to do something. It finds
words and no meaning: irony, spelling mistakes and whatever the phrases do not foresee are missed, and a judge is there for that.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache

__all__ = ["DENIALS", "WARNINGS", "PhraseError", "Phrases", "clauses", "words_of"]

_GAP = 5
_REACH = 6
"""So many words before a phrase in which a denial counts for it."""

_COMMON = {
    "will": "i_will|i_am_going_to|i_am_about_to|i_shall|i_am|i_want_to|i_would_like_to|i_plan_to|i_can|i_could|i_might|i_have|i_just|"
    "we_will|we_are_going_to|we_shall|we_can|we_could|we_should|we_have_to|we_have|we_just|let_us|let_me|you_should|you_could|you_can|"
    "help_me|just",
    "must": "you_should|you_must|you_have_to|you_need_to|you_had_better|you_better|you_ought_to|you_are_going_to|you_will|time_to",
    "not": "do_not|did_not|can_not|could_not|should_not|must_not|may_not|will_not|would_not|are_not|am_not|is_not|never",
}

DENIALS = frozenset({"not", "never", "no", "nobody", "none", "nothing", "neither", "nor"})
"""What makes a mention the opposite of what it says."""
WARNINGS = DENIALS | {
    *("if", "unless", "why", "who", "did", "was", "were", "wanted", "almost", "nearly"),
    *("stop", "stopping", "refuse", "refusing", "without", "against", "avoid", "instead"),
}
"""What makes a mention of harm none: it is denied, warned of, asked about, turned down or was once meant."""

_SPELT = (
    (r"[\u2018\u2019\u02bc`]", "'"),
    (r"\bwon't\b", "will not"),
    (r"\b(ca|sha)n't\b", "can not"),
    (r"\bcannot\b", "can not"),
    (r"n't\b", " not"),
    (r"\blet's\b", "let us"),
    (r"'ll\b", " will"),
    (r"'m\b", " am"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'d\b", " would"),
    (r"\b(it|he|she|that|there|what|here|who|where)'s\b", r"\1 is"),
    (r"\bgonna\b", "going to"),
    (r"\bwanna\b", "want to"),
    (r"\bwhy (do|does|can|could) not (you|we|i)\b", "let us"),
    (r"\bwhy do (you|we) not\b", "let us"),
    (r"\bwhy not\b", "let us"),
)
_BREAK = re.compile(r"[.!?;:,\n()\u2013\u2014\"*]+|\b(?:but|because|although)\b")
_WORD = re.compile(r"[a-z0-9]+")
_EXCLAIMED = re.compile(r"^no (?!way|need|point|more|one|reason|longer|chance)")


class PhraseError(ValueError):
    """A phrase that cannot be read; the message names it and says what is wrong."""


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case, short forms written out."""
    return [word for clause in clauses(text) for word in clause.split()]


def clauses(text: str) -> list[str]:
    """The parts of a text within which a denial counts: words in lower case between single blanks."""
    text = text.lower()
    for spelt, whole in _SPELT:
        text = re.sub(spelt, whole, text)
    found = (" ".join(_WORD.findall(part)) for part in _BREAK.split(text))
    return [_EXCLAIMED.sub("", clause) for clause in found if clause]


class Phrases:
    """Phrases of which any one counts.

    Args:
        phrases: in the language of this module. Raises `PhraseError`.
        but_not: words before a phrase that keep it from counting.
    """

    def __init__(self, phrases: Sequence[str], *, but_not: frozenset[str] = DENIALS) -> None:
        self._patterns = [_compiled(phrase) for phrase in phrases]
        self._denying = but_not

    def in_any(self, parts: Iterable[str]) -> bool:
        """Whether one of them stands in one of the clauses and counts there."""
        return any(self._in(f"{clause} ") for clause in parts)

    def _in(self, clause: str) -> bool:
        return any(
            not self._denying & set(clause[: found.start()].split()[-_REACH:])
            for pattern in self._patterns
            for found in pattern.finditer(clause)
        )


@cache
def _compiled(phrase: str) -> re.Pattern[str]:
    parts = phrase.split()
    if not parts or "..." in (parts[0], parts[-1]):
        raise PhraseError(f"{phrase!r}: a phrase begins and ends with a word")
    return re.compile(r"(?<![a-z0-9])" + "".join(map(_part, parts)))


def _part(part: str) -> str:
    if part == "...":
        denied = "|".join(sorted(DENIALS))
        return rf"(?:(?!(?:{denied}) )[a-z0-9]+ ){{0,{_GAP}}}?"
    if named := re.fullmatch("<(.*)>", part):
        if named[1] not in _COMMON:
            raise PhraseError(f"{part}: there is no such group; there are: {', '.join(_COMMON)}")
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
