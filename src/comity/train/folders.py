"""Folders that take their place when all of them is written, so that no half of one is ever found there."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FolderError", "disk_errors", "made_whole", "out_of_room"]


class FolderError(OSError):
    """A folder cannot be written; the message says what to do. What was there before is still there."""


@contextmanager
def made_whole(into: Path) -> Iterator[Path]:
    """A new folder to write in, which becomes `into` at the end; nothing is left of it where that fails.

    Raises `FolderError` where there is something at `into` already, or the disk takes no more.
    """
    part = into.with_name(f"{into.name}.new")
    if into.exists():
        raise FolderError(f"{into} is there already; choose another folder, or remove it")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        part.rename(into)
    except disk_errors() as error:
        if why := out_of_room(error):
            raise FolderError(f"{into} cannot be written ({why}); make room, or choose another folder") from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def disk_errors() -> tuple[type[Exception], ...]:
    """What is raised where a file cannot be written: not every library raises `OSError`. `out_of_room` tells whether that is it."""
    from safetensors import SafetensorError

    return (OSError, RuntimeError, SafetensorError)


def out_of_room(error: Exception) -> str:
    """Why a file could not be written, where that is what the error says; else nothing."""
    if isinstance(error, OSError):
        return "" if isinstance(error, FolderError) else error.strerror or str(error)
    words = str(error)
    full = any(f"os error {code}" in words for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS))
    return words if full or "PytorchStreamWriter failed writing" in words else ""
