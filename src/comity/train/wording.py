"""Whether a text is varied enough to be one: what small models say when they have lost the thread is not an answer and no part in a talk."""

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["goes_in_circles", "is_copy"]

_TRIPLES = 10
_LEAST_VARIED = 0.5
_COPIED = 0.8


def goes_in_circles(words: Sequence[str]) -> bool:
    """Whether fewer than half of its triples of words are different, where there are ten or more."""
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return len(triples) >= _TRIPLES and len(set(triples)) < _LEAST_VARIED * len(triples)


def is_copy(words: Sequence[str], earlier: Sequence[str]) -> bool:
    """Whether four fifths of its pairs of neighbouring words stand in an earlier text too."""
    pairs, there = list(pairwise(words)), set(pairwise(earlier))
    return bool(pairs) and sum(pair in there for pair in pairs) >= _COPIED * len(pairs)
