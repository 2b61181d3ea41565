"""The journal of a folder: one row of JSON a line, appended and made durable before anything that depends on it is done.

What a kill may leave is a last line that is not whole; it is cut off when the journal is opened next. One process works on a folder at a time.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from comity.generate.candidates import Answered, Candidate, Replied, Row

__all__ = ["JOURNAL", "Journal", "JournalError"]

JOURNAL = "candidates.jsonl"
"""Its name in a folder."""

_ROWS: TypeAdapter[Row] = TypeAdapter(Row)


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
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b", buffering=0)
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened ({error.strerror})") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise JournalError(f"{path}: another process works on it; wait for it, or stop it first") from None
            journal = cls(path, file)
            journal._read()
            yield journal

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
        line = row.model_dump_json().encode() + b"\n"
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
        self._take(row)

    def _read(self) -> None:
        self._file.seek(0)
        *lines, rest = self._file.readall().split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                self._take(_ROWS.validate_json(line))
            except (ValidationError, KeyError) as error:
                said = f"{self.path}: line {number}: is no row of this version's; mend or remove it"
                raise JournalError(f"{said} ({error})") from error
        if rest:
            self._file.truncate(self._file.tell() - len(rest))

    def _take(self, row: Row) -> None:
        match row:
            case Replied():
                self._replied.setdefault(row.candidate, []).append(row)
            case Answered():
                self._candidates[row.candidate] = Candidate(row)
            case _:
                self._candidates[row.candidate] = self._candidates[row.candidate].after(row)
