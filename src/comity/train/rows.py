"""Results that are appended to a JSONL file as they come, so that a measurement that was killed goes on where it stood.

The first line says what was measured and how; a file that says something else is refused, never mixed. It holds no logic of any one measure.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import JsonValue, ValidationError

from comity.world.record import Record

__all__ = ["Rows", "RowsError"]

R = TypeVar("R", bound=Record)


class RowsError(ValueError):
    """A file of results that cannot be gone on with; the message names file, line and fix."""


class Rows(Generic[R]):
    """The rows of one measurement, those of earlier calls included. `Rows.open` gives one."""

    def __init__(self, path: Path | None, file: FileIO | None) -> None:
        self._path = path
        self._file = file
        self.found: list[R] = []

    @classmethod
    @contextmanager
    def open(cls, path: Path | None, shape: type[R], about: Mapping[str, JsonValue]) -> Iterator["Rows[R]"]:
        """The rows in a file, which is made where there is none; without a path they are kept in memory alone.

        Raises `RowsError` where the file cannot be opened, holds what is no row, or is about something else.
        """
        if path is None:
            yield cls(None, None)
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b", buffering=0)
        except OSError as error:
            raise RowsError(f"{path}: cannot be opened ({error.strerror})") from error
        with file:
            rows = cls(path, file)
            rows._read(path, file, shape, about)
            yield rows

    def append(self, row: R) -> None:
        """Add a row for good. Raises `RowsError` where the disk takes no more; then nothing was added."""
        if self._file is not None:
            self._write(self._file, row.model_dump_json().encode())
        self.found.append(row)

    def _read(self, path: Path, file: FileIO, shape: type[R], about: Mapping[str, JsonValue]) -> None:
        file.seek(0)
        *lines, rest = file.readall().split(b"\n")
        if rest:  # a kill may leave the beginning of a line
            file.truncate(file.tell() - len(rest))
        if not lines:
            self._write(file, json.dumps(about, sort_keys=True).encode())
            return
        _check(path, lines[0], about)
        for number, line in enumerate(lines[1:], 2):
            try:
                self.found.append(shape.model_validate_json(line))
            except ValidationError as error:
                reason = error.errors(include_url=False, include_input=False)[0]["msg"]
                raise RowsError(f"{path}: line {number}: is no row ({reason}); remove the line or the file") from None

    def _write(self, file: FileIO, line: bytes) -> None:
        end = file.seek(0, 2)
        try:
            whole = file.write(line + b"\n") == len(line) + 1
        except OSError as error:
            file.truncate(end)
            raise RowsError(f"{self._path}: cannot be written ({error.strerror}); make room and go on") from error
        if not whole:
            file.truncate(end)
            raise RowsError(f"{self._path}: cannot be written (the disk is full); make room and go on")


def _check(path: Path, line: bytes, about: Mapping[str, JsonValue]) -> None:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise RowsError(f"{path}: line 1: does not say what was measured; use another file")
    if other := [key for key in sorted({*said, *about}) if said.get(key) != about.get(key)]:
        differs = "; ".join(f"{key} is {said.get(key)!r} there and {about.get(key)!r} now" for key in other)
        raise RowsError(f"{path}: holds other results ({differs}); use another file")
