"""Remembered replies: a model that is asked the same again answers from a file. What counts as the same is the key's business alone.

A reply is given again only where everything is equal that can change it. What was asked is not kept; `cache_file` has the file.
"""

import hashlib
import json
from collections.abc import Callable, Sequence

from anyio.lowlevel import checkpoint

from comity.models.cache_file import (
    CacheError,
    CacheSize,
    Entry,
    ModelSize,
    Pruned,
    ResponseCache,
    default_cache_file,
)
from comity.models.conversation import Prompt
from comity.models.protocol import ChatModel, Completion, Message, Sampling, Schema

__all__ = [
    "CacheError",
    "CacheSize",
    "Cached",
    "Entry",
    "ModelSize",
    "Pruned",
    "ResponseCache",
    "default_cache_file",
    "reply_key",
]

_SCHEMAS_KEPT = 64


def reply_key(
    messages: Sequence[Message],
    *,
    schema: Schema | None,
    sampling: Sampling,
    model: str,
    endpoint: str,
    repeat: int,
) -> bytes:
    """SHA-256 of everything that can change the answer.

    Args:
        model: the model's name, a specification.
        endpoint: where it is asked, and what for: two servers may give one name to two models.
        repeat: which of several answers to the same question is wanted.
    """
    return _key(_head(model, endpoint, repeat), messages, _text(schema), sampling)


def _head(model: str, endpoint: str, repeat: int) -> str:
    return json.dumps(["comity", 1, model, endpoint, repeat])


def _text(schema: Schema | None) -> str:
    # the order of the fields is kept: a server that is held to a schema may answer in it
    return "" if schema is None else json.dumps([schema.name, schema.body], default=dict)


def _key(head: str, messages: Sequence[Message], schema: str, sampling: Sampling) -> bytes:
    fields = dict(sampling.__dict__)
    if sampling.constrained:
        del fields["constrained"]  # as in records: what was remembered before this field was is found again
    drawn = repr(fields)  # every field there is; a quarter of what JSON costs
    whole = "\n".join((head, drawn, schema, Prompt.of(messages).hash))  # none of them holds a line break
    return hashlib.sha256(whole.encode()).digest()


class Cached:
    """A model whose replies are remembered. Only replies are: a call that failed is made again.

    Args:
        endpoint, repeat: a part of the key; see `reply_key`.
    """

    def __init__(self, model: ChatModel, cache: ResponseCache, *, endpoint: str, repeat: int) -> None:
        self._model, self._cache, self._endpoint = model, cache, endpoint
        self._name = model.name
        self._head = _head(self._name, endpoint, repeat)
        self._schemas: dict[int, tuple[Schema, str]] = {}

    @property
    def name(self) -> str:
        """The model's own."""
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
        """Answer; see `ChatModel`. A remembered reply is heard by `stream` in one piece and took no time."""
        key = _key(self._head, messages, self._schema_text(schema), sampling)
        found = self._cache.get(key)
        if found is None:
            completion = await self._model.complete(
                messages, schema=schema, sampling=sampling, session=session, stream=stream
            )
            self._cache.put(key, self._name, self._endpoint, completion)
            return completion
        await checkpoint()  # or an episode that is remembered whole would let nobody else run, and could not be stopped
        if stream is not None:
            stream(found.text)
        return found

    def _schema_text(self, schema: Schema | None) -> str:
        """The schema as text, kept by its identity: one is built once and used for a whole scenario."""
        if schema is None:
            return ""
        if (kept := self._schemas.get(id(schema))) is not None:
            return kept[1]
        if len(self._schemas) >= _SCHEMAS_KEPT:
            self._schemas.clear()
        text = _text(schema)
        self._schemas[id(schema)] = (schema, text)
        return text

    async def aclose(self) -> None:
        """Close the model. The cache, which others share, stays open."""
        await self._model.aclose()
