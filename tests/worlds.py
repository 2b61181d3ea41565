"""Small worlds for the tests of behaviour: tasks, actions, agents that depend on their view, and models that reply from a list."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from comity.agents.llm import LLMAgent
from comity.agents.protocol import Agent
from comity.agents.scripted import ScriptedAgent
from comity.models.protocol import Completion, Message, Sampling, Schema
from comity.world.actions import Action, ActionType
from comity.world.characters import Character
from comity.world.environment import Environment, Limits, State
from comity.world.episodes import Episode
from comity.world.events import Event
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat, TurnOrder
from comity.world.tasks import Edge, Task
from comity.world.views import SeatView

SEATS = "abcdefgh"


def character(name: str = "Ana", *, id_: str = "", age: int = 30, occupation: str = "baker") -> Character:
    return Character(
        id=id_ or f"c{hashlib.sha256(name.encode()).hexdigest()[:8]}",
        name=name,
        age=age,
        gender="woman",
        pronouns="she/her",
        occupation=occupation,
        secret=f"the secret of {name}",
    )


def task(
    *names: str,
    order: TurnOrder = TurnOrder.ROUND_ROBIN,
    private: bool = False,
    turns: int = 20,
    actions: Sequence[ActionType] = tuple(ActionType),
    edges: Mapping[str, RelationshipKind] | None = None,
) -> Task:
    """Seats a, b, … with these characters; edges by pairs of seats such as `{"ab": FRIEND}`."""
    cast = dict(zip(SEATS, names or ("Ana", "Ben"), strict=False))
    return Task(
        id="task",
        scenario=Scenario(
            id="scenario",
            title="A test",
            setting="A quiet room with a table.",
            seats=tuple(Seat(id=seat, goal=f"the goal of seat {seat}") for seat in cast),
            turn_order=order,
            turn_limit=turns,
            actions=tuple(actions),
            private_messages=private,
        ),
        cast={seat: character(name) for seat, name in cast.items()},
        edges=tuple(Edge(between=(pair[0], pair[1]), kind=kind) for pair, kind in (edges or {}).items()),
    )


def say(words: str = "hello", *to: str) -> Action:
    return Action(type=ActionType.SPEAK, argument=words, to=to)


LEAVE = Action(type=ActionType.LEAVE)
NOTHING = Action(type=ActionType.NONE)


def opened(of: Task, *, seed: int = 0, limits: Limits | None = None) -> State:
    return Environment().reset(of, seed=seed, limits=limits)


def played(state: State, *turns: Action | Mapping[str, Action]) -> State:
    """The state after these turns; an action alone is done by everyone who acts."""
    for turn in turns:
        did = dict.fromkeys(state.acting, turn) if isinstance(turn, Action) else turn
        state = Environment().step(state, did)
    return state


def roll(view: SeatView) -> Action:
    """An action drawn by the view's seed, whose words hold everything the seat perceived."""
    kinds = [kind for kind in view.spec.types if kind is not ActionType.LEAVE or view.seed % 5 == 0]
    kind = kinds[view.seed % len(kinds)]
    if kind in (ActionType.NONE, ActionType.LEAVE):
        return Action(type=kind)
    seen = hashlib.sha256(repr(view.history).encode()).hexdigest()[:8]
    to = [seat for at, (seat, _) in enumerate(view.spec.recipients) if view.seed >> at & 3 == 0]
    return Action(type=kind, argument=f"{view.seed} after {seen}", to=tuple(to))


def dice_reply(messages: Sequence[Message], schema: Schema | None, sampling: Sampling) -> str:
    """A chat-style reply drawn by the sampling's seed, at times unusable, that depends on the whole prompt."""
    assert schema is not None
    assert sampling.seed is not None
    if sampling.seed % 7 == 0 and len(messages) % 2 == 0:
        return "I would rather not answer in JSON."
    kinds = [kind for kind in schema.body["properties"]["action_type"]["enum"] if kind != "leave"]
    seen = hashlib.sha256(repr(messages).encode()).hexdigest()[:8]
    kind = kinds[sampling.seed % len(kinds)]
    return reply(kind, "" if kind == "none" else f"{sampling.seed} after {seen}")


def dice_agents(of: Task, *, llm: bool = False) -> dict[str, Agent]:
    from comity.models.scripted import ScriptedModel

    one: Agent = LLMAgent(ScriptedModel(dice_reply)) if llm else ScriptedAgent(roll, name="dice")
    return {seat.id: one for seat in of.scenario.seats}


def reply(kind: str = "speak", argument: str = "hello", **more: object) -> str:
    return json.dumps({"action_type": kind, "argument": argument, **more})


class Asked(NamedTuple):
    """One call of a `Replies` model."""

    messages: tuple[Message, ...]
    schema: Schema | None
    sampling: Sampling
    session: str
    streamed: bool


class Replies:
    """A model that gives these replies in order, the last one again and again; an exception is raised."""

    name = "replies"

    def __init__(self, *replies: str | Exception) -> None:
        self._replies = replies
        self.asked: list[Asked] = []

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        self.asked.append(Asked(tuple(messages), schema, sampling, session, stream is not None))
        given = self._replies[min(len(self.asked), len(self._replies)) - 1]
        if isinstance(given, Exception):
            raise given
        if stream is not None:
            for piece in given:
                stream(piece)
        return Completion(text=given, finish_reason="stop", seconds=0.0)

    async def aclose(self) -> None:
        """Nothing to release."""


def flat(messages: Sequence[Message]) -> str:
    """A prompt as one text, so that one can be seen to begin with another."""
    return "".join(f"\n<{message.role}>\n{message.content}" for message in messages)


def bare(episode: Episode) -> dict[str, object]:
    """Everything of an episode but its id and its times."""
    dumped = episode.model_dump(exclude={"id", "started_at", "finished_at"})
    return dumped | {"events": bare_events(episode.events)}


def bare_events(events: Sequence[Event]) -> list[dict[str, object]]:
    """Events without the times in their traces."""
    found: list[dict[str, object]] = []
    for event in events:
        calls = [call.model_dump(exclude={"seconds", "first_token_seconds"}) for call in event.trace.calls]
        found.append(event.model_dump(exclude={"trace"}) | {"calls": calls})
    return found


display_names = st.sampled_from(
    ["Ana", "ana", "Ana (1)", "Ben", "\uff21\uff2e\uff21", "Ólafur", "王小明", 'Q "the" {name}', "Ana <Boss>"]
)


@st.composite
def tasks(draw: st.DrawFn, *, most_seats: int = 4) -> Task:
    """Tasks of every shape: seats, turn order, private messages, actions, relationships."""
    cast = draw(st.lists(display_names, min_size=2, max_size=most_seats))
    pairs = [a + b for at, a in enumerate(SEATS[: len(cast)]) for b in SEATS[at + 1 : len(cast)]]
    return task(
        *cast,
        order=draw(st.sampled_from(TurnOrder)),
        private=draw(st.booleans()),
        turns=draw(st.integers(1, 8)),
        edges=draw(st.dictionaries(st.sampled_from(pairs), st.sampled_from(RelationshipKind))),
    )
