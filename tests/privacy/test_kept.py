"""What is kept between views is never met by another: not across seats, episodes, modes, logs, or tasks that share an episode's id."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar, cast

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from worlds import task

from comity.agents import dialogue, renderings, transcript
from comity.agents.styles import style_named
from comity.models.protocol import Message
from comity.world import views
from comity.world.actions import Action, ActionType
from comity.world.environment import Environment, State
from comity.world.events import Failure
from comity.world.relationships import RelationshipKind
from comity.world.tasks import Task
from comity.world.views import Projection, SeatView, Seen, view
from comity.world.visibility import Mode
from privacy.worlds import World, worlds

Patch = pytest.MonkeyPatch
T = TypeVar("T")
STYLES = tuple(style_named(name) for name in ("chat", "transcript", "compact"))
_FEW = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def states(world: World, mode: Mode, *, lite: bool) -> Iterable[State]:
    """The states of an episode of the world, from the first on."""
    state = Environment().reset(world.task, seed=world.seed, mode=mode, lite=lite)
    yield state
    while state.acting:
        did: dict[str, Action | Failure] = {}
        for seat in state.acting:
            action = world.turn(state.turn, seat, state.spec(seat)).action
            did[seat] = action or Failure(kind="unusable_reply", detail="it is empty")
        state = Environment().step(state, did)
        yield state


def mixed(one: World, other: World) -> Sequence[State]:
    """States of episodes of two worlds in several modes, each followed by one of another. Their seats have the same ids."""
    played = [
        list(states(one, "asymmetric", lite=False)),
        list(states(one, "omniscient", lite=False)),
        list(states(one, "asymmetric", lite=True)),
        list(states(other, "asymmetric", lite=False)),
    ]
    longest = max(map(len, played))
    return [episode[at] for at in range(longest) for episode in played if at < len(episode)]


class KeptByAnother(AssertionError):
    """Something kept is met where it does not belong."""


def compare(one: World, other: World) -> int:
    """Take views of all those states from one projection, and prompts with one place for what is kept.

    Gives how many prompts were compared. Raises `KeptByAnother` where a view or a prompt is not the one that is made
    afresh.
    """
    shared, compared = Projection("e"), 0
    notes: dict[object, object] = {}
    for state in mixed(one, other):
        for seat in state.task.cast:
            afresh, seen = view(state, seat, episode="e"), shared.view(state, seat)
            if seen != afresh:
                raise KeptByAnother(f"{seat} sees {seen}, not {afresh}")
            for style in STYLES:
                _same(style.messages(replace(seen, notes=notes)), style.messages(afresh))
                compared += 1
    return compared


def _same(prompt: Sequence[Message], afresh: Sequence[Message]) -> None:
    if prompt != afresh:
        raise KeptByAnother(f"{prompt}\nis not\n{afresh}")


pairs = st.tuples(worlds(), worlds())


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(pairs)
def test_whatever_was_kept_views_and_prompts_are_those_made_afresh(pair: tuple[World, World]) -> None:
    assert compare(*pair) > 8


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_along_an_episode_views_and_prompts_are_those_made_afresh(world: World) -> None:
    projection = Projection("e")
    for state in states(world, world.mode, lite=world.lite):
        for seat in world.seats:
            seen, afresh = projection.view(state, seat), view(state, seat, episode="e")
            assert seen == afresh
            for style in STYLES:
                _same(style.messages(seen), style.messages(afresh))


def whoever_sees_it(
    view: SeatView, by: object, begin: Callable[[SeatView], T], tell: Callable[[SeatView, T, Sequence[Seen]], T]
) -> T:
    """A rendering that is kept by its maker alone."""
    return cast(T, view.notes.setdefault(by, tell(view, begin(view), view.history)))


def renderings_are_kept_by_maker(patch: Patch) -> None:
    patch.setattr(dialogue, "rendered", whoever_sees_it)
    patch.setattr(transcript, "rendered", whoever_sees_it)


def any_state_goes_on(patch: Patch) -> None:
    patch.setattr(views, "_goes_on", lambda before, state: True)


def only_the_log_counts(patch: Patch) -> None:
    patch.setattr(views, "_goes_on", lambda before, state: state.events[: len(before.events)] == before.events)


def only_the_task_counts(patch: Patch) -> None:
    patch.setattr(views, "_goes_on", lambda before, state: before.task is state.task)


MUTATIONS = (
    renderings_are_kept_by_maker,
    any_state_goes_on,
    only_the_log_counts,
    only_the_task_counts,
)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_cache_that_does_not_look_is_found(mutation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    def leaks(pair: tuple[World, World]) -> bool:
        try:
            compare(*pair)
        except (KeptByAnother, KeyError):
            return True
        return False

    mutation(monkeypatch)
    find(pairs, leaks, settings=_FEW)


THREE = task("Ana", "Ben", "Cai")


def opening(of: Task = THREE) -> SeatView:
    return view(Environment().reset(of, seed=0), "a", episode="e")


OTHERS: Mapping[str, SeatView] = {
    "session": replace(opening(), session="f/a"),
    "setting": replace(opening(), setting="A boat."),
    "me": replace(opening(), me=opening(task("Zoe", "Ben")).me),
    "others": replace(opening(), others=opening(task("Ana", "Ben", edges={"ab": RelationshipKind.FRIEND})).others),
    "mode": replace(opening(), mode="script"),
    "turn_limit": replace(opening(), turn_limit=7),
    "types": replace(opening(), spec=replace(opening().spec, types=(ActionType.SPEAK,))),
    "recipients": opening(task("Ana", "Ben", "Cai", private=True)),
}
"""The first view of a seat of three, each other in one respect."""


def misled(other: SeatView) -> bool:
    """Whether a prompt depends on what was kept of the other view."""
    seen = opening()
    for style in STYLES:
        style.messages(replace(other, notes=seen.notes))
    return any(style.messages(seen) != style.messages(opening()) for style in STYLES)


@pytest.mark.parametrize("respect", OTHERS)
def test_a_rendering_of_another_view_is_not_continued(respect: str, monkeypatch: Patch) -> None:
    other, frame = OTHERS[respect], renderings._frame
    assert not misled(other)
    (at,) = (at for at, (a, b) in enumerate(zip(frame(opening()), frame(other), strict=True)) if a != b)
    monkeypatch.setattr(renderings, "_frame", lambda view: frame(view)[:at] + frame(view)[at + 1 :])
    assert misled(other) == (respect != "session"), "no prompt shows its session"
