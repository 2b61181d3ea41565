"""The members of a file that holds one JSON list, told apart before any is read, so that one that is no JSON spoils no other."""

import re
from collections.abc import Iterator

__all__ = ["BrokenOff", "NotAList", "members_of"]


class NotAList(ValueError):
    """The text does not begin with the bracket of a list."""


class BrokenOff(ValueError):
    """The list has no end."""


_SIGN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)


def members_of(text: bytes) -> Iterator[bytes]:
    """The text of each member, by brackets and quotation marks alone; of a list that breaks off, the rest is the last one.

    Raises `NotAList`, and `BrokenOff` after the last one.
    """
    if not text.lstrip().startswith(b"["):
        raise NotAList
    depth, start = 0, text.index(b"[") + 1
    for sign in _SIGN.finditer(text):
        match sign[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b'"':
                break  # opens words that never end
        if depth == 0 or (depth == 1 and sign[0] == b","):
            if sign[0] == b"," or text[start : sign.start()].strip():
                yield text[start : sign.start()]
            start = sign.end()
        if depth == 0:
            break
    if text[start:].strip():
        yield text[start:]
    if depth > 0:
        raise BrokenOff
