"""The journal of a folder: one row of JSON a line, appended and made durable before anything that depends on it is done.

What a kill may leave is a last line that is not whole; it is cut off when the journal is opened next. One process works on a folder at a time.
Rows hold private texts, so that what is said of a row that cannot be read repeats nothing of it but its candidate's id.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from comity.generate.candidates import Answered, Candidate, Replied, Row

__all__ = ["JOURNAL", "Journal", "JournalError"]

JOURNAL = "candidates.jsonl"
"""Its name in a folder."""

_ROWS: TypeAdapter[Row] = TypeAdapter(Row, config=ConfigDict(hide_input_in_errors=True))
_OF = re.compile(rb'"candidate": ?"([A-Za-z0-9_-]{1,64})"')
"""Whose row a line is, readable or not."""


class JournalError(ValueError):
    """A folder whose candidates cannot be worked on; the message names the file and says what to do."""


class Journal:
    """The candidates of a folder. `Journal.open` gives one."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file
        self._candidates: dict[str, Candidate] = {}
        self._replied: dict[str, list[Replied]] = {}

    @classmethod
    @contextmanager
    def open(cls, folder: Path, *, create: bool = False) -> Iterator["Journal"]:
        """Hold the folder's journal, alone. Raises `JournalError`."""
        path = folder / JOURNAL
        if not create and not path.is_file():
            raise JournalError(f"{path}: there is no such file; candidates come from `comity generate scenarios`")
        made = [each for each in (path, folder, *folder.parents) if not each.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b", buffering=0)
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened ({error.strerror})") from error
        with file:
            _lock(path, file)
            journal = cls(path, file)
            try:
                journal._read()
                yield journal
            except BaseException:
                _remove(made, file)
                raise

    @property
    def candidates(self) -> Sequence[Candidate]:
        """In the order in which they were answered."""
        return tuple(self._candidates.values())

    def candidate(self, id_: str) -> Candidate | None:
        """The candidate of this id."""
        return self._candidates.get(id_)

    def replied(self, id_: str) -> Sequence[Replied]:
        """The replies that a candidate got before its answer, none of them usable when they came."""
        return tuple(self._replied.get(id_, ()))

    def append(self, row: Row) -> None:
        """Add a row for good. Raises `JournalError` where the disk takes no more; then nothing was added."""
        self._write(row.model_dump_json().encode() + b"\n")
        self._take(row)

    def _write(self, line: bytes) -> None:
        end = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(line)
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(end)
            raise JournalError(f"{self.path}: cannot be written ({error.strerror}); make room and go on") from error
        if written != len(line):
            self._file.truncate(end)
            raise JournalError(f"{self.path}: cannot be written (the disk is full); make room and go on")

    def _read(self) -> None:
        self._file.seek(0)
        *lines, rest = self._file.readall().split(b"\n")
        for number, line in enumerate([*lines, rest] if _is_whole(rest) else lines, 1):
            try:
                self._take(_ROWS.validate_json(line))
            except (ValidationError, KeyError) as error:
                raise JournalError(f"{self.path}: line {number}: {_said(line, error)}") from None
        if _is_whole(rest):
            self._write(b"\n")
        elif rest:
            self._file.truncate(self._file.tell() - len(rest))

    def _take(self, row: Row) -> None:
        match row:
            case Replied():
                self._replied.setdefault(row.candidate, []).append(row)
            case Answered():
                self._candidates[row.candidate] = Candidate(row)
            case _:
                self._candidates[row.candidate] = self._candidates[row.candidate].after(row)


def _lock(path: Path, file: FileIO) -> None:
    """Have the file alone. Who had it last may have removed it between its opening and here."""
    busy = f"{path}: another process works on it; wait for it, or stop it first"
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(busy) from None
    if os.fstat(file.fileno()).st_nlink == 0:
        raise JournalError(busy)


def _remove(made: Sequence[Path], file: FileIO) -> None:
    """Leave no trace of what came to nothing: the journal, if it is new and empty, and the folders that were made for it."""
    if not made or os.fstat(file.fileno()).st_size:
        return
    made[0].unlink(missing_ok=True)
    with suppress(OSError):  # somebody has put something into it
        for folder in made[1:]:
            folder.rmdir()


def _is_whole(line: bytes) -> bool:
    """Whether nothing of a line is missing but its end: no part of an object is JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _said(line: bytes, error: ValidationError | KeyError) -> str:
    """What is wrong with a line, and what to do."""
    found = _OF.search(line)
    whose = f"candidate {found[1].decode()!r}" if found else "its candidate"
    if isinstance(error, KeyError):
        return f"no `answered` row stands before it for {whose}; put that back, or remove all rows of {whose}"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    known = [str(part) for part in first["loc"] if isinstance(part, int) or part.isidentifier()]
    place = ".".join(known[:-1] if first["type"] == "extra_forbidden" else known)
    at = f"{place}: " if place else ""
    return f"is no row of this version's ({at}{first['type']}); mend it, or remove all rows of {whose}"
