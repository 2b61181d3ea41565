"""The work folder: what every stage has made, named by what it was made of, so that nothing is made twice and nothing is overwritten.

A stage's folder is its name, what it is about and the beginning of the hash of its inputs: a plan with another learning rate makes a new
one beside the old. It counts as done once `done.json` is there, which is written last.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from comity._version import code_version
from comity.train.folders import FolderError

__all__ = ["STAGES", "Done", "NotDone", "TrainError", "Work", "mark_of", "write_whole"]

STAGES = ("tasks", "collect", "filter", "examples", "fit", "evaluate")
"""In order."""

Json = Mapping[str, JsonValue]


class TrainError(Exception):
    """Training cannot go on; the message says what is kept, and what to do."""


class NotDone(TrainError):
    """A stage is needed that was not asked for and has not been done."""


@dataclass(frozen=True, slots=True)
class Done:
    """A stage that is done."""

    folder: Path
    digest: str
    """SHA-256, in hex, of its inputs."""
    inputs: Json
    result: Json
    code_version: str = ""
    """Of the code that did it, which may be older than what reads it."""


class Work:
    """The folder of one plan.

    Args:
        stages: those that may be done now; what else is needed must be there.
        note: hears a line for each stage that begins or was done before.
    """

    def __init__(self, root: Path, *, stages: Collection[str] = STAGES, note: Callable[[str], None]) -> None:
        self.root, self.stages, self.note = root, frozenset(stages), note

    @contextmanager
    def held(self) -> Iterator[None]:
        """While it is worked in. Raises `TrainError` where another process does: both would make the same, one over the other."""
        from filelock import FileLock, Timeout  # of the extra; the command line reads this module without it

        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / ".lock", timeout=0):
                yield
        except Timeout:
            raise TrainError(
                f"{self.root} is worked in by another process; wait for it, or give another folder: --into"
            ) from None

    def stage(self, stage: str, label: str, inputs: Json, do: Callable[[Path], Json]) -> Done:
        """What `do` makes of the inputs in the folder that it is given, or has made of them before.

        Raises `NotDone`, and whatever `do` raises: then the same call goes on.
        """
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        folder = self.root / stage / f"{label}-{digest[:10]}"
        if (kept := _read(folder / "done.json")) is not None:
            other = "" if kept["code_version"] == code_version() else f" by code {kept['code_version']}"
            self.note(f"{stage} {label}: done before{other} ({folder})")
            return Done(folder, digest, inputs, cast("Json", kept["result"]), str(kept["code_version"]))
        if stage not in self.stages:
            raise NotDone(f"{stage} {label} has not been done with this plan; do it first: --stages {stage}")
        self.note(f"{stage} {label}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            result = do(folder)
            done: Json = {
                "stage": stage,
                "about": label,
                "code_version": code_version(),
                "digest": digest,
                "inputs": dict(inputs),
                "result": dict(result),
            }
            write_whole(folder / "done.json", done)
        except FolderError:
            raise
        except OSError as error:
            raise TrainError(
                f"{stage} {label}: {error.filename or folder} cannot be written ({error.strerror}); what was done is kept, and the same command goes on"
            ) from error
        return Done(folder, digest, inputs, result, code_version())


def mark_of(model: str) -> str:
    """What tells weights apart, wherever they lie: the hash in their specification, `adapter:PATH@HASH`."""
    return model.rpartition("@")[2]


def write_whole(path: Path, value: JsonValue | Json) -> None:
    """Write JSON in one step, so that no half of it is ever found. Raises `OSError`."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(_laid_out(value) + "\n", "utf-8")
    part.replace(path)


def _laid_out(value: JsonValue | Json, depth: int = 0) -> str:
    """As JSON that can be read and compared by lines: what holds only plain values stands on one."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    if not any(isinstance(each, Mapping | list | tuple) and each for each in inner):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        parts = [
            f"{json.dumps(str(key), ensure_ascii=False)}: {_laid_out(each, depth + 1)}" for key, each in value.items()
        ]
    else:
        parts = [_row(each, depth) for each in inner]
    ends = "{}" if isinstance(value, Mapping) else "[]"
    space = "\n" + " " * (depth + 1)
    return f"{ends[0]}{space}{(',' + space).join(parts)}\n{' ' * depth}{ends[1]}"


def _row(value: JsonValue, depth: int) -> str:
    """A row of a table on one line, with what little it holds; another list or table as ever."""
    small = isinstance(value, list) and all(not isinstance(each, Mapping) for each in value)
    return json.dumps(value, ensure_ascii=False) if small else _laid_out(value, depth + 1)


def _read(path: Path) -> Json | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("result"), dict) or "code_version" not in found:
        raise TrainError(f"{path} is not what a stage writes; remove it, and the stage is done again")
    return cast("Json", found)
