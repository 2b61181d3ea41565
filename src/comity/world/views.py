"""What one seat has seen: its whole projection of the log, and what it may do now. An agent is a function of this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from comity.world.actions import Action, ActionSpec
from comity.world.characters import BigFive, Character
from comity.world.environment import State
from comity.world.events import Event
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.positions import Position
from comity.world.record import Itself, derive_seed
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Seat
from comity.world.tasks import Task
from comity.world.visibility import (
    Fact,
    Mode,
    as_seen,
    may_know_background,
    may_know_facts,
    may_know_goal,
    may_know_payoff,
)

__all__ = ["Aim", "Profile", "Projection", "SeatView", "Seen", "Table", "aim_of", "facts_of", "view"]


@dataclass(frozen=True, slots=True)
class Aim:
    """A goal with what belongs to it."""

    goal: str
    extra_info: str
    clarification_hint: str
    strategy_hint: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One participant as the viewer may know them: what may not be known is absent."""

    seat: str
    name: str
    role: str
    facts: Mapping[Fact, str]
    aim: Aim | None
    relationship: RelationshipKind | None = None
    """To the viewer; `None` for the viewer itself."""
    background: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The scenario's game as one seat may know it."""

    payoff: Payoff
    """The rules, without what is private to others."""
    position: Position


@dataclass(frozen=True, slots=True)
class Seen:
    """One perceived action."""

    turn: int
    seat: str
    name: str
    action: Action
    to: tuple[str, ...] = ()
    """Display names of a private message's recipients."""
    opened: tuple[tuple[str, Move], ...] = ()
    """By display name, the choices that were opened to everyone when this was done."""


@dataclass(frozen=True, slots=True)
class SeatView:
    """Everything one seat may know at one moment."""

    session: str
    """Names this seat of this episode, for a model server's prompt cache."""
    mode: Mode
    setting: str
    me: Profile
    others: tuple[Profile, ...]
    """The other seats, in seat order."""
    history: tuple[Seen, ...]
    """What the seat perceived, its own actions included, in order."""
    turn: int
    """The turn to be played, from 1."""
    turn_limit: int
    seed: int
    """hash(episode's seed, turn, seat): the only randomness an agent may use."""
    spec: ActionSpec
    """What the seat may do now."""
    table: Table | None = None
    """The game, where the scenario has a payoff."""
    notes: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    """What was made of earlier views of this seat of this episode and can be made again; gone with the episode."""


def view(state: State, seat: str, *, episode: str = "") -> SeatView:
    """The projection of the state onto one seat."""
    return Projection(episode).view(state, seat)


class Projection:
    """The views of one episode as it goes on: what a seat was once shown is not projected again.

    A view depends on its state alone. Where a state does not go on from the last one, all is projected afresh.
    """

    def __init__(self, episode: str = "") -> None:
        self._episode = episode
        self._last: State | None = None
        self._seats: dict[str, _Shown] = {}

    def view(self, state: State, seat: str) -> SeatView:
        """The projection of the state onto one seat."""
        self._follow(state)
        shown = self._seats[seat]
        return SeatView(
            session=f"{self._episode}/{seat}",
            mode=state.mode,
            setting=state.task.scenario.setting,
            me=shown.me,
            others=shown.others,
            history=tuple(shown.history),
            turn=state.turn,
            turn_limit=state.turn_limit,
            seed=derive_seed(state.seed, state.turn, seat),
            spec=state.spec(seat),
            table=_table(state, shown.payoff, seat),
            notes=shown.notes,
        )

    def _follow(self, state: State) -> None:
        if state is self._last:
            return
        if self._last is None or not _goes_on(self._last, state):
            self._seats = {seat.id: _Shown.first(state, seat) for seat in state.task.scenario.seats}
            news = state.events
        else:
            news = state.events[len(self._last.events) :]
        self._last = state
        for event in news:
            self._tell(event, state)

    def _tell(self, event: Event, state: State) -> None:
        if event.action is None:
            return
        names = state.task.names
        to = tuple(names[seat] for seat in event.action.to)
        opened = _opened(event, state) if state.position is not None else ()
        done = Seen(event.turn, event.seat, names[event.seat], event.action, to, opened)
        for seat, shown in self._seats.items():
            if seat in event.audience:
                action = as_seen(event.action, event.seat, seat, state.mode)
                shown.history.append(done if action is event.action else replace(done, action=action))


def _goes_on(before: State, state: State) -> bool:
    """Whether what was shown of one state is part of what is shown of the other."""
    same = before.task is state.task and before.mode == state.mode and before.lite == state.lite
    return same and state.events[: len(before.events)] == before.events


@dataclass(slots=True)
class _Shown:
    """What one seat has been shown so far."""

    me: Profile
    others: tuple[Profile, ...]
    history: list[Seen]
    notes: dict[object, object]
    payoff: Payoff | None

    @classmethod
    def first(cls, state: State, seat: Seat) -> "_Shown":
        key = (Itself(state.task), seat.id, state.mode, state.lite)
        others = tuple(_profile(other.id, *key) for other in state.task.scenario.seats if other.id != seat.id)
        known = [s.id for s in state.task.scenario.seats if may_know_payoff(seat.id, s.id, state.mode)]
        payoff = state.task.scenario.payoff
        return cls(_profile(seat.id, *key), others, [], {}, payoff.known_to(known) if payoff else None)


def _table(state: State, payoff: Payoff | None, seat: str) -> Table | None:
    if payoff is None or state.position is None:
        return None
    known = tuple(s for s in state.position.parties if may_know_payoff(seat, s, state.mode))
    return Table(payoff, state.position.known_to(known))


def _opened(event: Event, state: State) -> tuple[tuple[str, Move], ...]:
    rounds = state.position.rounds if state.position else ()
    return tuple(
        (state.task.names[seat], Move(kind=MoveKind.CHOOSE, terms=terms))
        for opened in rounds
        if opened.opened_at == event.index
        for seat, terms in opened.choices.items()
    )


@lru_cache(maxsize=4096)
def _profile(seat: str, of_task: Itself[Task], viewer: str, mode: Mode, lite: bool) -> Profile:
    """One for all episodes of a task: with thousands in play they would take up megabytes."""
    task, itself = of_task.record, seat == viewer
    of = task.scenario.seat(seat)
    edge = None if itself else task.edge(viewer, of.id)
    kind = edge.kind if edge else RelationshipKind.STRANGER
    return Profile(
        seat=of.id,
        name=task.names[of.id],
        role=of.role,
        facts=facts_of(task.cast[of.id], may_know_facts(viewer, of.id, kind, mode, lite)),
        aim=aim_of(of) if may_know_goal(viewer, of.id, mode) else None,
        relationship=edge.kind if edge else None,
        background=edge.background if edge and may_know_background(mode, lite) else "",
    )


def aim_of(seat: Seat) -> Aim:
    """A seat's goal and what belongs to it."""
    return Aim(seat.goal, seat.extra_info, seat.clarification_hint, seat.strategy_hint)


def facts_of(character: Character, wanted: tuple[Fact, ...]) -> dict[Fact, str]:
    """The wanted facts in words; those the character has nothing for are left out."""
    everything: dict[Fact, str] = {
        "occupation": character.occupation,
        "pronouns": character.pronouns,
        "public_info": character.public_info,
        "age": "" if character.age is None else str(character.age),
        "gender": character.gender,
        "big_five": _big_five(character.big_five),
        "moral_values": ", ".join(character.moral_values),
        "schwartz_values": ", ".join(character.schwartz_values),
        "decision_style": character.decision_style,
        "personality": character.personality,
        "secret": character.secret,
    }
    return {fact: everything[fact] for fact in wanted if everything[fact]}


def _big_five(traits: BigFive) -> str:
    known = {trait: level for trait, level in traits if level is not None}
    return ", ".join(f"{level} {trait}" for trait, level in known.items())
