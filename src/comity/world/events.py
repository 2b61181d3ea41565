"""The event log: one ordered list of who did what and who perceived it, each event with the calls it took to get it."""

from datetime import datetime
from typing import Literal, Self, cast

from pydantic import Field, model_validator

from comity.world.actions import Action
from comity.world.record import Record, Slug

__all__ = ["Call", "Event", "Failure", "Trace"]


class Call(Record):
    """One call of a model: what came back and what it cost. The prompt is not kept: it is a rendering of the log, named by its hash."""

    model: str
    attempt: int = Field(ge=1)
    """1 for the first ask, 2 for the re-ask after an unusable reply."""
    outcome: Literal["ok", "repaired", "unusable"]
    text: str
    """The reply as the model gave it."""
    problem: str = ""
    """Why it was unusable, or what was repaired."""
    prompt_hash: str
    """SHA-256 of the messages sent."""
    prompt_chars: int = Field(ge=0)
    constrained: bool
    """Whether the server held the reply to the schema."""
    finish_reason: str
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = Field(ge=0)
    first_token_seconds: float | None = None
    served_by: str = ""
    """The model name the server reported."""
    from_cache: bool = False
    """Whether the reply was had from the cache: then the tokens were spent before, and not by this call."""


class Failure(Record):
    """Why a seat's policy could not act. It is the agent's own and ends the episode."""

    kind: Literal["unusable_reply", "illegal_action", "context_length"]
    detail: str


class Trace(Record):
    """How an action came about; never part of any view."""

    calls: tuple[Call, ...] = ()
    at: datetime | None = None
    """When the action was taken, in UTC."""


class Event(Record):
    """One seat's action, or its failure, in one turn. Exactly one of the two is set."""

    index: int = Field(ge=0)
    turn: int = Field(ge=1)
    seat: Slug
    action: Action | None = None
    failure: Failure | None = None
    audience: tuple[Slug, ...]
    """The seats that perceive it, the actor included."""
    trace: Trace = Trace()

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if (self.action is None) == (self.failure is None):
            raise ValueError("an event is an action or a failure, and not both")
        return self

    def untraced(self) -> "Event":
        """The same event without how it came about, in as little memory as there is to it."""
        action = self.action and Action.model_construct(_ACTION_FIELDS, **self.action.__dict__)
        return Event.model_construct(_EVENT_FIELDS, **self.__dict__ | {"action": action, "trace": _NO_TRACE})

    @property
    def did(self) -> Action | Failure:
        """What happened."""
        return self.action or cast(Failure, self.failure)


_NO_TRACE = Trace()
_EVENT_FIELDS, _ACTION_FIELDS = set(Event.model_fields), set(Action.model_fields)
"""Which fields are set, once for all: a set of its own would be most of what an event takes up."""
