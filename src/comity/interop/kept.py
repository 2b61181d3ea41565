"""An episode with what was made of it, as exports take it, and whose licences its rows are under."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic_core import to_jsonable_python

from comity.interop.licences import together
from comity.world.characters import Character
from comity.world.episodes import Episode
from comity.world.outcomes import Outcome
from comity.world.scenarios import Scenario
from comity.world.scorecards import Scorecard

__all__ = ["ExportFailed", "Kept", "Written", "json_line", "made", "written_whole"]


class ExportFailed(Exception):
    """Nothing can be exported; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An episode as it is stored."""

    episode: Episode
    outcome: Outcome | None
    cards: tuple[Scorecard, ...]
    """Oldest first."""

    @property
    def licence(self) -> str:
        """All licences of what the episode is made of, as one SPDX expression; empty where one of them is not known.

        What has neither a source nor a licence is the user's own, and adds none.
        """
        task = self.episode.task
        parts: tuple[Episode | Scenario | Character | Scorecard, ...]
        parts = (self.episode, task.scenario, *task.cast.values(), *self.cards)
        return together([part.licence for part in parts if part.source or part.licence])

    @property
    def source(self) -> str:
        """Where the episode comes from; for one that was played here, where its scenario does."""
        return self.episode.source or self.episode.task.scenario.source

    @property
    def newest(self) -> Scorecard | None:
        """The scorecard that was made last, whose scores stand for the episode where there is room for one."""
        return self.cards[-1] if self.cards else None


@dataclass
class Written:
    """What was exported so far."""

    rows: Counter[str] = field(default_factory=Counter)
    """By what they are called; `episodes` are counted too."""
    licences: Counter[str] = field(default_factory=Counter)
    """How many episodes are under each; an empty one is not known."""

    def note(self, kept: Kept, **rows: int) -> None:
        """An episode of which so many rows were written."""
        self.rows.update({"episodes": 1, **rows})
        self.licences[kept.licence] += 1


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its place when all of it is written, so that no half of an export is ever found there.

    Raises `ExportFailed` where it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ExportFailed(f"{path} cannot be written ({error.strerror}); choose another file") from None
    finally:
        if part.exists():
            part.unlink()


def made(folder: Path) -> Path:
    """The folder, which is made where it is not there. Raises `ExportFailed`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportFailed(f"{folder} cannot be made a folder ({error.strerror}); choose another") from None
    return folder


def json_line(value: object) -> bytes:
    """The value as JSON on a line of its own, in UTF-8. What UTF-8 cannot hold, half of a surrogate pair, is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(value, default=_plain)}\n".encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return str(to_jsonable_python(value))  # as `comity show --json` has it
    raise TypeError(f"a record holds no {type(value).__name__}")
