"""A prompt that grows with its conversation: what is known of all that was in it before is not found out again."""

import hashlib
from collections.abc import Iterable
from typing import Self

from comity.models.protocol import Message

__all__ = ["Prompt"]


class Prompt(tuple[Message, ...]):
    """Messages with their length and hash, which cost what is new where one prompt goes on from another.

    Late in a conversation nearly all of a prompt was in the one before, and no longer in the processor's cache: to go through a
    hundred messages once more took a seventh of a turn.
    """

    characters: int
    """Of all contents."""
    _digest: "hashlib._Hash"

    def __new__(cls, messages: Iterable[Message] = ()) -> Self:
        """The messages, gone through once."""
        return cls._grown((), messages, 0, hashlib.sha256())

    @classmethod
    def of(cls, messages: Iterable[Message]) -> Self:
        """The messages, as they are where they are a prompt already."""
        return messages if isinstance(messages, cls) else cls(messages)

    def then(self, *more: Message) -> Self:
        """This prompt and more after it."""
        return self._grown(self, more, self.characters, self._digest.copy())

    @property
    def hash(self) -> str:
        """SHA-256, in hex, over each message's role, the number of its characters and its content in UTF-8."""
        return self._digest.hexdigest()

    @classmethod
    def _grown(
        cls, before: tuple[Message, ...], more: Iterable[Message], characters: int, digest: "hashlib._Hash"
    ) -> Self:
        made = super().__new__(cls, (*before, *more))
        new = made[len(before) :]
        text = "".join([f"{role} {len(content)}\n{content}\n" for role, content in new])
        digest.update(text.encode("utf-8", "surrogatepass"))
        made._digest, made.characters = digest, characters + sum([len(content) for _, content in new])
        return made
