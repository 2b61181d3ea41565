"""What is learned from: one conversation for each seat of a kept episode, with a weight on each of its replies. Or a plain text, whole.

The messages are the seat's prompts as its style renders them from the log, which only grow, so that one conversation holds all of its
turns. What to keep is decided before (filter), and which tokens a weight falls on after (masks).
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from comity.agents.negotiators import refuse_held_out
from comity.agents.styles import style_named
from comity.interop.chat_examples import Turn, turns_of
from comity.interop.kept import Kept, written_whole
from comity.models.prompts import quote
from comity.models.protocol import Message
from comity.world.events import Event
from comity.world.moves import MoveKind
from comity.world.record import Record

__all__ = [
    "Example",
    "ExamplesError",
    "Said",
    "Source",
    "Weights",
    "example_of_text",
    "examples_hash",
    "examples_of_seat",
    "read_examples",
    "write_examples",
]


VERSION = 3
"""Raised with every change of what is learned of the same episode; 2: a base made here learns its play whole; 3: what closes the words is the
move's."""


class ExamplesError(ValueError):
    """A file of examples that cannot be read; the message names file, line and field."""


class Said(Record):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Source(Record):
    """Where an example comes from."""

    episode: str = ""
    """The episode's id; empty for a text that comes from none."""
    seat: str = ""
    events: tuple[int, ...] = ()
    """The indices of the events that are learned, in the order of the replies that have a weight."""
    task: str = ""
    scenario: str = ""
    family: str = ""
    style: str = ""
    """The style's name and version, such as `chat@2`."""
    prompt_hash: str = ""
    origin: str = ""
    """What the episode or the text was made from."""
    licence: str = ""
    """As an SPDX expression; empty where it is not known."""


class Example(Record):
    """A conversation with the weights of its replies, or a plain text that is learned whole."""

    messages: tuple[Said, ...] = ()
    weights: tuple[float, ...] = ()
    """One for each message: 0 is not learned, and only an assistant message may have more."""
    text: str | None = None
    """Learned with weight 1 on every token, and that it ends."""
    whole: bool = False
    """A conversation that is learned like a text, prompts and all: for a model that knows no words yet."""
    words: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Multiplies the weight of the tokens of what a reply says aloud, beside those of the rest, its move."""
    spoken_at: tuple[tuple[int, int], ...] = ()
    """Where that is: for each message its first character and the one after its last; the same twice where nothing is said."""
    source: Source = Source()

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if (self.text is None) == (not self.messages):
            raise ValueError("an example is a conversation or a text, and not both")
        if len(self.weights) != len(self.messages):
            raise ValueError(f"{len(self.messages)} messages have {len(self.weights)} weights")
        if self.words != 1 and len(self.spoken_at) != len(self.messages):
            raise ValueError(f"{len(self.messages)} messages have {len(self.spoken_at)} places of what is said")
        for said, weight in zip(self.messages, self.weights, strict=True):
            if not 0 <= weight < float("inf") or (weight and said.role != "assistant"):
                raise ValueError(f"the weight of a {said.role} message is {weight}; only a reply has one above 0")
        return self

    @property
    def learned(self) -> int:
        """How many replies have a weight, or 1 for what is learned whole."""
        return 1 if self.text is not None or self.whole else sum(weight > 0 for weight in self.weights)

    @property
    def spoken(self) -> tuple[Message, ...]:
        """The messages as a model is sent them."""
        return tuple(Message(said.role, said.content) for said in self.messages)


class Weights(Record):
    """How much each reply of a conversation counts."""

    accept: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Multiplies the weight of a reply that accepts an offer: accepting is rare, once an episode at most."""
    words: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Multiplies the weight of the tokens that are said aloud: they are many and a move's few, and in a game the move decides."""
    drop_malformed: bool = True
    """Whether a turn is passed over that took its model a second ask or whose reply had to be repaired."""

    def of(self, event: Event) -> float:
        """The weight of what was done in this event."""
        if self.drop_malformed and any(call.attempt > 1 or call.outcome != "ok" for call in event.trace.calls):
            return 0.0
        move = event.action.move if event.action else None
        return self.accept if move is not None and move.kind is MoveKind.ACCEPT else 1.0


def examples_of_seat(kept: Kept, seat: str, style: str, *, weights: Weights | None = None) -> Example | None:
    """What a seat saw and did, as one conversation in this style; `None` where it did nothing.

    A failure is not learned, and neither is what an import put in. Raises `HeldOutPartner` for an episode of a partner that is held out
    for evaluation, `NoReplies` for a style without replies to learn, another `ValueError` where the events do not follow the rules.
    """
    refuse_held_out(kept.episode.policies.values())
    rendering = style_named(style)
    turns = [turn for turn in turns_of(kept.episode, rendering) if turn.event.seat == seat]
    if not turns:
        return None
    messages = (*turns[-1].prompt, turns[-1].reply)
    wanted = weights or Weights()
    weighed, spoken = [0.0] * len(messages), [(0, 0)] * len(messages)
    learned = list[int]()
    for turn in turns:
        _check_grown(turn, messages, rendering.template.label)
        spoken[len(turn.prompt)] = _spoken_at(turn)
        if weight := wanted.of(turn.event):
            weighed[len(turn.prompt)] = weight
            learned.append(turn.event.index)
    task = kept.episode.task
    return Example(
        messages=tuple(Said(role=role, content=content) for role, content in messages),
        weights=tuple(weighed),
        words=wanted.words,
        spoken_at=tuple(spoken) if wanted.words != 1 else (),
        source=Source(
            episode=kept.episode.id,
            seat=seat,
            events=tuple(learned),
            task=task.id,
            scenario=task.scenario.id,
            family=task.scenario.family,
            style=rendering.template.label,
            prompt_hash=rendering.template.hash,
            origin=kept.source,
            licence=kept.licence,
        ),
    )


def _spoken_at(turn: Turn) -> tuple[int, int]:
    """Where in the reply its words stand, as JSON writes them or plain."""
    words = turn.event.action.argument if turn.event.action else ""
    for form in (quote(words), words) if words else ():
        if (at := turn.reply.content.rfind(form)) >= 0:
            return at, at + len(form)
    return 0, 0


def _check_grown(turn: Turn, messages: Sequence[Message], style: str) -> None:
    """That a turn stands in the last prompt as it was: else it would be learned after something its seat had not been shown."""
    if tuple(messages[: len(turn.prompt) + 1]) != (*turn.prompt, turn.reply):
        raise ValueError(f"event {turn.event.index}: the style {style} does not go on from the prompt of its turn")


def example_of_text(text: str, *, origin: str = "", licence: str = "") -> Example:
    """A text that is learned whole."""
    return Example(text=text, source=Source(origin=origin, licence=licence))


def write_examples(examples: Iterable[Example], path: Path) -> int:
    """Write one example a line; how many there were. The file takes its place when it is whole. Raises `ExportFailed`."""
    count = 0
    with written_whole(path) as file:
        for example in examples:
            file.write(_line(example))
            count += 1
    return count


def read_examples(path: Path) -> tuple[Example, ...]:
    """The examples in a file. Raises `ExamplesError`."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ExamplesError(f"{path}: cannot be read ({error.strerror})") from None
    return tuple(_read(path, number, line) for number, line in enumerate(lines, 1))


def _read(path: Path, number: int, line: bytes) -> Example:
    try:
        return Example.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        raise ExamplesError(f"{path}: line {number}: {field}: {first['msg']}; write the file again") from None


def examples_hash(examples: Iterable[Example]) -> str:
    """SHA-256, in hex, over the examples in their order, as they are written to a file."""
    hashed = hashlib.sha256()
    for example in examples:
        hashed.update(_line(example))
    return hashed.hexdigest()


def _line(example: Example) -> bytes:
    return example.model_dump_json(exclude_defaults=True).encode() + b"\n"
