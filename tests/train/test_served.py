"""Adapters on a running server, by vLLM's endpoints as the mock has them: offered, played with, gone, and refused with what to do."""

import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from mock_server import MockServer, mock_server
from models.in_process.small import save_lora, save_model

from comity.agents.llm import LLMAgent
from comity.library import starter
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    ModelError,
    ModelNotFound,
    ServerFailed,
    Unreachable,
)
from comity.models.resolve import resolve
from comity.simulate import simulate
from comity.train.served import load_adapter, served_name, unload_adapter
from comity.world.environment import Limits

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with mock_server(adapters=True) as running:
        yield running


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    return save_lora(folder / "round 1", save_model(folder / "base"))


async def played(server: MockServer, name: str) -> str:
    """The model that an episode's calls say answered."""
    task = starter().tasks[0]
    found = resolve(server.spec, {}, adapter=name)
    try:
        agent = LLMAgent(found.model, adapter=name)
        episode = await simulate(task, dict.fromkeys(task.cast, agent), limits=Limits(turns=2))
    finally:
        await found.model.aclose()
    (call, *_) = episode.events[0].trace.calls
    assert episode.policies[episode.events[0].seat].adapter == name
    return call.model


async def test_an_adapter_is_loaded_played_with_and_unloaded(server: MockServer, adapter: Path) -> None:
    name = served_name(adapter)
    with pytest.raises(ModelNotFound):
        await played(server, name)
    await load_adapter(server.url, name, adapter)
    assert await played(server, name) == server.spec
    await load_adapter(server.url, name, adapter)  # is there already
    await unload_adapter(server.url, name)
    with pytest.raises(ModelNotFound):
        await played(server, name)
    await unload_adapter(server.url, name)  # is gone already


async def test_other_weights_have_another_name(adapter: Path, tmp_path: Path) -> None:
    name = served_name(adapter)
    assert name.startswith("round-1-")
    again = tmp_path / "round 1"
    shutil.copytree(adapter, again)
    assert served_name(again) == name
    save_lora(tmp_path / "other", adapter.parent / "base", seed=2)
    shutil.copy(tmp_path / "other" / "adapter_model.safetensors", again)
    assert served_name(again) != name


async def test_a_path_that_the_server_does_not_see_is_said(server: MockServer, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"finds no adapter in .*; give the path as the server sees it"):
        await load_adapter(server.url, "x", tmp_path)


async def test_a_server_that_loads_no_adapters_is_told_how_to(adapter: Path) -> None:
    with mock_server() as plain:
        for asked in (load_adapter(plain.url, "x", adapter), unload_adapter(plain.url, "x")):
            with pytest.raises(
                ModelNotFound, match="start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
            ):
                await asked


async def test_what_the_server_refuses_is_said_in_its_own_words(server: MockServer, adapter: Path) -> None:
    with pytest.raises(BadRequest, match="'lora_name' and 'lora_path' must be provided"):
        await load_adapter(server.url, "", adapter)
    with pytest.raises(BadRequest, match="must be provided"):
        await unload_adapter(server.url, "")


async def test_no_server_is_said(adapter: Path) -> None:
    for asked in (load_adapter("http://127.0.0.1:9/v1", "x", adapter), unload_adapter("http://127.0.0.1:9/v1", "x")):
        with pytest.raises(Unreachable, match="is the server running"):
            await asked


@asynccontextmanager
async def answering(status: int, body: str) -> AsyncIterator[str]:
    """The address of a server that has this one answer to everything."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (500, '{"error": {"message": "out of memory"}}', ServerFailed, "failed"),
        (401, "{}", AuthenticationFailed, "refuses the key"),
        (200, "[1]", BadReply, "did not list models"),
        (200, "no JSON", BadReply, "did not list models"),
        (200, '{"data": [{}]}', BadReply, "did not list models"),
    ],
)
async def test_what_goes_wrong_at_the_server_has_its_name(
    status: int, body: str, error: type[ModelError], said: str
) -> None:
    async with answering(status, body) as address:
        with pytest.raises(error, match=said):
            await load_adapter(address, "x", "/adapters/x")


def test_the_page_shows_how(server: MockServer, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    shutil.copytree(adapter, tmp_path / "adapters" / "round1")
    (code,) = (
        block for block in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.S | re.M) if "load_adapter" in block
    )
    run = [sys.executable, "-c", code.replace("http://localhost:8000/v1", server.url)]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r'adapter = "round1-[0-9a-f]{12}"', done.stdout)
