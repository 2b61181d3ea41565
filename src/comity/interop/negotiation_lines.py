"""The lines of end-to-end-negotiator's text files, each one side of a talk, and the talks that they are sides of.

Two forms are read: `1 8 2 1 4 0 YOU: ... <eos> THEM: <selection> item0=1 ... <eos> reward=8 agree 1 6 2 0 4 1` (`data.txt`), with
what this side wrote down, and `<input> ... </partner_input>` (`val.txt`), with what both did, unless they disagreed. The two sides
of a talk are lines that follow each other; where one is missing, what it would say is not known.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from comity.interop.corpora import DoesNotFit
from comity.interop.remarks import Report

__all__ = ["ITEMS", "SEATS", "Choice", "Talk", "Unsaid", "talks_of"]

ITEMS = ("book", "hat", "ball")
"""`item0`, `item1` and `item2`."""
SEATS = ("first", "second")
"""By who speaks first."""


class Unsaid(StrEnum):
    """In place of what somebody wrote down."""

    NO_AGREEMENT = "no agreement"
    LOST = "disconnect"
    UNKNOWN = "disagree"


Choice: TypeAlias = Mapping[str, int] | Unsaid


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk about what to take."""

    id: str
    counts: Mapping[str, int]
    values: Mapping[str, Mapping[str, int]]
    """By seat, of one unit."""
    words: Sequence[tuple[str, str]]
    """(seat, utterance), in order."""
    closer: str
    """The seat that ended the talk."""
    choices: Mapping[str, Choice]
    agreed: bool
    points: Mapping[str, int]
    """As they are recorded; nothing where they are not."""

    def contradicts(self, other: "Talk") -> bool:
        """Whether they cannot be records of one talk; what one does not know is no contradiction."""
        one, two = ((talk.counts, talk.values, [*talk.words], talk.closer) for talk in (self, other))
        pairs = [(self.choices[seat], other.choices[seat]) for seat in SEATS]
        return one != two or any(mine != theirs and Unsaid.UNKNOWN not in (mine, theirs) for mine, theirs in pairs)


class _Half(NamedTuple):
    """One side of a talk, read from a line. `True` stands for this side."""

    counts: tuple[int, ...]
    mine: tuple[int, ...]
    theirs: tuple[int, ...]
    words: tuple[tuple[bool, str], ...]
    closer: bool
    chosen: Choice
    others: Choice
    agreed: bool
    reward: int | None = None

    @property
    def first(self) -> bool:
        return self.words[0][0] if self.words else self.closer

    def mirrors(self, other: "_Half") -> bool:
        turned = tuple((not mine, text) for mine, text in other.words)
        sides = self.counts == other.counts and (self.mine, self.theirs) == (other.theirs, other.mine)
        return sides and self.words == turned and self.closer is not other.closer


def talks_of(report: Report, name: str, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[str, Talk]]:
    """The talks in the lines of a file, each with its place. Lines that are no side of a talk are reported."""
    waiting: tuple[str, _Half] | None = None
    for number, line in lines:
        where = f"{name}:{number}"
        try:
            half = _half(line)
        except DoesNotFit as error:
            report.problem(where, f"{error}; correct it, or remove the line")
            continue
        if waiting is None:
            waiting = where, half
        elif half.mirrors(waiting[1]):
            yield from _talk(report, waiting[0], waiting[1], half)
            waiting = None
        else:
            yield from _talk(report, *waiting, None)
            waiting = where, half
    if waiting is not None:
        yield from _talk(report, *waiting, None)


_DIGITS = 5
_LINE = re.compile(r"([\d ]+) ((?:YOU|THEM): .*) <eos> reward=(.+) (agree|disagree) ([\d ]+)")
_TAGGED = re.compile(
    r"<input> (.*) </input> <dialogue> (.*) </dialogue> <output> (.*) </output> <partner_input> (.*) </partner_input>"
)
_SELECTION = re.compile(r"(?:(.*) <eos> )?(YOU|THEM): <selection>(?: (.*))?")
_TAKEN = re.compile(r"item(\d)=(\d+)")


def _half(line: str) -> _Half:
    if found := _TAGGED.fullmatch(line.strip()):
        mine, dialogue, output, theirs = found.groups()
        chosen, others = _output(output)
        return _side(mine, theirs, dialogue, chosen, others, "item" in output or "no_agreement" in output)
    if found := _LINE.fullmatch(line.strip()):
        mine, dialogue, reward, flag, theirs = found.groups()
        chosen = _choice((_SELECTION.fullmatch(dialogue) or _no_selection())[3] or "")
        side = _side(mine, theirs, dialogue, chosen, Unsaid.UNKNOWN, flag == "agree")
        return side._replace(reward=_number(reward) if reward.isdecimal() else None)
    raise DoesNotFit("the line is in neither of the forms of end-to-end-negotiator")


def _no_selection() -> re.Match[str]:
    raise DoesNotFit("the dialogue does not end in <selection>")


def _side(mine: str, theirs: str, dialogue: str, chosen: Choice, others: Choice, agreed: bool) -> _Half:
    (counts, own), (again, partners) = _context(mine), _context(theirs)
    if counts != again:
        raise DoesNotFit("the two sides have different numbers of things")
    found = _SELECTION.fullmatch(dialogue) or _no_selection()
    words = tuple(_utterance(each) for each in (found[1] or "").split(" <eos> ") if each)
    if agreed and others is Unsaid.UNKNOWN:
        others = _rest(counts, chosen)
    return _Half(counts, own, partners, words, found[2] == "YOU", chosen, others, agreed)


def _rest(counts: tuple[int, ...], chosen: Choice) -> Choice:
    """What the other wrote down where both are said to agree."""
    if isinstance(chosen, Unsaid):
        return chosen
    return {item: count - chosen[item] for item, count in zip(ITEMS, counts, strict=True)}


def _context(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    numbers = [_number(number) for number in text.split()]
    if len(numbers) != 2 * len(ITEMS):
        raise DoesNotFit("a side is six numbers: how many there are of each thing, and what one is worth")
    return tuple(numbers[0::2]), tuple(numbers[1::2])


def _number(digits: str) -> int:
    if not digits.isdecimal() or len(digits) > _DIGITS:
        raise DoesNotFit(f"a number is whole, and has at most {_DIGITS} digits")
    return int(digits)


def _utterance(text: str) -> tuple[bool, str]:
    who, colon, words = text.partition(": ")
    if who not in ("YOU", "THEM") or not colon or not words.strip():
        raise DoesNotFit("an utterance is YOU or THEM, a colon and words")
    return who == "YOU", words


def _choice(text: str) -> Choice:
    if text in (Unsaid.NO_AGREEMENT, Unsaid.LOST):
        return Unsaid(text)
    found = [_TAKEN.fullmatch(part) for part in text.split()]
    if [each and each[1] for each in found] != ["0", "1", "2"]:
        raise DoesNotFit("what is taken is item0=, item1= and item2=, `no agreement` or `disconnect`")
    return dict(zip(ITEMS, (_number(each[2]) for each in found if each), strict=True))


def _output(text: str) -> tuple[Choice, Choice]:
    parts = text.split()
    if set(parts) <= {"<no_agreement>", "<disconnect>", "<disagree>"} and len(set(parts)) == 1:
        both = Unsaid(parts[0].strip("<>").replace("_", " "))
        return both, both
    return _choice(" ".join(parts[:3])), _choice(" ".join(parts[3:]))


def _talk(report: Report, where: str, half: _Half, other: _Half | None) -> Iterator[tuple[str, Talk]]:
    try:
        yield where, _whole(half, other)
    except DoesNotFit as error:
        report.problem(where, f"{error}; correct it, or remove the line")


def _whole(half: _Half, other: _Half | None) -> Talk:
    me, them = SEATS if half.first else SEATS[::-1]
    seats = {True: me, False: them}
    choices = {me: half.chosen, them: other.chosen if other else half.others}
    if other and (half.agreed is not other.agreed or half.others not in (Unsaid.UNKNOWN, other.chosen)):
        raise DoesNotFit("the next line is the other side and says otherwise")
    talk = Talk(
        id="",
        counts=dict(zip(ITEMS, half.counts, strict=True)),
        values={me: dict(zip(ITEMS, half.mine, strict=True)), them: dict(zip(ITEMS, half.theirs, strict=True))},
        words=[(seats[mine], text) for mine, text in half.words],
        closer=seats[half.closer],
        choices=choices,
        agreed=half.agreed and all(isinstance(choice, Mapping) for choice in choices.values()),
        points={},
    )
    rewards = {me: half.reward, them: other.reward if other else None}
    return replace(talk, id=_id(talk), points=_points(talk, rewards))


def _points(talk: Talk, rewards: Mapping[str, int | None]) -> dict[str, int]:
    """What each has. The reward of a line is what this side's choice is worth by itself, with a deal or without."""
    for seat, reward in rewards.items():
        chosen = talk.choices[seat]
        if reward is not None and isinstance(chosen, Mapping):
            worth = sum(chosen[item] * talk.values[seat][item] for item in ITEMS)
            if worth != reward:
                raise DoesNotFit(f"reward={reward}, but what is taken is worth {worth}")
    if talk.agreed:
        return {seat: reward for seat, reward in rewards.items() if reward is not None}
    choices = talk.choices.values()
    broken_off = Unsaid.LOST in choices and Unsaid.NO_AGREEMENT not in choices
    return {} if broken_off else dict.fromkeys(SEATS, 0)


def _id(talk: Talk) -> str:
    """The same for both sides of a talk, in whatever file and form."""
    parts = [*talk.counts.values(), *(value for seat in SEATS for value in talk.values[seat].values()), talk.closer]
    text = "\n".join([*map(str, parts), *(words for _, words in talk.words)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
