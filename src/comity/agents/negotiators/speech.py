"""Sentences: a decision is put into one of the frames of a style's book, by chance, and none that was heard is used again in an episode
while others are left. The books are TOML files in `speech/`.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from zlib import crc32

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.styles import Style, named_styles
from comity.world.deals import Deal, Division
from comity.world.payoffs import Payoff

__all__ = ["Book", "Frame", "affirms", "load_book", "put_in_words"]

_SLOT = re.compile(r"\{(\w+)\}")
_KNOWS = ("mutual_friend.affirm", "mutual_friend.write")
"""The acts whose sentences say that one knows somebody."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A sentence, or a few, with slots; a slot with a capital letter begins a sentence."""

    text: str
    pieces: tuple[str, ...]
    """Cut so that every second one is a slot's name."""
    slots: frozenset[str]
    mark: str
    """Its longest run of words without a slot, by which it is known again."""
    number: int
    """The same on every machine; those who speak at the same time share the frames out by it."""

    @classmethod
    def of(cls, text: str) -> "Frame":
        """Cut a frame."""
        pieces = tuple(_SLOT.split(text))
        slots = frozenset(slot.lower() for slot in pieces[1::2])
        return cls(text, pieces, slots, max(pieces[::2], key=len), crc32(text.encode()))

    def fill(self, words: Mapping[str, str]) -> str:
        """The sentence with its slots filled."""
        filled = list(self.pieces)
        for at in range(1, len(filled), 2):
            slot = filled[at]
            word = words[slot.lower()]
            filled[at] = word[:1].upper() + word[1:] if slot[0].isupper() else word
        return "".join(filled)


@dataclass(frozen=True, slots=True)
class Book:
    """The sentences of some styles: by `kind.act`, or `kind.act_temper` for those of one temper alone."""

    name: str
    version: int
    hash: str
    """SHA-256 of its file."""
    frames: Mapping[str, tuple[Frame, ...]]

    def for_act(self, kinds: Sequence[str], act: str, temper: str) -> tuple[Frame, ...]:
        """Every frame that may be used. Raises `KeyError` where there is none."""
        names = [f"{kind}.{name}" for kind in kinds for name in (act, f"{act}_{temper}")]
        found = tuple(frame for name in names for frame in self.frames.get(name, ()))
        if not found:
            raise KeyError(f"book {self.name} has no sentence for {', '.join(names)}")
        return found


@cache
def load_book(name: str) -> Book:
    """A book of `speech/`. Read once."""
    raw = resources.files("comity.agents.negotiators").joinpath("speech", f"{name}.toml").read_bytes()
    data = tomllib.loads(raw.decode())
    version = data.pop("version")
    frames = {
        f"{kind}.{act}": tuple(map(Frame.of, texts)) for kind, acts in data.items() for act, texts in acts.items()
    }
    return Book(name, version, hashlib.sha256(raw).hexdigest(), frames)


def put_in_words(style: Style, now: Moment[Payoff], decision: Decision) -> str:
    """What the style says with a decision: what goes before it, and the sentence itself."""
    acts = (decision.lead, decision.act) if decision.lead else (decision.act,)
    return " ".join(_said(style, now, act, decision.words) for act in acts)


def _said(style: Style, now: Moment[Payoff], act: str, words: Mapping[str, str]) -> str:
    frames = _frames(style.book, _kinds(now.payoff), act, style.temper, frozenset(words))
    fresh = tuple(frame for frame in frames if frame.mark not in now.heard) or frames
    if now.clock.together:
        at, count = now.position.parties.index(now.me), len(now.position.parties)
        fresh = tuple(frame for frame in fresh if frame.number % count == at) or fresh
    return fresh[now.dice.below(len(fresh), "frame", act)].fill(words)


@lru_cache(maxsize=2048)
def _frames(book: str, kinds: tuple[str, ...], act: str, temper: str, there: frozenset[str]) -> tuple[Frame, ...]:
    """The frames that ask for no more than is there."""
    found = load_book(book).for_act(kinds, act, temper)
    return tuple(frame for frame in found if frame.slots <= there)


def _kinds(payoff: Payoff) -> tuple[str, ...]:
    """Where the sentences for a payoff are: under its own kind, and under what it has in common with others."""
    if isinstance(payoff, Division) and payoff.settled_by == "selection":
        return ("selection",)
    return (payoff.kind, "deal") if isinstance(payoff, Deal) else (payoff.kind, "choice")


def affirms(words: str) -> bool:
    """Whether these are words by which a negotiator says that it knows somebody."""
    return any(mark in words for mark in _affirming())


@cache
def _affirming() -> tuple[str, ...]:
    books: Iterable[Book] = map(load_book, sorted({style.book for style in named_styles().values()}))
    return tuple(frame.mark for book in books for act in _KNOWS for frame in book.frames.get(act, ()))
