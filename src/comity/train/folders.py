"""Folders that take their place when all of them is written, so that no half of one is ever found there."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FolderError", "made_whole", "out_of_room"]


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
    except FolderError:
        raise
    except Exception as error:
        if why := out_of_room(error):
            raise FolderError(f"{into} cannot be written ({why}); make room, or choose another folder") from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def out_of_room(error: BaseException) -> str:
    """Why a file could not be written, where that is what the error says; else nothing.

    Not every library raises `OSError`: safetensors and torch raise their own with the system's words in it.
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    words = str(error)
    for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS):
        if f"os error {code}" in words:
            return words
    return words if "PytorchStreamWriter failed writing" in words else ""
