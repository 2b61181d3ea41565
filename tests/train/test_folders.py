"""A folder takes its place when it is whole; what stops that is said, and nothing of it is left."""

import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from comity.train.folders import FolderError, made_whole


def make(into: Path, error: Exception | None = None) -> None:
    with made_whole(into) as folder:
        (folder / "weights").write_text("half")
        assert not into.exists()
        if error:
            raise error


def test_it_is_there_once_it_is_whole(tmp_path: Path) -> None:
    make(tmp_path / "deep" / "model")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]
    with pytest.raises(FolderError, match="is there already; choose another folder"):
        make(tmp_path / "deep" / "model")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError(
            "[enforce fail at inline_container.cc:672] . PytorchStreamWriter failed writing file data/0: file write failed"
        ),
    ],
)
def test_a_full_disk_is_said_whoever_says_it(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(FolderError, match=r"model cannot be written .*; make room, or choose another folder"):
        make(tmp_path / "model", error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [RuntimeError("of another kind"), SafetensorError("invalid header"), KeyError("x")])
def test_another_error_stays_what_it_is(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error.args[0])):
        make(tmp_path / "model", error)
    assert not list(tmp_path.iterdir())
