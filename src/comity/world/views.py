"""What one seat has seen: its whole projection of the log, and what it may do now. An agent is a function of this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from comity.world.actions import Action, ActionSpec
from comity.world.characters import BigFive, Character
from comity.world.environment import State
from comity.world.record import derive_seed
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Seat
from comity.world.visibility import Fact, Mode, may_know_background, may_know_facts, may_know_goal

__all__ = ["Aim", "Profile", "SeatView", "Seen", "aim_of", "facts_of", "view"]


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
class Seen:
    """One perceived action."""

    turn: int
    seat: str
    name: str
    action: Action
    to: tuple[str, ...] = ()
    """Display names of a private message's recipients."""


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


def view(state: State, seat: str, *, episode: str = "") -> SeatView:
    """The projection of the state onto one seat."""
    scenario, names = state.task.scenario, state.task.names
    return SeatView(
        session=f"{episode}/{seat}",
        mode=state.mode,
        setting=scenario.setting,
        me=_profile(state, scenario.seat(seat), seat),
        others=tuple(_profile(state, other, seat) for other in scenario.seats if other.id != seat),
        history=tuple(
            Seen(e.turn, e.seat, names[e.seat], e.action, tuple(names[s] for s in e.action.to))
            for e in state.events
            if e.action is not None and seat in e.audience
        ),
        turn=state.turn,
        turn_limit=state.turn_limit,
        seed=derive_seed(state.seed, state.turn, seat),
        spec=state.spec(seat),
    )


def _profile(state: State, of: Seat, viewer: str) -> Profile:
    task, itself = state.task, of.id == viewer
    edge = None if itself else task.edge(viewer, of.id)
    kind = edge.kind if edge else RelationshipKind.STRANGER
    return Profile(
        seat=of.id,
        name=task.names[of.id],
        role=of.role,
        facts=facts_of(task.cast[of.id], may_know_facts(viewer, of.id, kind, state.mode, state.lite)),
        aim=aim_of(of) if may_know_goal(viewer, of.id, state.mode) else None,
        relationship=edge.kind if edge else None,
        background=edge.background if edge and may_know_background(state.mode, state.lite) else "",
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
        "age": str(character.age),
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
