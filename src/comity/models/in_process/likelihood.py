"""How likely a model holds given continuations of given texts: what multiple-choice questions are scored by. Nothing is drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from comity.models.in_process.attention import BLOCK, Step
from comity.models.in_process.engine import vocabulary_of
from comity.models.in_process.loading import Loaded
from comity.models.protocol import BadRequest, ContextExceeded

__all__ = ["Group", "Pair", "grouped", "log_likelihoods"]

_TOKENS_AT_ONCE = 4096
_SCORES_AT_ONCE = 16_000_000
"""Numbers: 64 MB in float32."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt and its continuation."""

    tokens: tuple[int, ...]
    """Of the prompt and the continuation."""
    start: int
    """Where the continuation begins, from 1."""


class _Passing:
    """Stands in for a `transformers` cache where nothing is kept."""

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        return key, value

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0


def log_likelihoods(loaded: Loaded, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
    """For each (prompt, continuation), the sum of the continuation's log probabilities (natural) and the number of its tokens.

    Plain text, without the chat template. Blanks at the prompt's end count to the continuation, since that is how a tokenizer
    takes them. An empty prompt stands for the beginning of a text. Prompts are read once for all of their continuations
    of one token. Raises `ContextExceeded` for a pair longer than the window, `BadRequest` for an empty continuation.
    """
    read = [_pair(loaded.tokenizer, prompt, continuation) for prompt, continuation in pairs]
    for (prompt, _), pair in zip(pairs, read, strict=True):
        if len(pair.tokens) - 1 > loaded.window:
            raise ContextExceeded(
                f"a text of {len(pair.tokens):,} tokens does not fit a window of {loaded.window:,}: {prompt[:60]!r}..."
            )
    found: list[tuple[float, int]] = [(0.0, 0)] * len(read)
    for group in grouped(read, loaded):
        for at, total in _scored(loaded.model, group, read):
            found[at] = (total, len(read[at].tokens) - read[at].start)
    return found


def _pair(tokenizer: PreTrainedTokenizerBase, prompt: str, continuation: str) -> Pair:
    bare = prompt.rstrip()
    continuation = prompt[len(bare) :] + continuation
    before, whole = tokenizer.encode(bare), tokenizer.encode(bare + continuation)
    if not before:
        begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        before, whole = [begin], [begin, *whole]
    start = min(len(before), len(whole) - 1)
    if not continuation or len(whole) < 2:
        raise BadRequest(f"there is no continuation after {prompt[-60:]!r} to tell the likelihood of")
    return Pair(tuple(whole), start)


Group = dict[tuple[int, ...], list[int]]
"""Tokens to be read, and the pairs that each serves."""


def grouped(read: Sequence[Pair], loaded: Loaded) -> Iterator[Group]:
    """Texts of like length together, as many as fit; a text that another begins with is read with that one."""
    served: Group = {}
    last: tuple[int, ...] = ()
    for at in sorted(range(len(read)), key=lambda at: read[at].tokens[:-1], reverse=True):
        tokens = read[at].tokens[:-1]
        if last[: len(tokens)] != tokens:
            last = tokens
        served.setdefault(last, []).append(at)
    vocabulary = vocabulary_of(loaded.model)
    group: Group = {}
    for tokens in sorted(served, key=len):
        asked = max(len(tokens) + 1 - read[at].start for mine in [*group.values(), served[tokens]] for at in mine)
        padded = (len(group) + 1) * _rounded(len(tokens))
        scores = (len(group) + 1) * (asked + BLOCK) * vocabulary
        if group and (padded > _TOKENS_AT_ONCE or scores > _SCORES_AT_ONCE):
            yield group
            group = {}
        group[tokens] = served[tokens]
    if group:
        yield group


@torch.inference_mode()
def _scored(model: PreTrainedModel, group: Group, read: Sequence[Pair]) -> Iterator[tuple[int, float]]:
    texts = list(group)
    length = _rounded(max(len(text) for text in texts))
    first = min(read[at].start for mine in group.values() for at in mine) - 1
    logits = _logits(model, texts, length, first)
    for row, text in enumerate(texts):
        logs = torch.log_softmax(logits[row, : len(text) - first].float(), dim=-1)
        for at in group[text]:
            pair = read[at]
            wanted = torch.tensor(pair.tokens[pair.start :], device=logs.device)
            taken = logs[pair.start - 1 - first : len(pair.tokens) - 1 - first].gather(1, wanted[:, None])
            yield at, float(taken.double().sum())


def _logits(model: PreTrainedModel, texts: Sequence[Sequence[int]], length: int, first: int) -> Tensor:
    """(texts, places, vocabulary), from this place on."""
    device = model.device
    tokens = torch.tensor([[*text, *[0] * (length - len(text))] for text in texts], device=device)
    positions = torch.arange(length, device=device).expand(len(texts), length)
    limit = model.config.get_text_config().max_position_embeddings - 1
    result = model(
        input_ids=tokens,
        position_ids=positions.clamp(max=limit),
        attention_mask=torch.zeros(1, 1, 1, 1, device=device),
        past_key_values=_Passing(),
        use_cache=True,
        logits_to_keep=torch.arange(first, length, device=device),
        step=Step(positions, length, next(model.parameters()).dtype),
    )
    output: Tensor = result[0]
    return output


def _rounded(tokens: int) -> int:
    return -(-tokens // BLOCK) * BLOCK
