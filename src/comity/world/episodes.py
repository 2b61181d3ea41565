"""The record of one playing of a task: the event log with everything needed to play, read, score or continue it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from comity.world.environment import End, Environment, Limits, State
from comity.world.events import Event
from comity.world.record import Record, Slug
from comity.world.tasks import Task
from comity.world.visibility import Mode

__all__ = ["Episode", "Interruption", "Policy", "Unplayable", "replay"]


class Unplayable(ValueError):
    """Recorded events do not follow the rules."""


class Policy(Record):
    """The complete specification of who plays a seat."""

    agent: str
    """`llm`, `scripted`, `human` or another agent's own name."""
    model: str | None = None
    adapter: str | None = None
    style: str | None = None
    """The prompt style's name and version, such as `chat@1`."""
    prompt_hash: str | None = None
    """SHA-256 over the style's templates and renderer."""
    sampling: Mapping[str, JsonValue] = Field(default_factory=dict)


class Interruption(Record):
    """Why an episode, or the judging of one, stopped through no fault of its agents. It goes on from its last event."""

    kind: Literal["infrastructure", "judge", "budget", "cancelled"]
    error: str
    """The name of the error's type, such as `Unreachable`."""
    detail: str
    """What the error said; empty where there is no more to say."""

    def __str__(self) -> str:
        return f"{self.error}: {self.detail}" if self.detail else self.error


class Episode(Record):
    """One playing of a task, finished or not."""

    id: Slug
    task: Task
    mode: Mode
    lite: bool
    seed: int
    limits: Limits
    policies: Mapping[Slug, Policy]
    events: tuple[Event, ...]
    end: End | None
    """`None` while the episode is unfinished."""
    code_version: str
    started_at: datetime
    finished_at: datetime | None = None
    source: str = ""
    """Where the episode comes from; empty for one that was played here."""
    licence: str = ""
    """Of an imported episode, as an SPDX expression. What is made of an episode is under this and `Task.licences`."""
    tag: str = ""
    """What those who played it called the batch it belongs to; empty where they did not."""
    interrupted: Interruption | None = None
    """Why nobody plays or judges it at the moment, where that is known; over with the next event, the end or a scorecard."""

    @property
    def turns(self) -> int:
        """The number of turns played."""
        return self.events[-1].turn if self.events else 0


def replay(episode: Episode) -> State:
    """The state after all of an episode's events. Raises `Unplayable` where they do not follow the rules."""
    environment = Environment()
    state = environment.reset(
        episode.task, seed=episode.seed, mode=episode.mode, lite=episode.lite, limits=episode.limits
    )
    by_turn: dict[int, list[Event]] = {}
    for event in episode.events:
        by_turn.setdefault(event.turn, []).append(event)
    for events in by_turn.values():
        try:
            state = environment.step(state, {e.seat: e.did for e in events}, {e.seat: e.trace for e in events})
        except ValueError as error:
            raise Unplayable(f"turn {events[0].turn}: {error}") from error
    return state
