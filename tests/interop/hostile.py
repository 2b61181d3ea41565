"""Rows that something happened to: one value of a sound row is lost or is not what it should be."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

__all__ = ["TOKENS", "mutated_json", "mutated_line"]

TOKENS = (
    *("null", "true", "-1", "0", "3", "2.5", "1e400", "-1e400", "NaN", "Infinity", "9" * 30, "9" * 400, "9" * 5000),
    *('""', '"x"', '" "', '"1"', '"\\u0000"', '"\\ud800"', '"a\\nb"', '"\\u001b[31m"', f'"{"9" * 5000}"', '"NaN"'),
    *("[]", "{}", "[[]]", '{"a": null}', '[["x", "y"]]', "[null, null]", '["x", "x"]', '{"x": {"y": [1]}}'),
    *("[" * 120 + "]" * 120, "[" * 300 + "]" * 300, "[" * 5000 + "]" * 5000, f'"{"[" * 5000}{"]" * 5000}"'),
    *(
        '"7ZZZZZZZZZZZZZZZZZZZZZZZZZ"',
        '"<p viewer=\\"environment\\">x"',
        '"x is a 99999-year-old man cook. y pronouns. z"',
    ),
)
"""JSON, and what some writers take for it, in place of a value."""

_HERE = "put it here"


def mutated_json(rows: Sequence[dict[str, Any]]) -> st.SearchStrategy[list[str]]:
    """Some of the rows as JSON text, each with one value gone or another."""
    return st.lists(st.sampled_from(rows), min_size=1, max_size=4).flatmap(
        lambda chosen: st.tuples(*map(_mutated, chosen)).map(list)
    )


def _mutated(row: dict[str, Any]) -> st.SearchStrategy[str]:
    places = [*_places(row)]
    changed = st.builds(_changed, st.just(row), st.sampled_from(places), st.sampled_from((None, *TOKENS)))
    return st.one_of(st.just(json.dumps(row)), changed, st.sampled_from(("null", "[]", "7", '"x"', "{}")))


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    keyed: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in keyed:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _changed(row: dict[str, Any], place: tuple[str | int, ...], token: str | None) -> str:
    """The row with this JSON at a place; `None` takes what is there away."""
    changed = inner = copy.deepcopy(row)
    for key in place[:-1]:
        inner = inner[key]  # type: ignore[index]
    if token is None:
        del inner[place[-1]]  # type: ignore[arg-type]
        return json.dumps(changed)
    inner[place[-1]] = _HERE  # type: ignore[index]
    return json.dumps(changed).replace(json.dumps(_HERE), token)


_WORDS = (
    "",
    "0",
    "-1",
    "10000",
    "99999",
    "9" * 5000,
    "\u0664",
    "NaN",
    "<eos>",
    "YOU:",
    "\0",
    "\ufeff",
    "x",
    '"',
    "item0=1",
)


def mutated_line(line: str, parts: str = " ") -> st.SearchStrategy[str]:
    """A line with one of its parts gone or another, doubled, or cut off there."""
    words = line.split(parts)

    def changed(at: int, word: str | None) -> str:
        return parts.join(words[:at] if word is None else [*words[:at], word, *words[at + 1 :]])

    return st.builds(changed, st.integers(0, len(words) - 1), st.sampled_from((None, *_WORDS)))
