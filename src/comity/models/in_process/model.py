"""A Hugging Face model in this process, as a `ChatModel`: messages in, text out, through the engine's thread.

Nothing is loaded, and torch is not imported, until the first question.
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from comity.models.chat_templates import ChatTemplate, TemplateError
from comity.models.in_process.folder import Found
from comity.models.protocol import (
    BadRequest,
    Completion,
    ContextExceeded,
    Message,
    ModelNotFound,
    Sampling,
    Schema,
)

if TYPE_CHECKING:
    from comity.models.in_process.grammar import Grammars
    from comity.models.in_process.loading import Loaded
    from comity.models.in_process.sampling import Way
    from comity.models.in_process.worker import Worker

__all__ = ["SLOTS", "InProcessModel"]

SLOTS = 32
"""Replies under way at the same time, unless said otherwise."""


@dataclass(frozen=True)
class _Ready:
    """What there is once the model is loaded."""

    loaded: "Loaded"
    grammars: "Grammars"
    worker: "Worker"
    template: ChatTemplate | ModelNotFound
    """Or why there is none: likelihoods need none."""

    def text(self, tokens: Sequence[int]) -> str:
        """Without control tokens."""
        return str(
            self.loaded.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )


class InProcessModel:
    """A model of `hf:` or `adapter:`.

    Args:
        found: where it is.
        slots: replies under way at the same time.
        device: `auto` for a GPU where there is one, `cpu`, or as torch names it.
        kept_bytes: for keys and values of earlier prompts, so that a prompt that goes on from one is not read from its beginning.
        threads: of torch at most; with more than 2 a reply may depend on who else is being answered.
    """

    def __init__(
        self, found: Found, *, slots: int = SLOTS, device: str = "auto", kept_bytes: int = 1 << 30, threads: int = 2
    ) -> None:
        self._found, self._device = found, device
        self._slots, self._kept_bytes, self._threads = slots, kept_bytes, threads
        self._ready: _Ready | None = None
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """Its specification with a hash of its weights."""
        return self._found.name

    @property
    def window(self) -> int:
        """How many tokens a prompt and its reply may have together. Loads the model."""
        return self._load().loaded.window

    def count(self, messages: Sequence[Message]) -> int:
        """The tokens of a prompt with the beginning of its reply. Loads the model. Raises `BadRequest` where the template refuses it."""
        return len(_prompt(self._load(), messages))

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        """For each plain text prompt and continuation, the sum of log probabilities (natural) and the tokens of the continuation.

        Loads the model, and blocks. Raises `ContextExceeded` for a pair longer than the window.
        """
        from comity.models.in_process.likelihood import log_likelihoods
        from comity.models.in_process.threads import at_most

        loaded = self._load().loaded
        with at_most(self._threads):
            return log_likelihoods(loaded, pairs)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer; see `ChatModel`. What was read of a prompt serves whoever's prompt begins like it, so `session` is not needed.

        Raises `ContextExceeded` where the prompt leaves no room for a reply, `BadRequest` for what cannot be asked of it, and
        `ModelNotFound` where it cannot be loaded.
        """
        start = time.monotonic()
        from comity.models.in_process.answering import answered

        ready = self._ready
        if ready is None:
            ready = await anyio.to_thread.run_sync(self._load)
        prompt = _prompt(ready, messages)
        matcher = None if schema is None else ready.grammars.matcher(schema)
        reply = await answered(
            ready.worker,
            prompt,
            _way(sampling),
            _limit(prompt, ready, sampling),
            matcher=matcher,
            decode=ready.text,
            stream=stream,
        )
        return Completion(
            text=ready.text(reply.tokens),
            finish_reason=reply.finish_reason,
            seconds=time.monotonic() - start,
            first_token_seconds=None if stream is None else reply.first_token_seconds,
            prompt_tokens=len(prompt),
            cached_tokens=reply.cached,
            completion_tokens=len(reply.log_probabilities),
            constrained=schema is not None,
            model=self.name,
        )

    async def aclose(self) -> None:
        """End the thread and let the weights go."""
        ready, self._ready = self._ready, None
        if ready is not None:
            await anyio.to_thread.run_sync(ready.worker.close)

    def _load(self) -> _Ready:
        with self._loading:
            ready = self._ready
            if ready is None:
                ready = self._ready = self._made_ready()
            return ready

    def _made_ready(self) -> _Ready:
        from comity.models.in_process.checked import check
        from comity.models.in_process.engine import Engine, Limits, vocabulary_of
        from comity.models.in_process.grammar import Grammars
        from comity.models.in_process.loading import load_found
        from comity.models.in_process.worker import Worker

        found = self._found
        loaded = load_found(found, device=self._device)
        check(loaded.model, str(found.path))
        template: ChatTemplate | ModelNotFound
        try:
            template = ChatTemplate(loaded.tokenizer, str(found.path))
            ends = _ends(loaded, template.end)
        except TemplateError as error:
            template, ends = ModelNotFound(str(error)), _ends(loaded, None)
        grammars = Grammars(loaded.tokenizer, vocabulary_of(loaded.model), ends)
        limits = Limits(slots=self._slots, kept_bytes=self._kept_bytes, threads=self._threads)
        engine = Engine(loaded.model, grammars, window=loaded.window, ends=ends, limits=limits)
        return _Ready(loaded, grammars, Worker(engine, found.name), template)


def _ends(loaded: "Loaded", turn: int | None) -> set[int]:
    """The tokens that end a reply: of the template, the tokenizer and the model's own configuration."""
    generation = loaded.model.generation_config
    said = generation.eos_token_id if generation is not None else None
    ends = {turn, loaded.tokenizer.eos_token_id, *(said if isinstance(said, list) else [said])}
    return {end for end in ends if isinstance(end, int)}


def _prompt(ready: _Ready, messages: Sequence[Message]) -> list[int]:
    if isinstance(ready.template, ModelNotFound):
        raise ready.template
    try:
        return ready.template.prompt(messages)
    except TemplateError as error:
        raise BadRequest(str(error)) from None


def _limit(prompt: Sequence[int], ready: _Ready, sampling: Sampling) -> int:
    room = ready.loaded.window - len(prompt)
    if room < 1:
        raise ContextExceeded(
            f"a prompt of {len(prompt):,} tokens leaves no room for a reply in a window of {ready.loaded.window:,}"
        )
    return room if sampling.max_tokens is None else min(room, sampling.max_tokens)


def _way(sampling: Sampling) -> "Way":
    from comity.models.in_process.sampling import Way

    extra = dict(sampling.extra)
    top_k = extra.pop("top_k", 0)
    if extra or not isinstance(top_k, int):
        wrong = ", ".join(extra) or "top_k"
        raise BadRequest(
            f"a model in this process is not told {wrong}; of what a server takes it knows top_k, a number"
        )
    return Way(
        temperature=1.0 if sampling.temperature is None else sampling.temperature,
        top_p=1.0 if sampling.top_p is None else sampling.top_p,
        top_k=top_k,
        seed=secrets.randbits(63) if sampling.seed is None else sampling.seed,
    )
