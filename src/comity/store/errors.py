"""What can go wrong with a store, as types. A message names the file or record and the fix; it never holds what anyone said or wants."""

from collections.abc import Sequence

__all__ = [
    "Ambiguous",
    "Busy",
    "Conflict",
    "Damaged",
    "Disconnected",
    "DiskFailed",
    "DriverMissing",
    "Fenced",
    "FolderMissing",
    "Full",
    "NewerStore",
    "NotAStore",
    "NotFound",
    "ReadOnly",
    "StoreError",
    "UnsupportedURL",
]


class StoreError(Exception):
    """The store could not do what was asked; nothing of it was stored."""


class UnsupportedURL(StoreError):
    """The URL names no kind of store there is."""


class DriverMissing(StoreError):
    """What talks to this kind of database is not installed."""


class FolderMissing(StoreError):
    """The folder the file would be in does not exist."""


class NotAStore(StoreError):
    """What is there is something else, which is left as it is."""


class NewerStore(StoreError):
    """A later version of Comity has changed the schema."""


class ReadOnly(StoreError):
    """The file or its folder cannot be written."""


class Full(StoreError):
    """There is no room left on the disk."""


class DiskFailed(StoreError):
    """The disk would not read or write."""


class Busy(StoreError):
    """Another process kept the store locked for longer than the wait allowed."""


class Disconnected(StoreError):
    """The database server cannot be reached, or the connection to it broke. What was asked may or may not have been stored."""


class Conflict(StoreError):
    """What is stored already forbids it, such as a second event of one index."""


class Fenced(StoreError):
    """Another worker has taken the episode over since; what this one would add comes too late."""


class Damaged(StoreError):
    """What is stored cannot be read back. The rest of the store is unaffected unless the message says otherwise."""


class NotFound(StoreError):
    """There is no such record; `close` holds ids that resemble the one asked for."""

    def __init__(self, message: str, close: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.close = tuple(close)


class Ambiguous(NotFound):
    """A prefix begins several ids; `close` holds some of them."""
