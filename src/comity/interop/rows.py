"""Reading the lines of other people's JSON files, each with its place. A line that does not fit is reported, and the rest is read."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json

from comity.interop.json_lists import BrokenOff, NotAList, members_of
from comity.interop.remarks import Report

__all__ = ["BOM", "content_of", "lines_of", "listed", "read_json", "read_row", "without_repeats"]

R = TypeVar("R", bound=BaseModel)

BOM = b"\xef\xbb\xbf"


def content_of(report: Report, path: Path) -> bytes | None:
    """All of a file but a byte order mark; `None` where it cannot be read, which is reported."""
    try:
        return path.read_bytes().removeprefix(BOM)
    except OSError as error:
        report.problem(path.name, f"cannot be read ({error.strerror}); check that the file is there and may be read")
        return None


def lines_of(report: Report, path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank, with its place as `file:line`."""
    for number, line in enumerate((content_of(report, path) or b"").split(b"\n"), 1):
        if line.strip():
            yield f"{path.name}:{number}", line


def listed(report: Report, name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Each member of one JSON list, with its place as `file[index]`; a file that holds none is reported."""
    try:
        for index, member in enumerate(members_of(content)):
            yield f"{name}[{index}]", member
    except NotAList:
        report.problem(name, "holds no JSON list; check that it is the file you mean, and whole")
    except BrokenOff:
        report.problem(name, "breaks off before its list ends; what comes before is read; get the file anew")


def read_json(report: Report, where: str, text: bytes) -> JsonValue:
    """The value of JSON text; `None` too where it is none, which is reported.

    Nesting deeper than 200 and whole numbers of more than 4,300 digits are refused, and so is what is no text, such as half of
    a surrogate pair.
    """
    try:
        value: JsonValue = from_json(text)
    except ValueError as error:
        report.problem(where, f"is not JSON that can be read: {error}; correct it, or remove it")
        return None
    if value is None:
        report.problem(where, "is null; write what belongs there, or remove it")
    return value


def read_row(report: Report, where: str, line: bytes, model: type[R]) -> R | None:
    """The row of a line, or `None` where it does not fit, which is reported."""
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        report.invalid(where, error)
        return None


def without_repeats(report: Report, named: Iterable[tuple[str, str, R]]) -> list[tuple[str, R]]:
    """The rows, given as (place, id, row), each id once: what comes again is reported."""
    first: dict[str, str] = {}
    found: list[tuple[str, R]] = []
    for where, name, row in named:
        if name in first:
            report.problem(where, f"id: {name} is already in {first[name]}; remove one of the two lines")
            continue
        first[name] = where
        found.append((where, row))
    return found
