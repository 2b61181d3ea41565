"""Checkpoints of a fit: written whole, each with the hashes of its files, so that a damaged one is known and the one before it is used."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Checkpoints"]

_FILES = "files.json"


class Checkpoints:
    """The checkpoints in a folder.

    Args:
        keep: how many of the newest are kept.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder, self._keep = folder, keep
        self.damaged: list[str] = []
        """What `newest` passed over, and why."""

    def at(self, step: int) -> Path:
        """Where the checkpoint of a step is, or would be."""
        return self._folder / f"checkpoint-{step}"

    @contextmanager
    def writing(self, step: int) -> Iterator[Path]:
        """A folder to write the checkpoint of a step in. It counts once it is whole; a half of one is removed."""
        part = self._folder / "checkpoint.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            yield part
            (part / _FILES).write_text(json.dumps(_hashes(part), indent=1), "utf-8")
            shutil.rmtree(self.at(step), ignore_errors=True)
            part.rename(self.at(step))
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def prune(self, best: int | None) -> None:
        """Remove all but the newest, and that of the best step."""
        for step in self._steps()[self._keep :]:
            if step != best:
                shutil.rmtree(self.at(step), ignore_errors=True)

    def newest(self) -> int | None:
        """The step of the newest that is whole; one that is damaged is said in `damaged`. `None` where there is none."""
        for step in self._steps():
            if not (why := self.damage(step)):
                return step
            self.damaged.append(f"checkpoint-{step} is damaged ({why})")
        return None

    def damage(self, step: int) -> str:
        """What is wrong with the checkpoint of a step; nothing where it is whole."""
        folder = self.at(step)
        try:
            known = json.loads((folder / _FILES).read_text("utf-8"))
            found = _hashes(folder)
        except (OSError, ValueError) as error:
            return f"{_FILES}: {error}"
        wrong = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
        return ", ".join(wrong)

    def _steps(self) -> list[int]:
        """The newest first."""
        found = (path.name.partition("-")[2] for path in self._folder.glob("checkpoint-*"))
        return sorted((int(step) for step in found if step.isdecimal()), reverse=True)


def _hashes(folder: Path) -> dict[str, str]:
    hashes = dict[str, str]()
    for path in sorted(folder.iterdir()):
        if path.name != _FILES:
            with path.open("rb") as file:
                hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes
