"""What others whisper changes nothing: where a private message is taken back, whoever neither sent nor got it meets the same, to the letter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st

from comity.agents.briefing import briefing, shown
from comity.agents.styles import style_named
from comity.models.protocol import Message, Schema
from comity.world import environment, views, visibility
from comity.world.actions import Action, ActionSpec, ActionType
from comity.world.environment import Environment, State
from comity.world.events import Failure
from comity.world.scenarios import TurnOrder
from comity.world.views import SeatView
from comity.world.visibility import Mode
from privacy.worlds import World, worlds

Patch = pytest.MonkeyPatch
Place = tuple[int, str]
"""A turn and a seat."""

_FEW = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_NOTHING = Action(type=ActionType.NONE)


class Met(NamedTuple):
    """All that reaches one seat before one turn."""

    asked: bool
    """Whether the seat acts in this turn."""
    view: SeatView
    prompts: Mapping[str, Sequence[Message]]
    """By style."""
    schemas: Mapping[str, Schema]
    person: str
    """What a person reads."""


class Interference(AssertionError):
    """Somebody can tell that others wrote to each other."""


@st.composite
def whispering(draw: st.DrawFn, order: TurnOrder) -> World:
    """A world of three or more in which any may write to some alone, in this turn order, and no agent fails."""
    world = draw(worlds())
    assume(len(world.seats) > 2)
    of = {"turn_order": order, "private_messages": True, "actions": tuple(ActionType), "turn_limit": 8}
    scenario = world.task.scenario.model_copy(update=of)
    moves = tuple(replace(move, unusable=0) for move in world.moves)
    return replace(world, mode="asymmetric", moves=moves, task=world.task.model_copy(update={"scenario": scenario}))


def played(world: World, taken_back: Place | None = None) -> tuple[list[Mapping[str, Met]], dict[Place, Action]]:
    """What every seat meets before every turn of the episode, and what was done; one action may be replaced by `none`."""
    met: list[Mapping[str, Met]] = []
    done: dict[Place, Action] = {}
    state = Environment().reset(world.task, seed=world.seed, mode=world.mode, lite=world.lite)
    while state.acting:
        met.append({seat: _met(state, seat) for seat in world.seats})
        did: dict[str, Action | Failure] = {}
        for seat in state.acting:
            action = world.turn(state.turn, seat, state.spec(seat)).action
            assert action is not None
            did[seat] = done[state.turn, seat] = _NOTHING if (state.turn, seat) == taken_back else action
        state = Environment().step(state, did)
    return met, done


def _met(state: State, seat: str) -> Met:
    view = views.view(state, seat, episode="world")
    styles = {name: style_named(name) for name in ("chat", "transcript", "compact")}
    return Met(
        asked=seat in state.acting,
        view=view,
        prompts={name: style.messages(view) for name, style in styles.items()},
        schemas={name: style.schema(view) for name, style in styles.items()},
        person="\n".join([briefing(view), *map(shown, view.history)]),
    )


def compare(world: World) -> int:
    """Take back each private message by itself. Gives how often somebody's later turn was compared; raises `Interference`."""
    as_it_was, done = played(world)
    compared = 0
    for (turn, sender), action in done.items():
        if not action.to:
            continue
        without, _ = played(world, (turn, sender))
        for number, (before, after) in enumerate(zip(as_it_was, without, strict=False), 1):
            for seat in set(world.seats) - {sender, *action.to}:
                _same(f"{seat} in turn {number}, {sender} wrote in turn {turn}", before[seat], after[seat])
                compared += number > turn
    return compared


def _same(who: str, before: Met, after: Met) -> None:
    for what, was, now in zip(Met._fields, before, after, strict=True):
        if was != now:
            raise Interference(f"{what} of {who}: {was}\nwithout it: {now}")


def interferes(world: World) -> bool:
    try:
        compare(world)
    except Interference:
        return True
    return False


@pytest.mark.parametrize("order", TurnOrder)
def test_whoever_is_not_written_to_meets_the_same_as_if_nobody_had_been(order: TurnOrder) -> None:
    compared = []

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(whispering(order))
    def holds(world: World) -> None:
        compared.append(compare(world))

    holds()
    assert sum(compared) > 500
    assert sum(count > 0 for count in compared) > 30


def doing_nothing_is_public(patch: Patch) -> None:
    def seen_by(action: Action, actor: str, present: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
        return present if action.type is ActionType.NONE else real(action, actor, present, mode)

    real = visibility.audience
    patch.setattr(environment, "audience", seen_by)


def messages_are_open(patch: Patch) -> None:
    patch.setattr(environment, "audience", lambda action, actor, present, mode: present)


def who_has_whispered_is_offered_first(patch: Patch) -> None:
    def spec(self: State, seat: str) -> ActionSpec:
        whispered = {event.seat for event in self.events if event.action and event.action.to}
        offered = real(self, seat)
        return replace(offered, recipients=tuple(sorted(offered.recipients, key=lambda to: to[0] not in whispered)))

    real = State.spec
    patch.setattr(State, "spec", spec)


def seeds_count_all_that_was_said(patch: Patch) -> None:
    """The transcript style draws its tones by the view's seed."""

    def seeded(state: State, seat: str, *, episode: str = "") -> SeatView:
        words = sum(len(event.action.argument) for event in state.events if event.action)
        return replace(real(state, seat, episode=episode), seed=words)

    real = views.view
    patch.setattr(views, "view", seeded)


MUTATIONS = (
    doing_nothing_is_public,
    messages_are_open,
    who_has_whispered_is_offered_first,
    seeds_count_all_that_was_said,
)


@pytest.mark.parametrize("order", TurnOrder)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_trace_of_what_is_private_is_found(
    mutation: Callable[[Patch], None], order: TurnOrder, monkeypatch: Patch
) -> None:
    mutation(monkeypatch)
    find(whispering(order), interferes, settings=_FEW)


def test_a_turn_order_that_follows_private_messages_is_found(monkeypatch: Patch) -> None:
    def answering(self: State) -> str:
        last = self.events[-1].action if self.events else None
        written_to = [seat for seat in last.to if seat in self.present] if last else []
        return written_to[0] if written_to else real(self)

    real = State._next_in_turn
    monkeypatch.setattr(State, "_next_in_turn", answering)
    find(whispering(TurnOrder.ROUND_ROBIN), interferes, settings=_FEW)
