"""Holding a reply to a JSON schema: which tokens may come next. The grammar engine is llguidance."""

import json
from collections import OrderedDict
from collections.abc import Collection, Sequence

import numpy as np
import torch
from llguidance import LLExecutor, LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from comity.models.protocol import BadRequest, Schema

__all__ = ["Grammars"]

_KEPT = 512
"""Compiled schemas; a run has a few for each scenario."""
_AT_ONCE = 8
"""From so many masks on, threads pay."""


class Grammars:
    """The grammars of one tokenizer.

    Args:
        tokenizer: whose tokens they are made of.
        vocabulary: how many tokens the model has scores for.
        ends: tokens that end a reply.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary: int, ends: Collection[int]) -> None:
        self._tokenizer, self._vocabulary, self._ends = tokenizer, vocabulary, sorted(ends)
        self._known: LLTokenizer | None = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._executor = LLExecutor()

    def matcher(self, schema: Schema) -> LLMatcher:
        """A reply to this schema at its beginning. Raises `BadRequest` where the schema cannot be held to."""
        body = json.dumps(schema.body)  # the order of properties is the order in which they are written
        if body not in self._compiled:
            self._compiled[body] = self._compile(schema.name, body)
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(body)
        return self._compiled[body].deep_copy()

    def allowed(self, matchers: Sequence[LLMatcher]) -> Tensor:
        """Which tokens may come next, (matchers, vocabulary)."""
        words = -(-self._vocabulary // 32)
        bits = torch.zeros(len(matchers), words, dtype=torch.int32)
        start, size = bits.data_ptr(), words * 4
        if len(matchers) >= _AT_ONCE:
            pairs = [(matcher, at) for at, matcher in enumerate(matchers)]
            self._executor.unsafe_compute_mask_ptr(pairs, start, size, len(matchers))
        else:
            for at, matcher in enumerate(matchers):
                matcher.unsafe_compute_mask_ptr(start + at * size, size)
        flat = np.unpackbits(bits.numpy().view(np.uint8), axis=1, bitorder="little")
        return torch.from_numpy(flat[:, : self._vocabulary]).bool()

    def _compile(self, name: str, body: str) -> LLMatcher:
        # one blank at most where JSON lets there be any number: a small model would write them until its tokens are spent
        grammar = LLMatcher.grammar_from_json_schema(body, overrides={"whitespace_pattern": " ?"})
        matcher = LLMatcher(self._tokens(), grammar, log_level=0)
        if matcher.is_error():
            raise BadRequest(f"no reply can be held to the schema {name}: {matcher.get_error().splitlines()[0]}")
        return matcher

    def _tokens(self) -> LLTokenizer:
        if self._known is None:
            if not self._ends:
                raise BadRequest(
                    "the tokenizer has no token that ends a reply; name its eos_token, or ask without a schema"
                )
            if not isinstance(self._tokenizer, PreTrainedTokenizerFast):
                raise BadRequest(
                    f"replies of a {type(self._tokenizer).__name__} cannot be held to a schema: it is no fast tokenizer; "
                    "save a tokenizer.json beside the model, or ask without a schema"
                )
            self._known = from_tokenizer(self._tokenizer, n_vocab=self._vocabulary, eos_token=self._ends)
        return self._known
