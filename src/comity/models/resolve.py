"""From a specification such as `openai:gpt-4o` to a model. Nothing is contacted or started here, and nothing is ever sent to a server that the
specification does not name.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from comity.models.protocol import AuthenticationFailed, ChatModel, ModelNotFound, Sampling

__all__ = ["FORMS", "Resolved", "resolve"]

FORMS = """\
openai:NAME              OpenAI, with the key in OPENAI_API_KEY
http://HOST:PORT/v1#NAME any OpenAI-compatible server (vLLM, Ollama, llama.cpp); add &key_env=VARIABLE for a key
local:ALIAS              a model on this machine; see `comity models`
scripted:NAME            no model at all: demo, silent, leaver"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model with the prompt style and sampling that suit it."""

    model: ChatModel
    style: str = "chat"
    sampling: Sampling = field(default_factory=Sampling)


def resolve(spec: str, environ: Mapping[str, str] | None = None) -> Resolved:
    """The model of this specification. Raises `ModelError` with the fix."""
    environ = os.environ if environ is None else environ
    scheme, _, rest = spec.partition(":")
    if scheme in ("http", "https"):
        return _server(spec, environ)
    if rest and scheme == "openai":
        return _openai(rest, environ)
    if rest and scheme == "local":
        return _local(rest, environ)
    if rest and scheme == "scripted":
        from comity.models.scripted import scripted

        return Resolved(scripted(rest))
    raise ModelNotFound(f"{spec!r} does not name a model; the forms are:\n{FORMS}")


def _openai(name: str, environ: Mapping[str, str]) -> Resolved:
    from comity.models.openai_compatible import OpenAICompatible

    key = environ.get("OPENAI_API_KEY")
    if not key:
        raise AuthenticationFailed(f"openai:{name} needs a key; set OPENAI_API_KEY")
    address = environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    return Resolved(
        OpenAICompatible(address, name, name=f"openai:{name}", api_key=key, token_limit="max_completion_tokens")
    )


def _server(spec: str, environ: Mapping[str, str]) -> Resolved:
    from comity.models.openai_compatible import OpenAICompatible

    parts = urlsplit(spec)
    name, *options = parts.fragment.split("&")
    variable = dict(parse_qsl("&".join(options))).get("key_env")
    if "@" in parts.netloc or parts.query:
        # said without the address, which would carry a password into a terminal or a log
        raise ModelNotFound(
            "an address holds no user, password or query; name the key's variable: #NAME&key_env=VARIABLE"
        )
    if not name or not parts.netloc:
        raise ModelNotFound(f"{spec!r} names no model; write http://HOST:PORT/v1#NAME")
    key = environ.get(variable) if variable else None
    if variable and not key:
        raise AuthenticationFailed(f"{spec!r} needs a key; set {variable}")
    address = parts._replace(fragment="").geturl()
    return Resolved(OpenAICompatible(address, name, name=f"{address}#{name}", api_key=key))


def _local(alias: str, environ: Mapping[str, str]) -> Resolved:
    from comity.models.local import LocalModel
    from comity.models.registry import find_entry, models_directory

    entry = find_entry(alias, environ)
    model = LocalModel(entry, directory=models_directory(environ))
    model.check()
    return Resolved(model, style=entry.style, sampling=entry.sampling)
