"""Adapters on a server that runs: loaded into vLLM and out of it by its own endpoints, without a restart. Playing with them is a policy's.

The server needs `--enable-lora` and, in its environment, `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True`; it reads the adapter's folder itself, by
a path that it can see. See docs/training.md.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path, PurePath

import aiohttp

from comity.models.in_process.folder import find
from comity.models.protocol import (
    AuthenticationFailed,
    BadReply,
    BadRequest,
    ModelNotFound,
    ServerFailed,
    Unreachable,
)

__all__ = ["load_adapter", "served_name", "unload_adapter"]

_PATIENCE = 300.0
"""Seconds to read an adapter."""
_NOT_SERVED = "start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"


def served_name(adapter: Path) -> str:
    """What an adapter is called on a server: its folder's name with a hash of its weights.

    Loaded anew under one name, an adapter may be answered from what the server remembers of the old one. Raises `ModelNotFound`.
    """
    mark = find(f"adapter:{adapter}").name.rpartition("@")[2]
    return f"{re.sub('[^A-Za-z0-9_.-]+', '-', adapter.resolve().name)}-{mark}"


async def load_adapter(address: str, name: str, path: PurePath | str, *, key: str | None = None) -> bool:
    """Have a server offer an adapter under this name; whether it did not before. What it offers already is left as it is.

    Args:
        address: up to and including `/v1`.
        path: the adapter's folder, as the server sees it.
        key: the server's, where it asks for one.

    Raises `ModelError`: `ModelNotFound` where there is no such folder there or the server loads no adapters, `BadRequest` with its own
    words where it refuses this one, `AuthenticationFailed`, `ServerFailed`, `Unreachable`.
    """
    async with _session(address, key) as http:
        if name in await _offered(http, address):
            return False
        status, said = await _post(http, address, "load_lora_adapter", {"lora_name": name, "lora_path": str(path)})
        if status == 404 and _is_route(said):
            raise ModelNotFound(f"{address} loads no adapters; {_NOT_SERVED}")
        if status == 404:
            raise ModelNotFound(
                f"{address} finds no adapter in {path} ({said}); give the path as the server sees it "
                "(a training plan: policy.server_folders)"
            )
        if status >= 400:
            raise BadRequest(f"{address} does not load {name}: {said}")
        return True


async def unload_adapter(address: str, name: str, *, key: str | None = None) -> None:
    """Have a server offer an adapter no more. One that it does not offer is gone already. Raises `ModelError`; see `load_adapter`."""
    async with _session(address, key) as http:
        status, said = await _post(http, address, "unload_lora_adapter", {"lora_name": name})
        if status == 404 and _is_route(said):
            raise ModelNotFound(f"{address} unloads no adapters; {_NOT_SERVED}")
        if status >= 400 and status != 404:
            raise BadRequest(f"{address} does not unload {name}: {said}")


@asynccontextmanager
async def _session(address: str, key: str | None) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE, connect=10.0)
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            yield http
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(f"nothing answers at {address} ({error}); is the server running?") from error


async def _offered(http: aiohttp.ClientSession, address: str) -> list[str]:
    """The names of all that the server offers, adapters among them."""
    async with http.get(f"{address.rstrip('/')}/models") as answer:
        _check(address, answer.status, answer.reason or "")
        try:
            return [str(model["id"]) for model in (await answer.json())["data"]]
        except (ValueError, KeyError, TypeError, aiohttp.ContentTypeError) as error:
            raise BadReply(f"{address}/models did not list models; is this an OpenAI-compatible address?") from error


async def _post(http: aiohttp.ClientSession, address: str, what: str, body: Mapping[str, str]) -> tuple[int, str]:
    """The status and what the server said, where it understood the question."""
    async with http.post(f"{address.rstrip('/')}/{what}", json=body) as answer:
        said = await _said(answer)
        _check(address, answer.status, said)
        return answer.status, said


def _check(address: str, status: int, said: str) -> None:
    if status in (401, 403):
        raise AuthenticationFailed(f"{address} refuses the key; give the one that it was started with")
    if status >= 500:
        raise ServerFailed(f"{address} failed: {said}")


async def _said(answer: aiohttp.ClientResponse) -> str:
    """The server's words, in whichever of its versions' forms."""
    try:
        body = await answer.json(content_type=None)
    except ValueError:
        return (await answer.text())[:500]
    if not isinstance(body, dict):
        return str(body)[:500]
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    return str(inner.get("message") or inner.get("detail") or body)[:500]


def _is_route(said: str) -> bool:
    """Whether a 404 is about the address and not about what was asked there."""
    return said in ("Not Found", "no such address")
