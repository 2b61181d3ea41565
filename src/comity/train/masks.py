"""Which tokens are learned, and how much each counts: those of the weighted replies with the token that ends them, and nothing else.

Where a reply begins is where the prompt ends that asks for it, as the template itself renders it; nothing is searched for in text.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from comity.models.chat_templates import ChatTemplate, TemplateError
from comity.models.protocol import Message
from comity.train.examples import Example

__all__ = ["Tokens", "tokenised"]


class Tokens(NamedTuple):
    """An example as a model is trained on it."""

    input_ids: list[int]
    """Up to the last token that is learned: what comes after it teaches nothing."""
    weights: list[float]
    """One for each token: how much its prediction counts; 0 for what is not learned."""
    learned: int
    """How many replies are learned; 1 for a text."""
    cut: int
    """How many weighted replies did not fit; 1 for a text of which the end is missing."""


def tokenised(example: Example, template: ChatTemplate, cutoff: int) -> Tokens:
    """An example in tokens, `cutoff` at most.

    A conversation that is longer ends with the last reply that fits: a reply is learned after all that its seat had seen, or not at
    all. Raises `TemplateError`.
    """
    if example.text is not None:
        return _text(example.text, template, cutoff)
    messages = example.spoken
    if example.whole:
        prompt, whole = template.prompt(messages[:-1]), template.followed(messages)
        return _whole(whole[: len(prompt) + len(template.reply(whole, prompt))], cutoff)
    weighted = [at for at, weight in enumerate(example.weights) if weight > 0]
    if not weighted:
        return Tokens([], [], 0, 0)
    whole = template.followed(messages[: weighted[-1] + 1])
    weights, end = [0.0] * len(whole), 0
    for count, at in enumerate(weighted):
        prompt = template.prompt(messages[:at])
        reply = template.reply(whole, prompt)
        _check(messages[at], at, reply, template)
        if len(prompt) + len(reply) > cutoff:
            return Tokens(whole[:end], weights[:end], count, len(weighted) - count)
        end = len(prompt) + len(reply)
        weights[len(prompt) : end] = _weights(example, at, reply, template)
    return Tokens(whole[:end], weights[:end], len(weighted), 0)


def _weights(example: Example, at: int, reply: Sequence[int], template: ChatTemplate) -> list[float]:
    """Of each token of a reply. It belongs to the words where it lies within them whole; what closes them with the reply is the move's."""
    weight = example.weights[at]
    if example.words == 1:
        return [weight] * len(reply)
    start, end = example.spoken_at[at]
    edges = [len(template.said(reply[:n]).lstrip()) for n in range(len(reply) + 1)]
    return [weight * (example.words if start <= a < b <= end else 1.0) for a, b in pairwise(edges)]


def _text(text: str, template: ChatTemplate, cutoff: int) -> Tokens:
    return _whole(template.text(text), cutoff)


def _whole(ids: Sequence[int], cutoff: int) -> Tokens:
    kept = list(ids[:cutoff])
    return Tokens(kept, [1.0] * len(kept), 1, len(ids) > len(kept))


def _check(message: Message, at: int, reply: Sequence[int], template: ChatTemplate) -> None:
    """That the reply's tokens say what the message says, but for white space at its ends and the form of its characters."""
    if _plain(template.said(reply[:-1])) != _plain(message.content):
        raise TemplateError(
            f"{template.name}: its chat template does not write a reply as it was made: message {at + 1} of the example"
        )


def _plain(words: str) -> str:
    return unicodedata.normalize("NFKC", words).strip()
