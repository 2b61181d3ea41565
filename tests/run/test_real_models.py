"""Runs with a real model: llama.cpp's own HTTP server as a peer like any other, and a model that the run starts itself. What it says
is not tested.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from run.runs import opened, results, start

from comity.models.download import path_of
from comity.models.registry import LocalModelEntry
from comity.run.plan import Plan

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]
KEY = "a key of this test"


@contextmanager
def llama_cpp(model: Path, slots: int) -> Iterator[str]:
    """llama.cpp's server on a free port; gives its address."""
    command = [sys.executable, "-m", "comity.models.llama_server", str(model), "--alias", "smollm2", "--threads", "2"]
    command += ["--slots", str(slots), "--context", "4096"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{KEY}\n".encode())
        server.stdin.flush()
        yield json.loads(server.stdout.readline())["address"] + "/v1"
        server.kill()


def plan(spec: str, **fields: object) -> Plan:
    whole: dict[str, object] = {
        "name": "test",
        "policies": {"mine": {"model": spec, "style": "transcript", "max_tokens": 120}},
        "tasks": {"tasks": ["gas_bill.priya_kenji"]},
        "limits": {"turns": 3},
    }
    return Plan.model_validate(whole | fields)


async def test_llama_cpps_own_server_is_a_peer_like_any_other(
    smollm2: LocalModelEntry, smollm2_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_KEY", KEY)
    with llama_cpp(path_of(smollm2, smollm2_directory), slots=2) as address, opened(tmp_path) as store:
        spec = f"{address}#smollm2&key_env=LLAMA_KEY"
        limits = {"endpoints": {address: {"in_flight": 2}}, "timeouts": {"first_token": 60.0}}
        played = await start(plan(spec, repeats=3, in_flight=3, **limits), store)
        assert played.progress.complete, played.progress
        assert played.progress.turns > 3
        calls = [call for e in results(store) for event in store.episode(e).events for call in event.trace.calls]
    assert all(call.constrained and call.prompt_tokens and call.completion_tokens for call in calls)
    assert all(call.first_token_seconds is not None for call in calls), "a limit on the first token streams replies"
    assert any(call.cached_tokens for call in calls), "the server kept no prompt"
    spent = played.progress.spent()
    assert spent.calls == len(calls)
    assert spent.prompt_tokens == sum(call.prompt_tokens or 0 for call in calls)


async def test_a_run_starts_a_local_model_itself_and_stops_it(
    smollm2_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_MODELS_DIR", str(smollm2_directory))
    with opened(tmp_path) as store:
        played = await start(plan("local:smollm2-135m"), store)
        assert played.progress.complete, played.progress
        assert played.prepared.plan.in_flight == 1
        assert played.progress.spent().cost == 0
        (result,) = results(store).values()
        assert result.end is not None  # perhaps by the small model's own failure, which stands
        assert len(result.log) == played.progress.turns > 0
