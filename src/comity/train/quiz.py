"""An easy multiple-choice quiz made by rule, for models that are too small to be off chance on MMLU: twelve kinds of question, drawn by seed.

It shows whether what a small model was taught of words and numbers outlives its training, and no more: not knowledge of the world. No
question of one part recurs in the other. A question about numbers is held out whole, so that it takes the rule to answer it; one about words or
letters may ask again what the other part asks, beside other wrong choices, so that it can be known and forgotten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from string import ascii_lowercase
from typing import Literal, NamedTuple

from comity.train.questions import Question, QuestionSet, worked
from comity.world.record import derive_seed

__all__ = ["KINDS", "Part", "as_text", "quiz"]

Part = Literal["practice", "test"]
"""To learn from, or to be asked."""

VERSION = 2
"""Raised with every change that can change what is asked."""

_HELD_OUT = 4
"""One in so many contents belongs to the part `test`."""

_CHOICES = 4

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_OPPOSITES = (
    ("hot", "cold"),
    ("big", "small"),
    ("open", "closed"),
    ("early", "late"),
    ("wet", "dry"),
    ("full", "empty"),
    ("light", "dark"),
    ("fast", "slow"),
    ("old", "young"),
    ("hard", "soft"),
    ("high", "low"),
    ("loud", "quiet"),
    ("rich", "poor"),
    ("near", "far"),
    ("tall", "short"),
    ("sweet", "bitter"),
    ("strong", "weak"),
    ("clean", "dirty"),
    ("first", "last"),
    ("happy", "sad"),
)
_RELATED = (
    frozenset({"big", "small", "tall", "short", "high", "low"}),
    frozenset({"loud", "quiet", "soft", "hard", "high", "low"}),
    frozenset({"strong", "weak", "soft", "hard", "light", "poor"}),
    frozenset({"early", "late", "first", "last"}),
    frozenset({"sweet", "bitter", "dry", "wet", "sad", "happy"}),
    frozenset({"clean", "dirty", "dark", "light"}),
    frozenset({"full", "empty", "rich", "poor"}),
    frozenset({"fast", "slow", "early", "late"}),
)
"""Words of one scale or of two that touch: "soft" is an opposite of "loud" too, and "dry" one of "sweet"; they are never a wrong choice."""
_PLURALS = (
    ("foot", "feet"),
    ("child", "children"),
    ("woman", "women"),
    ("tooth", "teeth"),
    ("man", "men"),
    ("goose", "geese"),
    ("leaf", "leaves"),
    ("knife", "knives"),
    ("city", "cities"),
    ("box", "boxes"),
    ("glass", "glasses"),
    ("book", "books"),
    ("hat", "hats"),
    ("ball", "balls"),
    ("berry", "berries"),
    ("wolf", "wolves"),
)
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "animal": ("dog", "cat", "horse", "cow", "sheep", "lion", "rabbit", "goat"),
    "fruit": ("apple", "pear", "banana", "melon", "mango", "strawberry", "grape", "fig"),
    "colour": ("red", "blue", "green", "yellow", "black", "white", "brown", "grey"),
    "tool": ("hammer", "saw", "wrench", "spade", "axe", "rake", "chisel", "pliers"),
    "garment": ("coat", "shirt", "sock", "scarf", "glove", "skirt", "jacket", "trousers"),
    "vehicle": ("car", "bus", "taxi", "tram", "lorry", "boat", "bicycle", "van"),
}
"""No word of which is of another group as well: a peach and a plum are colours too, and a drill is an ape."""


class _Item(NamedTuple):
    content: str
    """What is asked, in whatever words and order: what decides the part it belongs to."""
    asked: str
    right: str
    wrong: tuple[str, ...]
    """Choices that are wrong; where there are more than are shown, they are drawn from."""
    listed: bool = True
    """Whether the question names its choices."""


def _pick(size: int, *parts: int | str) -> int:
    return derive_seed(VERSION, *parts) % size


def _shuffled(words: Sequence[str], *parts: int | str) -> list[str]:
    return sorted(words, key=lambda word: (derive_seed(VERSION, "order", word, *parts), word))


def _extremes(word: str, best: Callable[[Sequence[int]], int]) -> Iterator[_Item]:
    for draw in range(600):
        numbers = sorted({1 + _pick(99, word, draw, place) for place in range(_CHOICES)})
        if len(numbers) == _CHOICES:
            right = best(numbers)
            wrong = tuple(str(number) for number in numbers if number != right)
            yield _Item(" ".join(map(str, numbers)), f"Which number is the {word}", str(right), wrong)


def _largest() -> Iterator[_Item]:
    return _extremes("largest", max)


def _smallest() -> Iterator[_Item]:
    return _extremes("smallest", min)


def _near(number: int) -> tuple[str, ...]:
    return tuple(str(number + off) for off in (-3, -2, -1, 1, 2, 3) if number + off >= 0)


def _sums() -> Iterator[_Item]:
    for a in range(1, 16):
        for b in range(a, 16):
            yield _Item(f"{a} {b}", f"What is {a} plus {b}", str(a + b), _near(a + b), listed=False)


def _differences() -> Iterator[_Item]:
    for a in range(2, 21):
        for b in range(1, a):
            yield _Item(f"{a} {b}", f"What is {a} minus {b}", str(a - b), _near(a - b), listed=False)


def _next_numbers() -> Iterator[_Item]:
    for number in range(1, 200):
        asked = f"Which number comes right after {number}"
        yield _Item(str(number), asked, str(number + 1), _near(number + 1), listed=False)


def _next_letters() -> Iterator[_Item]:
    for at, letter in enumerate(ascii_lowercase[:-1]):
        right = ascii_lowercase[at + 1]
        others = [each for each in ascii_lowercase if each not in (letter, right)]
        for draw in range(12):
            wrong = tuple(_shuffled(others, letter, draw)[: _CHOICES - 1])
            asked = f"Which letter comes right after {letter} in the alphabet"
            yield _Item(f"{letter} {sorted(wrong)}", asked, right, wrong)


def _round(names: Sequence[str], what: str) -> Iterator[_Item]:
    for at, name in enumerate(names):
        for word, step in (("after", 1), ("before", -1)):
            right = names[(at + step) % len(names)]
            others = [each for each in names if each not in (name, right)]
            for wrong in list(combinations(others, _CHOICES - 1))[:20]:
                yield _Item(f"{word} {name} {sorted(wrong)}", f"Which {what} comes right {word} {name}", right, wrong)


def _days() -> Iterator[_Item]:
    return _round(_DAYS, "day")


def _months() -> Iterator[_Item]:
    return _round(_MONTHS, "month")


def _opposites() -> Iterator[_Item]:
    words = [word for pair in _OPPOSITES for word in pair]
    for asked, right in [*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)]:
        near = frozenset({asked, right}).union(*(scale for scale in _RELATED if asked in scale or right in scale))
        possible = [word for word in words if word not in near]
        for draw in range(12):
            wrong = tuple(_shuffled(possible, asked, draw)[: _CHOICES - 1])
            yield _Item(f"{asked} {sorted(wrong)}", f"What is the opposite of {asked}", right, wrong)


def _plurals() -> Iterator[_Item]:
    for one, many in _PLURALS:
        false = tuple(dict.fromkeys(each for each in (one, f"{one}s", f"{one}es", f"{one}en") if each != many))
        others = tuple(other for _, other in _PLURALS if other != many)
        for draw in range(8):
            wrong = (*false[:2], *_shuffled(others, one, draw)[:1])
            yield _Item(f"{one} {sorted(wrong)}", f"One {one}, two what", many, wrong)


def _odd_ones() -> Iterator[_Item]:
    for group, words in _GROUPS.items():
        strangers = [word for other, theirs in _GROUPS.items() if other != group for word in theirs]
        for draw in range(40):
            same = tuple(_shuffled(words, "same", draw)[: _CHOICES - 1])
            odd = _shuffled(strangers, group, draw)[0]
            yield _Item(" ".join(sorted([*same, odd])), "Which is the odd one out", odd, same)


def _members() -> Iterator[_Item]:
    for group, words in _GROUPS.items():
        strangers = [word for other, theirs in _GROUPS.items() if other != group for word in theirs]
        for word in words:
            for draw in range(5):
                wrong = tuple(_shuffled(strangers, word, draw)[: _CHOICES - 1])
                article = "an" if group[0] in "aeiou" else "a"
                yield _Item(" ".join(sorted([word, *wrong])), f"Which of these is {article} {group}", word, wrong)


KINDS: Mapping[str, Callable[[], Iterator[_Item]]] = {
    "largest": _largest,
    "smallest": _smallest,
    "sum": _sums,
    "difference": _differences,
    "next number": _next_numbers,
    "next letter": _next_letters,
    "day": _days,
    "month": _months,
    "opposite": _opposites,
    "plural": _plurals,
    "odd one out": _odd_ones,
    "member": _members,
}
"""Everything that can be asked, by kind."""


def quiz(count: int, *, seed: int, part: Part = "test", examples: int = 0) -> QuestionSet:
    """So many questions of a part, kinds as evenly as they can be, drawn by hash(seed, question).

    `examples` of each kind, from the part `practice`, stand ready to be shown before a question; a model that was not taught the form in
    its training needs some. Raises `ValueError` where the part has not so many questions.
    """
    ranked: list[tuple[int, int, Question]] = []
    shown: list[Question] = []
    for kind in KINDS:
        drawn = _drawn(kind, part, seed)
        ranked += [(rank, derive_seed(seed, kind), question) for rank, question in enumerate(drawn)]
        shown += _drawn(kind, "practice", seed)[:examples] if part == "test" else []
    if not 1 <= count <= len(ranked):
        raise ValueError(f"the part {part!r} has {len(ranked)} questions; ask for 1 to so many, not {count}")
    ranked.sort(key=lambda each: (*each[:2], each[2].id))
    return QuestionSet(
        name=f"quiz@{VERSION}-{part}",
        form="words",
        questions=tuple(question for *_, question in ranked[:count]),
        examples=tuple(shown),
        source="Comity",
        licence="Apache-2.0",
    )


def as_text(question: Question) -> str:
    """A question with its answer, as a text to learn from; word for word the form in which it is asked."""
    return worked(question, "words")


def _drawn(kind: str, part: Part, seed: int) -> list[Question]:
    """The questions of a kind in a part, each content once, in the order of hash(seed, question)."""
    of_part = {
        item.content: item
        for item in KINDS[kind]()
        if (derive_seed("quiz", VERSION, kind, item.content) % _HELD_OUT == 0) == (part == "test")
    }
    return [_question(kind, of_part[content]) for content in sorted(of_part, key=lambda c: derive_seed(seed, kind, c))]


def _question(kind: str, item: _Item) -> Question:
    wrong = _shuffled(item.wrong, kind, item.content)[: _CHOICES - 1]
    choices = _shuffled([item.right, *wrong], "choices", kind, item.content)
    return Question(
        id=f"{kind}: {item.content}",
        subject=kind,
        text=f"{item.asked}: {', '.join(choices[:-1])} or {choices[-1]}?" if item.listed else f"{item.asked}?",
        choices=tuple(choices),
        answer=choices.index(item.right),
    )
