"""Putting a large file together in steps that a kill cannot spoil, beside its final place. It knows nothing of models or their sources.

The bytes grow in `NAME.part`; after every step a note in `NAME.part.json` says how many of them are sound. Whoever holds the
lock on the part is the only one at work on it; it is moved to its place only once its size and hash are right.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from pydantic import Field, ValidationError

from comity.world.record import Record

__all__ = ["Assembly", "assembling", "fault"]


@contextmanager
def assembling(target: Path) -> Iterator["Assembly"]:
    """Hold the one assembly of this file; another process waits for its turn. What is empty at the end leaves no trace.

    Raises `OSError` where the directory cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f"{target.name}.part")
    while True:
        with path.open("a+b", buffering=0) as file:  # so that a full disk is met in `append`, not again in `close`
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):
                continue  # whoever held the lock before has finished or removed this part
            assembly = Assembly(file, target)
            try:
                yield assembly
            finally:
                assembly.tidy()
            return


def fault(file: FileIO, size: int, sha256: str) -> str | None:
    """What is wrong with an open file; `None` if it has this size in bytes and this hash."""
    found = file.seek(0, os.SEEK_END)
    if found != size:
        return f"is {found:,} bytes long, not {size:,}"
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return None if digest == sha256 else f"has the sha256 {digest}, not {sha256}"


class _Note(Record):
    source: str = ""
    """Whose bytes they are."""
    parts: int = Field(default=0, ge=0)
    bytes: int = Field(default=0, ge=0)


class Assembly:
    """A file being put together from one source at a time."""

    def __init__(self, file: FileIO, target: Path) -> None:
        self._file, self._target = file, target
        self._path = target.with_name(f"{target.name}.part")
        self._note_path = target.with_name(f"{target.name}.part.json")
        self._new_note_path = target.with_name(f"{target.name}.part.json.new")
        self._note = _Note()
        self._mine = False

    @property
    def directory(self) -> Path:
        """Where the file is put together."""
        return self._target.parent

    @property
    def size(self) -> int:
        """Bytes in the part, sound or not, of whatever source."""
        return self._file.seek(0, os.SEEK_END)

    @property
    def sound(self) -> int:
        """Bytes of the present source that need not be fetched again."""
        return self._note.bytes

    def resume(self, source: str) -> int:
        """Go on with what this source gave before, and return its number of parts. Another's bytes stay until the first append."""
        note = self._read_note()
        self._mine = note.source == source and note.bytes <= self.size
        self._note = note if self._mine else _Note(source=source)
        self.roll_back()
        return self._note.parts

    def append(self, chunk: bytes) -> None:
        """Add bytes, which are sound only after `commit`."""
        if not self._mine:
            self.clear()
            self._mine = True
        left = memoryview(chunk)
        while left:
            left = left[self._file.write(left) :]

    def commit(self, parts: int = 0) -> None:
        """Make all bytes so far durable, and note them as sound."""
        if not self._mine:
            return
        os.fsync(self._file.fileno())
        self._note = _Note(source=self._note.source, parts=parts, bytes=self.size)
        self._new_note_path.write_text(self._note.model_dump_json())
        self._new_note_path.replace(self._note_path)

    def roll_back(self) -> None:
        """Drop what the present source gave since the last commit."""
        if self._mine:
            self._file.truncate(self._note.bytes)

    def discard(self) -> None:
        """Drop all that the present source gave."""
        if self._mine:
            self.clear()

    def clear(self) -> None:
        """Drop everything, whoever gave it."""
        self._new_note_path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)
        self._note = _Note(source=self._note.source)
        self._file.truncate(0)

    def finish(self, size: int, sha256: str) -> str | None:
        """Move the file to its place if its size and hash are right; else say what is wrong with it."""
        self.commit(self._note.parts)
        if found := fault(self._file, size, sha256):
            return found
        self._path.replace(self._target)
        self._note_path.unlink(missing_ok=True)
        _sync(self.directory)
        return None

    def tidy(self) -> None:
        """Remove an empty part, while its lock is still held."""
        if _is_at(self._file, self._path) and self.size == 0:
            self.clear()
            self._path.unlink()

    def _read_note(self) -> _Note:
        try:
            return _Note.model_validate_json(self._note_path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return _Note()  # without a readable note nothing is known to be sound


def _is_at(file: FileIO, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
