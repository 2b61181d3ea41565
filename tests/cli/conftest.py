"""A command line in an empty folder, with nothing in its environment that the test has not put there."""

import os
from pathlib import Path

import pytest

from cli.command import Comity


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in os.environ:
        if variable.startswith(("COMITY_", "OPENAI_", "HF_", "PIP_")) or variable in ("FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("COMITY_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def comity(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Comity:
    return Comity(monkeypatch, capsys)
