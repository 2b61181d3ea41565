"""The embedded model. What is marked `embedded` runs the real one; the rest needs neither the file nor the runtime."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from comity.models.local import LocalModel, _Slots
from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import (
    AuthenticationFailed,
    ContextExceeded,
    Message,
    ModelNotFound,
    Sampling,
    Schema,
    Unreachable,
)
from comity.models.registry import LocalModelEntry, PathSource

pytestmark = pytest.mark.anyio
embedded = pytest.mark.embedded

GREETING = [Message("user", "Tell me about the sea, in a few long sentences, with everything you know of it.")]
SHORT = Sampling(temperature=0, max_tokens=8, seed=1)
LONG = Sampling(temperature=0, max_tokens=300, seed=1, extra={"ignore_eos": True})


def toy(data: bytes = b"") -> LocalModelEntry:
    return LocalModelEntry(
        alias="toy",
        sha256="ab" * 32,
        bytes=len(data) or 1,
        licence="MIT",
        style="chat",
        sources=(PathSource(kind="path", path="/none"),),
    )


async def answer(model: LocalModel, session: str = "s", sampling: Sampling = SHORT) -> str:
    return (await model.complete(GREETING, schema=None, sampling=sampling, session=session)).text


# -- without the model -------------------------------------------------------------------------------------------------


async def test_a_model_that_is_not_pulled_is_not_fetched_either(tmp_path: Path) -> None:
    model = LocalModel(toy(), directory=tmp_path)
    assert model.name == "local:toy"
    with pytest.raises(ModelNotFound, match="get it with `comity models pull toy`"):
        await answer(model)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    await model.aclose()


async def test_without_the_runtime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy-abababababab.gguf").write_bytes(b"x")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelNotFound, match=r"pip install 'comity\[local\]'"):
        await answer(LocalModel(toy(), directory=tmp_path))


async def take(slots: _Slots, session: str) -> int:
    async with slots.hold(session) as slot:
        return slot


async def test_a_session_comes_back_to_its_slot() -> None:
    slots = _Slots(3)
    taken = [await take(slots, session) for session in ("a", "b", "c", "b", "a", "c")]
    assert len(set(taken[:3])) == 3
    assert taken[3:] == [taken[1], taken[0], taken[2]]


async def test_the_least_recently_used_slot_is_given_up() -> None:
    slots = _Slots(2)
    a, b = await take(slots, "a"), await take(slots, "b")
    assert await take(slots, "a") == a
    assert await take(slots, "c") == b
    assert await take(slots, "a") == a


async def test_calls_at_the_same_time_never_share_a_slot_and_wait_for_a_free_one() -> None:
    slots, at_work, most = _Slots(2), set[int](), 0

    async def call(session: str) -> None:
        nonlocal most
        async with slots.hold(session) as slot:
            assert slot not in at_work
            at_work.add(slot)
            most = max(most, len(at_work))
            await anyio.lowlevel.checkpoint()
            at_work.remove(slot)

    async with anyio.create_task_group() as group:
        for n in range(20):
            group.start_soon(call, f"s{n % 3}")
    assert most == 2


# -- with the model ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def model(smollm2: LocalModelEntry, smollm2_directory: Path) -> AsyncIterator[LocalModel]:
    model = LocalModel(smollm2.model_copy(update={"context": 1024}), directory=smollm2_directory, slots=2)
    yield model
    await model.aclose()


def children(parent: int) -> list[int]:
    """The model servers that the process has started and that still run."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    found = [int(pid) for each in lists for pid in each.read_text().split()]
    return [pid for pid in found if b"comity.models.llama_server" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def told(pid: int) -> bytes:
    """What the process was started with, as others on the machine may read it."""
    return b"".join(Path(f"/proc/{pid}/{part}").read_bytes() for part in ("cmdline", "environ"))


def logged(directory: Path) -> str:
    (log,) = directory.glob("smollm2-135m-*.log")
    return log.read_text()


def ends(pid: int, seconds: float = 20) -> bool:
    """Whether the process ends in that time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@embedded
async def test_a_constrained_reply_satisfies_its_schema(model: LocalModel) -> None:
    body = {
        "type": "object",
        "properties": {"action": {"enum": ["speak", "leave"]}, "loud": {"type": "boolean"}},
        "required": ["action", "loud"],
        "additionalProperties": False,
    }
    reply = await model.complete(
        GREETING, schema=Schema("reply", body), sampling=Sampling(temperature=1, max_tokens=60, seed=3), session="s"
    )
    read = json.loads(reply.text)
    assert set(read) == {"action", "loud"}
    assert read["action"] in ("speak", "leave")
    assert reply.constrained
    assert reply.model == "smollm2-135m"


@embedded
async def test_two_sessions_at_once_each_keep_their_prompts(model: LocalModel) -> None:
    order: list[str] = []
    prompts = {name: [Message("user", f"{name}, " * 40)] for name in ("apples", "pears")}
    forty = LONG.model_copy(update={"max_tokens": 40})

    async def begin(name: str) -> None:
        def hear(piece: str) -> None:
            order.append(name)

        await model.complete(prompts[name], schema=None, sampling=forty, session=name, stream=hear)
        order.append(f"{name} ended")

    async with anyio.create_task_group() as group:
        for name in prompts:
            group.start_soon(begin, name)
    assert max(map(order.index, prompts)) < min(order.index(f"{name} ended") for name in prompts)

    for name, prompt in prompts.items():
        longer = [*prompt, Message("assistant", "Yes."), Message("user", "And now?")]
        again = await model.complete(longer, schema=None, sampling=SHORT, session=name)
        assert again.prompt_tokens is not None
        assert again.cached_tokens is not None
        assert again.cached_tokens > 80
        assert again.prompt_tokens - again.cached_tokens < 30


@embedded
async def test_a_prompt_beyond_the_context_is_refused_as_that(model: LocalModel) -> None:
    with pytest.raises(ContextExceeded):
        await model.complete([Message("user", "word " * 2000)], schema=None, sampling=SHORT, session="s")


@embedded
async def test_a_dead_server_is_unreachable_and_the_next_call_starts_another(model: LocalModel) -> None:
    def kill(_: str) -> None:
        for pid in children(os.getpid()):
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(Unreachable, match=r"local:smollm2-135m ended with exit code -9; the next call starts it again"):
        await model.complete(GREETING, schema=None, sampling=LONG, session="s", stream=kill)
    assert children(os.getpid()) == []
    assert await answer(model)
    assert len(children(os.getpid())) == 1


@embedded
async def test_a_server_that_died_between_calls_is_replaced_unnoticed(model: LocalModel) -> None:
    before = await answer(model)
    (pid,) = children(os.getpid())
    os.kill(pid, signal.SIGKILL)
    assert await anyio.to_thread.run_sync(ends, pid)
    with anyio.fail_after(30):
        while pid in children(os.getpid()):
            await anyio.lowlevel.checkpoint()
    assert await answer(model) == before


@embedded
async def test_closing_ends_the_server_and_leaves_nothing_of_the_talk_in_its_log(
    model: LocalModel, smollm2_directory: Path
) -> None:
    canary = [Message("user", "kestrel-4711 is my secret")]
    schema = Schema("reply", {"type": "object", "properties": {"kestrel": {"type": "string"}}})
    await model.complete(canary, schema=schema, sampling=SHORT, session="kestrel")
    with pytest.raises(ContextExceeded):
        await model.complete(canary * 300, schema=None, sampling=SHORT, session="kestrel")
    (pid,) = children(os.getpid())
    await model.aclose()
    assert ends(pid)
    assert "kestrel" not in logged(smollm2_directory)


@embedded
async def test_only_who_has_the_key_is_answered_and_the_key_is_in_no_public_place(model: LocalModel) -> None:
    await answer(model)
    child = model._child
    assert child is not None
    (pid,) = children(os.getpid())
    key = child.client._headers["Authorization"].removeprefix("Bearer ")
    assert key.encode() not in told(pid)
    assert b"OMP_WAIT_POLICY=passive" in told(pid)
    stranger = OpenAICompatible(child.client.base_url, "x", name="x", api_key="guess")
    with pytest.raises(AuthenticationFailed):
        await stranger.complete(GREETING, schema=None, sampling=SHORT, session="s")
    await stranger.aclose()


@embedded
async def test_a_call_given_up_stops_at_the_server_too(model: LocalModel) -> None:
    endless = LONG.model_copy(update={"max_tokens": 900})
    with anyio.CancelScope() as scope:
        await model.complete(GREETING, schema=None, sampling=endless, session="s", stream=lambda piece: scope.cancel())
    assert scope.cancelled_caught
    with anyio.fail_after(8):  # 900 tokens take twice as long
        assert await answer(model)


@embedded
async def test_a_file_that_is_no_model_fails_with_the_servers_reason(tmp_path: Path) -> None:
    (tmp_path / "toy-abababababab.gguf").write_bytes(b"no model at all")
    with pytest.raises(Unreachable, match=r"local:toy did not start: .*; its log is .*toy-abababababab\.log"):
        await answer(LocalModel(toy(b"no model at all"), directory=tmp_path))
    assert children(os.getpid()) == []


PARENT = """
import sys, anyio
from pathlib import Path
from comity.models.local import LocalModel
from comity.models.protocol import Message, Sampling
from comity.models.registry import LocalModelEntry

async def main():
    model = LocalModel(LocalModelEntry.model_validate_json(sys.argv[1]), directory=Path(sys.argv[2]), slots=1)
    await model.complete([Message("user", "Hi")], schema=None, sampling=Sampling(max_tokens=1), session="s")
    print("ready", flush=True)
    await anyio.sleep_forever()

anyio.run(main)
"""


@embedded
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_kill_9_of_the_parent_leaves_no_server(smollm2: LocalModelEntry, smollm2_directory: Path) -> None:
    command = [sys.executable, "-c", PARENT, smollm2.model_dump_json(), str(smollm2_directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (server,) = children(parent.pid)
        parent.kill()
    assert ends(server)
