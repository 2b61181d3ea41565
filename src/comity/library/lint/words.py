"""How prose is looked at: words, sentences, numbers, runs of words, and which words carry nothing of their own."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

__all__ = [
    "FUNCTION_WORDS",
    "content",
    "joined",
    "numbers",
    "plain_content",
    "runs",
    "sentences",
    "shingles",
    "stem",
    "words",
]

_WORD = re.compile(r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?|[^\W\d_]+(?:'[^\W\d_]+)*")
_CLAUSE = re.compile(r"[.,;:!?()\n]")
_SENTENCE = re.compile(r"(?<=[.!?])[\"”\u2019)]*\s+|\n+")

_CARRY_NOTHING = """
    a about above after again against all also although always am an and another any anyone anything are around as ask at away
    back be because been before being below between both but by call can cannot come could day did do does doing done down
    during each either else end enough even ever every everyone everything far few find first for from get give go going good
    got had has have having here how however i if in instead into is it its itself just keep know last later least leave less
    like little long look made make many may me might mine more most much must my need neither never new next no nobody
    none nor not nothing now of off often on once one ones only or other others otherwise our out over own people perhaps
    person put quite rather really same say see should since so some somebody someone something soon still such sure take tell
    than that the their theirs them themselves then there these they thing things think this those though through till time to
    today together tomorrow tonight too two under until up upon us use very want was way we well went were what whatever when
    where whether which while who whom whose why will with within without would yes yesterday yet you your yours yourself
    i'm you're they're it's don't won't can't didn't isn't doesn't couldn't wouldn't you've you'd you'll three four five week
    try convince persuade friend
    """
FUNCTION_WORDS = frozenset(_CARRY_NOTHING.split())
"""Words that two texts may share without having anything in common."""

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WRITTEN = {word: value for value, word in enumerate(_SMALL.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), 2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}


@lru_cache(maxsize=20_000)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, in lower case; a number is one word."""
    return tuple(_WORD.findall(text.casefold().replace("\u2019", "'")))


def sentences(text: str) -> list[str]:
    """The sentences of a text; a line is a sentence too."""
    return [part for part in _SENTENCE.split(text) if part.strip()]


def is_row(line: str) -> bool:
    """Whether a line is of a table, such as `Alvin: School: Auburn  Company: Vectren`, and no sentence."""
    return len(re.findall(r"\w: +\S", line)) > 1 and not re.search(r"[.!?][\"\u201d]?\s*$", line)


@lru_cache(maxsize=20_000)
def content(text: str) -> tuple[str, ...]:
    """The stems of the words that carry something, in their order."""
    return tuple(stem(word) for word in words(text) if word not in FUNCTION_WORDS)


@lru_cache(maxsize=20_000)
def plain_content(text: str) -> frozenset[str]:
    """The same without numbers, in figures or in words."""
    kept = (word for word in words(text) if word not in FUNCTION_WORDS and word not in _WRITTEN)
    return frozenset(stem(word) for word in kept if not word[0].isdigit())


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The word without the endings that change with number, person and time. Crude, and alike for alike words."""
    word = word.removesuffix("'s").removesuffix("'")
    for ending in ("ingly", "edly", "ing", "ies", "ied", "es", "ed", "s", "ly", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """Every run of so many words within one sentence, in their order."""
    for sentence in sentences(text):
        found = words(sentence)
        yield from (found[at : at + length] for at in range(len(found) - length + 1))


@lru_cache(maxsize=20_000)
def shingles(text: str, length: int) -> frozenset[tuple[str, ...]]:
    """The set of runs of so many words of the whole text; a shorter text is one of them."""
    found = words(text)
    return frozenset(found[at : at + length] for at in range(max(1, len(found) - length + 1))) if found else frozenset()


@lru_cache(maxsize=20_000)
def numbers(text: str) -> frozenset[float]:
    """The numbers in a text, in figures or in words: `$1,250.50`, `nine hundred`, `forty-five`."""
    spelt = chain.from_iterable(_in_words(words(clause)) for clause in _CLAUSE.split(text))
    return frozenset(chain(_in_figures(text), spelt))


def _in_figures(text: str) -> Iterator[float]:
    for figures in re.findall(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?", text):
        yield float(figures.replace(",", ""))


def _in_words(found: Sequence[str]) -> Iterator[float]:
    whole, part = 0, None  # of "two thousand five hundred": 2000, and 500
    for word in chain(found, ("",)):
        if word in _WRITTEN:
            part = (part or 0) + _WRITTEN[word]
        elif word in _SCALES and part is not None:
            part *= _SCALES[word]
            whole, part = (whole + part, 0) if _SCALES[word] > 100 else (whole, part)
        elif part is not None and not (word == "and" and part >= 100):
            yield whole + part
            whole, part = 0, None


def joined(texts: Iterable[str]) -> str:
    """Texts one under the other, so that no sentence runs from one into the next."""
    return "\n".join(text for text in texts if text)
