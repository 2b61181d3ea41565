"""The real command line for tests: in this process for speed, or in one of its own."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from comity.cli import main
from comity.library import starter

__all__ = ["FIRST", "LIMIT", "ONE", "OTHER", "SALE", "SECOND", "Comity", "Ran", "begin", "finished", "said"]

SALE = next(task for task in starter().tasks if task.scenario.id == "bicycle_sale")
"""The task that is played where none is named: two seats in turns."""
FIRST, SECOND = SALE.names
ONE, OTHER = SALE.names.values()
LIMIT = SALE.scenario.turn_limit


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of standard output, which must be one JSON document."""
        return json.loads(self.out)

    def ok(self) -> "Ran":
        """The same, if it succeeded without a complaint."""
        assert (self.code, self.err) == (0, ""), self
        return self

    def complaint(self, code: int = 1) -> str:
        """What it said on standard error, if it failed cleanly: nothing on standard output that is JSON, and no traceback."""
        assert self.code == code, self
        assert "Traceback" not in self.out + self.err
        assert not self.out.startswith(("{", "["))
        return self.err


class Comity:
    """Runs `comity ...` in this process, exactly as the console script does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["comity", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code
        assert code is None or isinstance(code, int)
        return Ran(code or 0, *self._capsys.readouterr())


def begin(*arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start `python -m comity ...` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "comity", *arguments],
        env=os.environ | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hears_ctrl_c,
    )


def hears_ctrl_c() -> None:
    """Let a new process hear Ctrl-C as one started at a prompt does; one that is started in the background inherits deafness."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finished(process: "subprocess.Popen[str]") -> Ran:
    """Wait for it."""
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def said(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The events of an episode's record without what differs from one playing to the next: times and durations."""
    events = []
    for event in record["events"]:
        calls = [
            {key: value for key, value in call.items() if "seconds" not in key} for call in event["trace"]["calls"]
        ]
        events.append(event | {"trace": calls})
    return events
