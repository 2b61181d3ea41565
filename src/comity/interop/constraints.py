"""SOTOPIA's constraints on age and occupation, which are Python literals, almost Python literals, or words. Read, never evaluated.

Each reader gives one value per seat and what it has to report; what it cannot understand it leaves open. Whether a cast
keeps to them is `comity.world.tasks.Task.violations`.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from pydantic import JsonValue

__all__ = ["ANY_AGE", "is_open", "read_ages", "read_occupations", "write_ages", "write_occupations"]

ANY_AGE = (18, 120)
"""The ages of a seat that is open to every adult, in years."""

_OPEN = {"", "nan", "none", "null", "any"}
_Nested: TypeAlias = "str | list[_Nested]"


def is_open(raw: JsonValue) -> bool:
    """Whether the value constrains nothing: null, NaN, `any`, or lists of nothing else."""
    return _is_open(_nested(raw))


def read_ages(raw: JsonValue, seats: int) -> tuple[list[tuple[int, int]], list[str]]:
    """(youngest, oldest) per seat, in years, from the likes of `[(18, 70), (21, 70)]`; and what there is to report."""
    value = _nested(raw)
    if _is_open(value):
        return [ANY_AGE] * seats, []
    pair = _age_range(value)
    if pair is not None:
        ranges: list[tuple[int, int] | None] = [pair] * seats
    elif isinstance(value, list) and len(value) == seats:
        ranges = [ANY_AGE if _is_open(item) else _age_range(item) for item in value]
    else:
        ranges = [None]
    known = [found for found in ranges if found is not None]
    if len(known) < len(ranges):
        return [ANY_AGE] * seats, ["ages are not (youngest, oldest) for each seat; left open"]
    adult = [_adult(found) for found in known]
    return [ages for ages, _ in adult], [message for _, message in adult if message]


def read_occupations(raw: JsonValue, seats: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """Occupations per seat from the likes of `[['student'], ['teacher', 'coach']]`; and what there is to report."""
    value = _nested(raw)
    if _is_open(value):
        return [()] * seats, []
    report: list[str] = []
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) and len(value[0]) == seats:
        report = ["one list of occupations for all seats; read as one occupation for each"]
        value = value[0]
    if not isinstance(value, list) or len(value) != seats:
        return [()] * seats, ["occupations are not one list for each seat; left open"]
    found = [_occupations(item) for item in value]
    if any(names is None for names in found):
        return [()] * seats, ["occupations are nested too deeply; left open"]
    return [names or () for names in found], report


def write_ages(ages: Sequence[tuple[int, int]]) -> str:
    """The likes of `[(18, 70), (21, 70)]`; `nan` where every seat is open to every adult."""
    return "nan" if all(pair == ANY_AGE for pair in ages) else str(list(ages))


def write_occupations(occupations: Sequence[tuple[str, ...]]) -> str:
    """The likes of `[['student'], ['teacher', 'coach']]`; `nan` where every seat is open to every occupation."""
    return str([list(names) for names in occupations]) if any(occupations) else "nan"


def _adult(ages: tuple[int, int]) -> tuple[tuple[int, int], str]:
    low, high = ages
    if high < 18:
        return ANY_AGE, f"nobody of {low} to {high} can be cast: characters are adults; left open"
    if low < 18:
        return (18, high), f"ages {low} to {high} now begin at 18: characters are adults"
    return ages, ""


def _age_range(value: _Nested) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    bounds = [int(item) for item in value if isinstance(item, str) and re.fullmatch(r"[0-9]{1,3}", item)]
    return (bounds[0], bounds[1]) if len(bounds) == 2 and bounds[0] <= bounds[1] else None


def _occupations(value: _Nested) -> tuple[str, ...] | None:
    names = [value] if isinstance(value, str) else value
    words = [name for name in names if isinstance(name, str)]
    if len(words) < len(names):
        return None
    if any(_is_open(word) for word in words):
        return ()
    return tuple(dict.fromkeys(word.replace("_", " ").strip() for word in words))


def _is_open(value: _Nested) -> bool:
    return value.lower() in _OPEN if isinstance(value, str) else all(map(_is_open, value))


def _nested(raw: JsonValue) -> _Nested:
    if isinstance(raw, str):
        return _parsed(raw)
    if isinstance(raw, list):
        return [_nested(item) for item in raw]
    return "" if raw is None else str(raw)


_DEEPEST = 20
_TOKEN = re.compile(r"""([\[(])|([\])])|,|'([^']*)'|"([^"]*)"|([^\[\](),'"]+)""")


def _parsed(text: str) -> _Nested:
    """Nested lists of words; the text itself where its brackets or quotation marks do not match, or are nested absurdly deep."""
    stack: list[list[_Nested]] = [[]]
    at = 0
    while token := _TOKEN.match(text, at):
        at = token.end()
        opening, closing, single, double, bare = token.groups()
        if opening and len(stack) > _DEEPEST:
            return text
        if opening:
            stack.append([])
        elif closing and len(stack) == 1:
            return text
        elif closing:
            stack[-2].append(stack.pop())
        elif (word := next((w for w in (single, double) if w is not None), (bare or "").strip() or None)) is not None:
            stack[-1].append(word.strip())
    if at < len(text) or len(stack) > 1:
        return text
    return stack[0][0] if len(stack[0]) == 1 else list(stack[0])
