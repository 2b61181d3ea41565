"""A tokenizer's chat template: from messages to tokens, for answering and for training alike, so that both see the same prompt.

What a template does is found out by asking it, once, with a short conversation. It decides nothing about sampling or weights.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from comity.models.protocol import Message

__all__ = ["ChatTemplate", "ChatTokenizer", "TemplateError"]


_DATE = "01 Jan 2026"
"""For templates that tell the day (Llama 3.1 and later): a prompt must be the same tomorrow."""


class TemplateError(ValueError):
    """A tokenizer has no chat template, or one in which a conversation does not go on from its own prompts."""


class ChatTokenizer(Protocol):
    """What is asked of a tokenizer; those of `transformers` are such."""

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, add_generation_prompt: bool, return_dict: bool, date_string: str
    ) -> Any:
        """The tokens of a conversation, with the beginning of a reply where that is asked for."""
        ...

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool) -> Any:
        """The text of these tokens."""
        ...

    @property
    def all_special_ids(self) -> Collection[int]:
        """The control tokens that have a name."""
        ...

    @property
    def added_tokens_decoder(self) -> object:
        """Tokens that were added to the vocabulary, the template's control tokens among them, where that is known."""
        ...

    @property
    def eos_token_id(self) -> int | None:
        """The token that ends a text."""
        ...

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, with what such a model's texts begin with."""
        ...


_PROBE = (
    Message("system", "Play fair."),
    Message("user", "Who begins?"),
    Message("assistant", "You do."),
    Message("user", "Then I ask."),
    Message("assistant", "Ask away."),
)

_NEXT = Message("user", "Go on.")
"""Follows a reply, so that it is ended as in a later prompt; some templates write the last reply in another way, or refuse it."""


class ChatTemplate:
    """The template of one tokenizer.

    Args:
        tokenizer: whose template it is.
        name: what errors call it, such as the model's folder.

    Raises `TemplateError` where there is none, where a prompt with the reply that followed it is not how the next prompt begins, and
    where no control token ends a reply.
    """

    folded: bool
    """Whether the system message is put before the first user message: the template takes none, or moves it about."""
    end: int
    """The token that ends a reply."""

    def __init__(self, tokenizer: ChatTokenizer, name: str) -> None:
        self._tokenizer, self.name = tokenizer, name
        self._control = _control_tokens(tokenizer)
        self.folded = False
        try:
            self.end = self._probed()
        except TemplateError:
            self.folded = True
            self.end = self._probed()

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """What a model is asked: the messages and the beginning of its reply. Raises `TemplateError`."""
        taken = _folded(messages) if self.folded else messages
        conversation = [{"role": role, "content": content} for role, content in taken]
        try:
            ids = self._tokenizer.apply_chat_template(
                conversation, add_generation_prompt=True, return_dict=False, date_string=_DATE
            )
        except _refusals() as error:
            raise self._refused((str(error).strip() or type(error).__name__).splitlines()[0]) from None
        return list(ids)

    def followed(self, messages: Sequence[Message]) -> list[int]:
        """The messages up to a reply as a later prompt shows them: with the reply ended, and more after it. Raises `TemplateError`."""
        return self.prompt((*messages, _NEXT))

    def reply(self, whole: Sequence[int], prompt: Sequence[int]) -> Sequence[int]:
        """The reply to this prompt in a conversation that goes on, up to the token that ends it.

        Raises `TemplateError` where the conversation does not begin with the prompt, or the reply holds a control token of its own.
        """
        reply = self._ended(whole, prompt)
        if reply[-1] != self.end:
            raise self._refused(f"a reply holds the control token {reply[-1]}, which does not end it")
        return reply

    def said(self, ids: Sequence[int]) -> str:
        """The text of these tokens, without control tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def text(self, text: str) -> list[int]:
        """A text without any template, and its end."""
        ids = self._tokenizer.encode(text)
        end = self._tokenizer.eos_token_id
        return ids if end is None or ids[-1:] == [end] else [*ids, end]

    def _ended(self, whole: Sequence[int], prompt: Sequence[int]) -> Sequence[int]:
        if list(whole[: len(prompt)]) != list(prompt):
            raise self._refused("a conversation does not go on from its own prompt")
        for at in range(len(prompt), len(whole)):
            if whole[at] in self._control:
                return whole[len(prompt) : at + 1]
        raise self._refused("no control token ends a reply, so that a model could not learn to stop")

    def _probed(self) -> int:
        whole = self.followed(_PROBE)
        last = 0
        for at in (2, 4):
            *words, last = self._ended(whole, self.prompt(_PROBE[:at]))
            if self.said(words).strip() != _PROBE[at].content:
                raise self._refused("a reply is not written as it was made")
        shown = self.said(whole)
        if any(shown.count(message.content) != 1 for message in _PROBE):
            raise self._refused("a message is left out")
        return last

    def _refused(self, why: str) -> TemplateError:
        return TemplateError(
            f"{self.name}: its chat template cannot be used: {why}; put one that can be in chat_template.jinja beside the model"
        )


def _folded(messages: Sequence[Message]) -> Sequence[Message]:
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return messages
    first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
    return (first, *messages[2:])


def _control_tokens(tokenizer: ChatTokenizer) -> frozenset[int]:
    added = tokenizer.added_tokens_decoder
    # Mistral's own tokenizer does not say, and its named ones are all there are.
    more = {token for token, about in added.items() if about.special} if isinstance(added, Mapping) else set[int]()
    return frozenset({*tokenizer.all_special_ids, *more})


def _refusals() -> tuple[type[Exception], ...]:
    """What a template's refusal is raised as: by Jinja, by `transformers`, and by Mistral's own tokenizer where that is in use."""
    from jinja2 import TemplateError as JinjaError

    try:
        from mistral_common.exceptions import MistralCommonException
    except ImportError:
        return (JinjaError, ValueError, TypeError)
    return (JinjaError, ValueError, TypeError, MistralCommonException)
