"""What is wrong with a library's files: one line per problem, naming path, field and reason. Reading the files is in `loader`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["LibraryError", "Problem", "did_you_mean", "problems_of"]

WHOLE_FILE = "(file)"
"""Stands in for the field where a problem is not of one field."""

_SLUG = "at most 128 letters, digits, '_', '-' and '.', the first a letter or digit"

_SHOWN = 60
"""The longest wrong value that is repeated in a message, in characters."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one file."""

    path: str
    field: str
    """Dotted, such as `seats.buyer.goal`; a place in the file where it is not TOML."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.field}: {self.reason}"


class LibraryError(ValueError):
    """A library that cannot be used. The message has one line for each of its `problems`, of all of its files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.path))
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The closest of the known words as a question to append to a reason; empty where none is close."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def problems_of(
    error: ValidationError, path: str, table: Mapping[str, object], shapes: Mapping[str, type[BaseModel]], at: str = ""
) -> list[Problem]:
    """The problems of one table that pydantic refused.

    `shapes` holds the record of the table itself under "" and those of its sub-tables under their names, for the
    names of their fields; `at` is where in the file the table stands.
    """
    return [
        Problem(path, ".".join(filter(None, (at, _field(each["loc"], table)))) or WHOLE_FILE, _reason(each, shapes))
        for each in error.errors(include_url=False)
    ]


def _field(loc: tuple[int | str, ...], table: Mapping[str, object]) -> str:
    """The dotted name of a place; an entry of a list goes by its id where it has one, else by its number from 1."""
    names: list[str] = []
    here: object = table
    for part in loc:
        if isinstance(part, int):
            here = here[part] if isinstance(here, list) and part < len(here) else None
            own = here.get("id") if isinstance(here, dict) else None
            names.append(own if isinstance(own, str) else f"#{part + 1}")
        elif isinstance(here, dict) and part not in here and part == here.get("kind"):
            continue  # pydantic names the kind that was tried, where the file has no level
        else:
            here = here.get(part) if isinstance(here, dict) else None
            names.append(part)
    return ".".join(names)


def _reason(error: ErrorDetails, shapes: Mapping[str, type[BaseModel]]) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            *above, unknown = (part for part in error["loc"] if isinstance(part, str))
            return f"unknown field{did_you_mean(unknown, _fields(shapes, above))}"
        case "string_pattern_mismatch":
            return f"should be {_SLUG}{_given(error)}"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "union_tag_not_found":
            return "has no `kind`, which says what kind of rules these are"
        case "union_tag_invalid":
            tag, known = error["ctx"]["tag"], error["ctx"]["expected_tags"]
            return f"there is no kind {tag!r}{did_you_mean(tag, known.replace(chr(39), '').split(', '))}; there are: {known}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"should be a table{_given(error)}"
        case _:
            return error["msg"].removeprefix("Input ") + _given(error)


def _fields(shapes: Mapping[str, type[BaseModel]], above: list[str]) -> Iterable[str]:
    shape = shapes.get(above[-1] if above else "")
    return shape.model_fields if shape else ()


def _given(error: ErrorDetails) -> str:
    shown = repr(error["input"])
    return f", not {shown}" if len(shown) <= _SHOWN else ""
