"""Talking to a language model, on one page: what is sent, what comes back, what can go wrong. Every model is a `ChatModel`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from comity.world.record import Record

__all__ = [
    "AuthenticationFailed",
    "BadReply",
    "BadRequest",
    "ChatModel",
    "Completion",
    "ContextExceeded",
    "Message",
    "ModelError",
    "ModelNotFound",
    "Overloaded",
    "Sampling",
    "Schema",
    "ServerFailed",
    "Timeouts",
    "Unreachable",
]


class Message(NamedTuple):
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Record):
    """How replies are drawn. `None` leaves a setting to the server."""

    temperature: float | None = Field(default=1.0, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=1024, ge=1)
    seed: int | None = None
    extra: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Sent to the server as they are, such as `repeat_penalty` for llama.cpp."""
    constrained: bool = True
    """Whether a reply is held to its schema where the server can do that. Free replies show what a model can do by itself."""

    @model_serializer(mode="wrap")
    def _told(self, told: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What is always so goes without saying: records from before this field, and the ids made of them, stay as they are.
        fields: dict[str, Any] = told(self)
        if self.constrained:
            fields.pop("constrained", None)
        return fields


class Timeouts(Record):
    """How long a call may take before it counts as `Unreachable`, in seconds."""

    connect: float = Field(default=10.0, gt=0)
    """For a connection."""
    first_token: float | None = Field(default=None, gt=0)
    """From the start of the call to the first token of its reply; where it is given, every reply is streamed."""
    call: float = Field(default=600.0, gt=0)
    """For the whole call."""


@dataclass(frozen=True)
class Schema:
    """A JSON schema that the reply must satisfy, built once and shared."""

    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's reply and what it cost."""

    text: str
    finish_reason: str
    """`stop`, `length`, or the server's own word."""
    seconds: float
    first_token_seconds: float | None = None
    """Time to the first token; `None` where the reply was not streamed."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    constrained: bool = False
    """Whether the server held the reply to the schema."""
    model: str = ""
    """The model the server says answered."""
    from_cache: bool = False
    """Whether it was had from the cache of replies: nothing was asked or paid, and the tokens are those of the first asking."""


class ChatModel(Protocol):
    """A model that answers a conversation."""

    @property
    def name(self) -> str:
        """The specification it was made from, such as `openai:gpt-4o`; goes into every record."""
        ...

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer. `session` names the conversation, for a prompt cache; `stream` hears the text as it comes. Raises `ModelError`."""
        ...

    async def aclose(self) -> None:
        """Release connections and processes."""
        ...


class ModelError(Exception):
    """A call failed through no fault of the agent that made it. The message says what to do."""


class Unreachable(ModelError):
    """No connection, or it broke or timed out."""


class Overloaded(ModelError):
    """The server asks to come again later (429, 503). `retry_after` is in seconds, where it said."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerFailed(ModelError):
    """The server broke (5xx)."""


class BadReply(ModelError):
    """What came back is not what the protocol promises, such as a page of HTML."""


class AuthenticationFailed(ModelError):
    """The key is missing or refused."""


class ModelNotFound(ModelError):
    """There is no such model, here or at the server."""


class BadRequest(ModelError):
    """The server refuses the request as it is (other 4xx)."""


class ContextExceeded(BadRequest):
    """The prompt does not fit the model's context."""
