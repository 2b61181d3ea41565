"""Reading the lines of other people's JSON files, each with its place. A line that does not fit is reported, and the rest is read."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from comity.interop.remarks import Report

__all__ = ["lines_of", "read_row", "without_repeats"]

R = TypeVar("R", bound=BaseModel)


def lines_of(report: Report, path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank, with its place as `file:line`."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        report.problem(path.name, f"cannot be read ({error.strerror}); check that the file is there and may be read")
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{path.name}:{number}", line


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
