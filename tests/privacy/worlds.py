"""Random worlds with a canary in every field and message, as hypothesis strategies. Who may meet which canary is said in `oracle`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count, cycle
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from comity.models.protocol import Schema
from comity.world.actions import Action, ActionSpec, ActionType
from comity.world.characters import BigFive, Character, MoralValue, SchwartzValue
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat, TurnOrder
from comity.world.tasks import Edge, Task
from comity.world.visibility import Mode
from privacy.hostile import hostile, printable

__all__ = ["SEATS", "WORDS", "Move", "Planted", "Turn", "World", "worlds"]

SEATS = ("p1", "p2", "p3", "p4", "p5")
_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
_MORALS = (MoralValue.PURITY, MoralValue.LIBERTY, MoralValue.AUTHORITY, MoralValue.LOYALTY, MoralValue.FAIRNESS)
_VALUES = (
    SchwartzValue.HEDONISM,
    SchwartzValue.UNIVERSALISM,
    SchwartzValue.BENEVOLENCE,
    SchwartzValue.CONFORMITY,
    SchwartzValue.STIMULATION,
)
WORDS = (*(f"medium {trait}" for trait in _TRAITS), *_MORALS, *_VALUES)
"""The canaries of the fields that hold one of a closed set of words."""


class Planted(NamedTuple):
    """A canary: what it stands in, and whose that is (a seat, the two of a relationship, or nobody's)."""

    token: str
    kind: str
    of: frozenset[str] = frozenset()


class Turn(NamedTuple):
    """What a seat's model answers when it is asked: unusable replies first, then the action, unless it fails."""

    action: Action | None
    replies: tuple[str, ...]


@dataclass(frozen=True)
class Move:
    """What a seat would like to do: made legal when its turn comes."""

    kind: ActionType
    to: tuple[str, ...]
    words: str
    unusable: int
    """How many unusable replies come first; two make the agent fail."""
    form: int
    """Which kind of unusable reply."""


@dataclass(frozen=True)
class World:
    """A task, how it is played, and everything that is planted in it."""

    task: Task
    mode: Mode
    lite: bool
    seed: int
    planted: tuple[Planted, ...]
    kinds: Mapping[frozenset[str], RelationshipKind]
    """How each pair was drawn to stand to each other; a pair left out has no edge."""
    moves: tuple[Move, ...]
    style: str
    """The prompt style of every seat."""

    @property
    def seats(self) -> tuple[str, ...]:
        """The ids of the seats."""
        return SEATS[: len(self.task.cast)]

    def turn(self, number: int, seat: str, spec: ActionSpec) -> Turn:
        """What the seat's model answers in this turn."""
        place = SEATS.index(seat)
        move = self.moves[(number * len(SEATS) + place) % len(self.moves)]
        token = f"canary{5000 + number * 10 + place}x"
        bad = tuple(_unusable(move, token.replace("y5", "y8"), form) for form in range(move.unusable))
        if move.unusable > 1:
            return Turn(None, bad)
        action = _legal(move, token, seat, spec)
        names = [self.task.names[seat] for seat in action.to]
        reply = {"action_type": action.type, "argument": action.argument} | ({"to": names} if names else {})
        return Turn(action, (*bad, json.dumps(reply)))

    def answer(self, schema: Schema | None, session: str, again: bool, chance: int) -> str:
        """What a model answers that knows only what it is asked: one of the moves, with a canary of its own each time."""
        assert schema is not None
        seat = session.rpartition("/")[2]
        move = self.moves[(chance + SEATS.index(seat)) % len(self.moves)]
        token = f"canary{chance % 4000 + 5000}x"
        if move.unusable and not again:
            return f"No. {token}"
        kinds, names = _offered(schema)
        if move.kind not in kinds or move.kind is ActionType.NONE:
            return json.dumps({"action_type": kinds[0], "argument": token})
        to = [] if move.kind is ActionType.LEAVE else names[: len(move.to)]
        return json.dumps({"action_type": move.kind, "argument": f"{move.words}{token}{move.words}", "to": to})


def _offered(schema: Schema) -> tuple[Sequence[str], Sequence[str]]:
    """The action types and the recipients that the chat style's schema offers; another only lets speak to all."""
    properties = schema.body.get("properties", {})
    if "action_type" not in properties:
        return ["speak"], []
    return properties["action_type"]["enum"], properties.get("to", {}).get("items", {}).get("enum", [])


def _legal(move: Move, token: str, seat: str, spec: ActionSpec) -> Action:
    kind = move.kind if move.kind in spec.types else ActionType.SPEAK
    if kind is ActionType.NONE:
        return Action(type=kind)
    reachable = [other for other, _ in spec.recipients]
    to = tuple(other for other in move.to if other in reachable and kind is not ActionType.LEAVE)
    return Action(type=kind, argument=f"{move.words}{token}{move.words}", to=to)


def _unusable(move: Move, token: str, again: int) -> str:
    forms = (
        "",
        f"I would rather not say. {token}",
        json.dumps({"action_type": f"{move.words}{token}"}),
        json.dumps({"action_type": "speak", "argument": [token]}),
        json.dumps({"action_type": "speak", "argument": "x", "to": [f"{token}{move.words}"]}),
        json.dumps({token: {move.words: token}}),
        json.dumps({"action_type": "speak", "argument": " \n", "token": token}),
    )
    return forms[(move.form + again) % len(forms)]


class _Planter:
    """Hands out canaries wrapped in hostile text, and remembers where they went."""

    def __init__(self, wraps: Sequence[str | None]) -> None:
        self._wraps = cycle(wraps)
        self._numbers = count()
        self.planted: list[Planted] = []

    def text(self, kind: str, *of: str) -> str:
        """A canary in its wrapping."""
        wrap = next(self._wraps) or ""
        return f"{wrap}{self._token(kind, of)}{wrap}"

    def maybe(self, kind: str, *of: str) -> str:
        """The same, or nothing."""
        wrap = next(self._wraps)
        return "" if wrap is None else f"{wrap}{self._token(kind, of)}{wrap}"

    def name(self, kind: str, *of: str) -> str:
        """The same on one printable line."""
        wrap = printable(next(self._wraps) or "")
        return f"{wrap}{self._token(kind, of)}{wrap}"

    def word(self, token: str, kind: str, of: str) -> None:
        """Remember a canary that is one of a closed set of words."""
        self.planted.append(Planted(token, kind, frozenset([of])))

    def _token(self, kind: str, of: Sequence[str]) -> str:
        token = f"canary{next(self._numbers):04d}x"
        self.planted.append(Planted(token, kind, frozenset(of)))
        return token


def _character(planter: _Planter, seat: str, same_name: bool) -> Character:
    place = SEATS.index(seat)
    planter.word(str(61 + place), "age", seat)
    planter.word(f"medium {_TRAITS[place]}", "big_five", seat)
    planter.word(_MORALS[place].value, "moral_values", seat)
    planter.word(_VALUES[place].value, "schwartz_values", seat)
    return Character(
        id=f"c-{seat}",
        name="Ana Lima" if same_name else planter.name("name", seat),
        age=61 + place,
        gender=planter.name("gender", seat),
        pronouns=planter.name("pronouns", seat),
        occupation=planter.name("occupation", seat),
        public_info=planter.maybe("public_info", seat),
        big_five=BigFive.model_validate({_TRAITS[place]: "medium"}),
        moral_values=(_MORALS[place],),
        schwartz_values=(_VALUES[place],),
        decision_style=planter.maybe("decision_style", seat),
        personality=planter.maybe("personality", seat),
        secret=planter.maybe("secret", seat),
        source=planter.maybe("source", seat),
    )


def _seat(planter: _Planter, seat: str) -> Seat:
    return Seat(
        id=seat,
        role=planter.maybe("role", seat),
        goal=planter.text("goal", seat),
        extra_info=planter.maybe("extra_info", seat),
        clarification_hint=planter.maybe("clarification_hint", seat),
        strategy_hint=planter.maybe("strategy_hint", seat),
    )


_ALL = tuple(ActionType)
_TO = ((), *((seat,) for seat in SEATS), ("p1", "p3"), ("p2", "p4", "p5"), ("p3", "p2", "p1"))
_UNUSABLE = (0,) * 12 + (1,) * 5 + (2,)
_KINDS = (None, *RelationshipKind)


def _move(chance: Random, words: str) -> Move:
    return Move(
        kind=chance.choice((ActionType.SPEAK, *_ALL, ActionType.LEAVE)),
        to=chance.choice(_TO),
        words=words,
        unusable=chance.choice(_UNUSABLE),
        form=chance.randrange(7),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world of 2 to 5 seats and 3 to 8 turns, in any turn order and mode."""
    seats = SEATS[: draw(st.integers(2, 5))]
    planter = _Planter(draw(st.lists(st.none() | hostile, min_size=1, max_size=5)))
    # at one stroke: drawing each of them for itself takes hypothesis longer than playing the world, and prefers the first
    chance = Random(draw(st.integers(0, 2**32 - 1)))
    pairs = [(pair, chance.choice(_KINDS)) for pair in combinations(seats, 2)]
    edges = [
        Edge(between=(b, a) if at % 2 else (a, b), kind=kind, background=planter.maybe("background", a, b))
        for at, ((a, b), kind) in enumerate(pairs)
        if kind is not None
    ]
    order = draw(st.sampled_from(TurnOrder))
    scenario = Scenario(
        id="world",
        title="A world",
        setting=planter.text("setting"),
        seats=tuple(_seat(planter, seat) for seat in seats),
        turn_limit=chance.randint(3, 4 if order is TurnOrder.SIMULTANEOUS else 8),
        turn_order=order,
        actions=chance.choice((_ALL, _ALL, _ALL, _ALL, _ALL[:-1], (ActionType.SPEAK, ActionType.NONE))),
        private_messages=draw(st.sampled_from([True, True, False])),
        judge_note=planter.maybe("judge_note"),
        source=planter.maybe("source"),
    )
    same_name = draw(st.sampled_from([False, False, False, True]))
    return World(
        task=Task(
            id="task",
            scenario=scenario,
            cast={seat: _character(planter, seat, same_name) for seat in seats},
            edges=tuple(edges),
        ),
        mode=draw(st.sampled_from(["asymmetric", "asymmetric", "asymmetric", "omniscient", "script"])),
        lite=draw(st.sampled_from([False, False, False, True])),
        seed=chance.randrange(2**31),
        planted=tuple(planter.planted),
        kinds={frozenset(edge.between): edge.kind for edge in edges},
        moves=tuple(_move(chance, words) for words in draw(st.lists(hostile, min_size=2, max_size=7))),
        style=draw(st.sampled_from(["chat", "transcript", "compact"])),
    )
