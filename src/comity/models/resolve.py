"""From a specification such as `openai:gpt-4o` to a model. Nothing is contacted or started here, and nothing is ever sent to a server that
the specification does not name. A model's own name is a specification too: it leads to the same server, model and key variable.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from comity.models.protocol import AuthenticationFailed, ChatModel, ModelNotFound, Sampling, Timeouts

__all__ = ["FORMS", "SAME_REPLIES", "Resolved", "resolve", "torch_threads"]

SAME_REPLIES = 2
"""Threads of torch up to which a reply in this process does not depend on who else is being answered."""

FORMS = """\
openai:NAME              OpenAI, or the server in OPENAI_BASE_URL, with the key in OPENAI_API_KEY
http://HOST:PORT/v1#NAME any OpenAI-compatible server (vLLM, Ollama, llama.cpp); add &key_env=VARIABLE for a key
local:ALIAS              a model on this machine; see `comity models`
hf:PATH                  a Hugging Face folder or a .gguf file, run in this process (the extra `train`)
adapter:PATH             what training wrote: an adapter or a whole model, run in this process
scripted:NAME            no model at all: demo, silent, leaver
negotiator:STYLE         no model at all, for a seat of a scenario with a payoff: linear, boulware, ... (docs/negotiators.md)
trivial:WAY              the same, of no skill: accept, random, noisy"""

_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model with the prompt style and sampling that suit it."""

    model: ChatModel
    style: str = "chat"
    sampling: Sampling = field(default_factory=Sampling)
    endpoint: str = ""
    """Where its calls go: a server's address, or a local model's own name; empty where nobody is called."""
    asked: str = ""
    """What the endpoint is asked for: the model's name there, or the adapter's; a model on this machine by its file's hash."""
    slots: int | None = None
    """How many calls it answers at the same time, where that is known."""


def resolve(
    spec: str,
    environ: Mapping[str, str] | None = None,
    *,
    conversations: int = 3,
    adapter: str | None = None,
    timeouts: Timeouts | None = None,
) -> Resolved:
    """The model of this specification. Raises `ModelError` with the fix.

    Args:
        environ: where keys and addresses are looked up; the process's own unless given.
        conversations: how many a local model holds at the same time, at least: one for each seat, and one to judge.
        adapter: the name under which a server offers a LoRA adapter of the model, as vLLM and SGLang do.
    """
    environ = os.environ if environ is None else environ
    server = _Server(adapter, timeouts or Timeouts())
    scheme, _, rest = spec.partition(":")
    if scheme in ("http", "https"):
        return _server(spec, environ, server)
    if rest and scheme == "openai":
        return _openai(rest, environ, server)
    if adapter is not None:
        raise ModelNotFound(
            f"{spec} takes no adapter; serve the model with llama.cpp, vLLM or SGLang and name the server"
        )
    if rest and scheme == "local":
        return _local(rest, environ, conversations)
    if scheme == "adapter" and "#llama.cpp" in rest:
        return _merged(spec, conversations)
    if rest and scheme in ("hf", "adapter"):
        return _in_process(spec, environ)
    if rest and scheme == "scripted":
        from comity.models.scripted import scripted

        return Resolved(scripted(rest))
    if rest and scheme in ("negotiator", "trivial"):
        raise ModelNotFound(f"{spec} plays a seat and is no model: it can neither judge nor be asked; name a model")
    raise ModelNotFound(f"{spec!r} does not name a model; the forms are:\n{FORMS}")


@dataclass(frozen=True, slots=True)
class _Server:
    """A server's client in the making."""

    adapter: str | None
    timeouts: Timeouts

    def client(self, address: str, model: str, name: str, key: str | None, token_limit: str = "max_tokens") -> Resolved:
        from comity.models.openai_compatible import OpenAICompatible

        asked = self.adapter or model  # a server offers an adapter as one more model
        made = OpenAICompatible(address, asked, name=name, api_key=key, token_limit=token_limit, timeouts=self.timeouts)
        return Resolved(made, endpoint=address, asked=asked)


def _openai(name: str, environ: Mapping[str, str], server: _Server) -> Resolved:
    address = (environ.get("OPENAI_BASE_URL") or _OPENAI).rstrip("/")
    if not address.startswith(("http://", "https://")) or "#" in address:
        raise ModelNotFound("OPENAI_BASE_URL is not an address; it looks like https://HOST/v1")
    if address != _OPENAI:
        return _server(f"{address}#{name}&key_env=OPENAI_API_KEY", environ, server)
    key = environ.get("OPENAI_API_KEY")
    if not key:
        raise AuthenticationFailed(f"openai:{name} needs a key; set OPENAI_API_KEY")
    return server.client(address, name, f"openai:{name}", key, "max_completion_tokens")


def _server(spec: str, environ: Mapping[str, str], server: _Server) -> Resolved:
    parts = urlsplit(spec)
    if "@" in parts.netloc or parts.query:
        # said without the address, which would carry a password into a terminal or a log
        raise ModelNotFound(
            "an address holds no user, password or query; name the key's variable: #NAME&key_env=VARIABLE"
        )
    name, *options = parts.fragment.split("&")
    if not name or not parts.netloc:
        raise ModelNotFound(f"{spec!r} names no model; write http://HOST:PORT/v1#NAME")
    address = parts._replace(path=parts.path.rstrip("/"), fragment="").geturl()
    bare = f"{address}#{name}"
    if not options:
        return server.client(address, name, bare, None)
    variable = _key_variable(bare, options)
    if not (key := environ.get(variable)):
        raise AuthenticationFailed(f"{spec!r} needs a key; set {variable}")
    return server.client(address, name, f"{bare}&key_env={variable}", key)


def _key_variable(bare: str, options: Sequence[str]) -> str:
    """The variable in `key_env=VARIABLE`, which is the only option there is; another may hold a key and is not repeated."""
    option, _, variable = options[0].partition("=")
    if len(options) > 1 or option != "key_env" or not variable:
        raise ModelNotFound(f"after {bare} there can be &key_env=VARIABLE and nothing else")
    return variable


def _local(alias: str, environ: Mapping[str, str], conversations: int) -> Resolved:
    from comity.models.local import LocalModel
    from comity.models.registry import find_entry, models_directory

    entry = find_entry(alias, environ)
    slots = max(entry.slots, conversations)
    model = LocalModel(entry, directory=models_directory(environ), slots=slots)
    model.check()
    return Resolved(model, entry.style, entry.sampling, endpoint=model.name, asked=entry.sha256[:16], slots=slots)


def _in_process(spec: str, environ: Mapping[str, str]) -> Resolved:
    from comity.models.in_process.folder import find
    from comity.models.in_process.model import SLOTS, InProcessModel

    found = find(spec)
    model = InProcessModel(found, device=environ.get("COMITY_DEVICE") or "auto", threads=torch_threads(environ))
    style, sampling = (
        ("chat", Sampling(max_tokens=256)) if found.note is None else (found.note.style, found.note.sampling)
    )
    return Resolved(model, style, sampling, endpoint=model.name, asked=model.name, slots=SLOTS)


def torch_threads(environ: Mapping[str, str]) -> int:
    """Of torch at most, for a model in this process."""
    said = environ.get("COMITY_TORCH_THREADS") or str(SAME_REPLIES)
    if not (said.isdecimal() and int(said)):
        raise ModelNotFound(f"COMITY_TORCH_THREADS is {said!r}; it is a number of threads, from 1")
    return int(said)


def _merged(spec: str, conversations: int) -> Resolved:
    from comity.models.merged import merged_model

    model, found = merged_model(spec, conversations=conversations)
    assert found.note is not None, "every adapter has a note"
    model.check()
    return Resolved(
        model, found.note.style, found.note.sampling, endpoint=model.name, asked=model.name, slots=conversations
    )
