"""The embedded model: a `ChatModel` that runs one GGUF file in a child process and speaks to it over loopback.

The child is `llama_server`; it starts with the first call and ends with `aclose` or with this process. Files are fetched by
`download`, never here.
"""

import importlib.util
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio
from anyio.abc import Process

from comity.models.download import is_pulled, path_of
from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import Completion, Message, ModelNotFound, Sampling, Schema, Timeouts, Unreachable
from comity.models.registry import LocalModelEntry

__all__ = ["GgufModel", "LocalModel"]

_START_SECONDS = 300.0
_END_SECONDS = 5.0
_DEATH_SECONDS = 2.0
_PATIENT = Timeouts(call=900.0)
"""A small machine needs its time for a long reply."""
_QUIET_OPENMP = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}
"""Without these, threads that wait spin, and speed collapses as soon as anything else runs on the machine."""


class GgufModel:
    """A GGUF file, run on this machine.

    Args:
        name: its specification.
        alias: what the server calls it.
        context: tokens of a conversation, prompt and reply together.
        threads: of the model's own; as many as there are cores unless given.
        slots: conversations kept evaluated at the same time.
    """

    def __init__(
        self, name: str, file: Path, *, alias: str, context: int, slots: int, threads: int | None = None
    ) -> None:
        self._name, self._file, self._alias, self._context = name, file, alias, context
        self._threads = threads or _cores()
        self._slots = _Slots(slots)
        self._starting = anyio.Lock()
        self._child: _Child | None = None
        self._fix = f"; there is no {file.name}"

    @property
    def name(self) -> str:
        """Its specification."""
        return self._name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer; see `ChatModel`. A session keeps its slot, and so its evaluated prompt, until others need the slot more.

        Raises `ModelNotFound` where the file or the runtime is missing, and `Unreachable` where the child does not start
        or dies; the next call then starts another.
        """
        async with self._slots.hold(session) as slot:
            child = await self._running()
            extra = {**sampling.extra, "id_slot": slot, "cache_prompt": True}
            try:
                return await child.client.complete(
                    messages,
                    schema=schema,
                    sampling=sampling.model_copy(update={"extra": extra}),
                    session=session,
                    stream=stream,
                )
            except Unreachable as error:
                if await child.is_dead():
                    raise Unreachable(f"the server of {self.name} {child.last_words()}") from error
                raise

    def check(self) -> None:
        """Raise `ModelNotFound` with the fix where the file or the runtime is missing."""
        if not self._is_there():
            raise ModelNotFound(f"{self.name} is not in {self._file.parent}{self._fix}")
        if importlib.util.find_spec("xllamacpp") is None:
            raise ModelNotFound(f"{self.name} needs xllamacpp; `pip install 'comity[local]'` adds it")

    def _is_there(self) -> bool:
        return self._file.is_file()

    async def aclose(self) -> None:
        """Stop the child and wait for it. A later call starts another."""
        with anyio.CancelScope(shield=True):
            async with self._starting:
                if self._child is not None:
                    await self._child.end()
                    self._child = None

    async def _running(self) -> "_Child":
        async with self._starting:
            if self._child is not None and self._child.has_ended:
                await self._child.end()
                self._child = None
            if self._child is None:
                self._child = await self._start()
            return self._child

    async def _start(self) -> "_Child":
        self.check()
        arguments = {
            "--alias": self._alias,
            "--slots": self._slots.count,
            "--context": self._context,
            "--threads": self._threads,
        }
        options = [str(word) for pair in arguments.items() for word in pair]
        return await _spawn(self.name, self._alias, [str(self._file), *options], self._file.with_suffix(".log"))


class LocalModel(GgufModel):
    """One model of the registry.

    Args:
        entry: the model.
        directory: where model files live.
        threads, slots: see `GgufModel`; the entry's own slots unless given.
    """

    def __init__(
        self, entry: LocalModelEntry, *, directory: Path, threads: int | None = None, slots: int | None = None
    ) -> None:
        super().__init__(
            f"local:{entry.alias}",
            path_of(entry, directory),
            alias=entry.alias,
            context=entry.context,
            threads=threads,
            slots=slots or entry.slots,
        )
        self._entry, self._directory = entry, directory
        self._fix = f"; get it with `comity models pull {entry.alias}`"

    def _is_there(self) -> bool:
        return is_pulled(self._entry, self._directory)


@dataclass
class _Child:
    """The server process and the client that speaks to it."""

    process: Process
    client: OpenAICompatible
    log: Path

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more; the event loop may hear of it a moment after the system knows."""
        if self.process.returncode is not None:
            return True
        try:
            os.kill(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    async def is_dead(self) -> bool:
        """Whether the process has ended. A broken connection is known a moment sooner than the end that caused it."""
        with anyio.move_on_after(_DEATH_SECONDS):
            await self.process.wait()
        return self.process.returncode is not None

    def last_words(self) -> str:
        return f"ended with exit code {self.process.returncode}; the next call starts it again; its log is {self.log}"

    async def end(self) -> None:
        await self.client.aclose()
        await _end(self.process)


async def _spawn(name: str, alias: str, arguments: Sequence[str], log: Path) -> _Child:
    with _fresh(log) as file:
        # not in a worker thread: Linux ends the child together with the thread that started it
        process = await anyio.open_process(
            [sys.executable, "-P", "-m", "comity.models.llama_server", *arguments],
            stderr=file,
            env=os.environ | _QUIET_OPENMP,
        )
    key = secrets.token_urlsafe(32)
    try:
        with anyio.fail_after(_START_SECONDS):
            address = await _address(process, key)
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            await _end(process)
        if isinstance(error, (anyio.EndOfStream, anyio.BrokenResourceError)):
            raise Unreachable(f"the server of {name} did not start: {_last_line(log)}; its log is {log}") from error
        if isinstance(error, TimeoutError):
            raise Unreachable(
                f"the server of {name} took over {_START_SECONDS:.0f} s to start; its log is {log}"
            ) from error
        raise
    return _Child(process, OpenAICompatible(f"{address}/v1", alias, name=name, api_key=key, timeouts=_PATIENT), log)


async def _address(process: Process, key: str) -> str:
    """Hand the child its key and wait until it says where it serves."""
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdin.send(f"{key}\n".encode())
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive()
    return str(json.loads(line)["address"])


async def _end(process: Process) -> None:
    """Close the child's standard input, at which it ends; kill it if it does not."""
    with anyio.move_on_after(_END_SECONDS):
        await process.aclose()


def _fresh(log: Path) -> BinaryIO:
    try:
        log.unlink(missing_ok=True)  # another process may still write to the old one
        return log.open("ab")
    except OSError as error:
        fix = "set COMITY_MODELS_DIR to a directory of yours"
        raise Unreachable(f"the model server's log {log} cannot be written ({error}); {fix}") from error


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"


class _Slots:
    """Which conversation each slot of the server holds. Two calls never share a slot."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = anyio.Semaphore(count)
        self._idle = list(range(count))
        """The least recently used first."""
        self._session: dict[int, str] = {}

    @asynccontextmanager
    async def hold(self, session: str) -> AsyncIterator[int]:
        """The session's own slot where that is idle, else the least recently used; waits while none is."""
        async with self._free:
            slot = next((s for s in self._idle if self._session.get(s) == session), self._idle[0])
            self._idle.remove(slot)
            self._session[slot] = session
            try:
                yield slot
            finally:
                self._idle.append(slot)


def _cores() -> int:
    """Cores that this process may use; above four, half of them are taken to be a core's second thread, which gains nothing."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return usable if usable <= 4 else usable // 2
