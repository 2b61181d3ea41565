"""Plays a world and searches whatever reaches a seat for canaries that it may not know, and for those that it should."""

import json
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from comity.agents.briefing import briefing, shown
from comity.agents.llm import LLMAgent
from comity.world import views
from comity.world.actions import MAX_ARGUMENT, Action, ActionType, IllegalAction
from comity.world.environment import Environment, State
from comity.world.events import Failure
from comity.world.views import Projection
from comity.world.visibility import EVERYTHING
from privacy.oracle import Oracle, canaries
from privacy.recording import Asked, RecordingModel, assert_prompts_grow
from privacy.worlds import Turn, World

__all__ = ["Leak", "Withheld", "now", "search"]

T = TypeVar("T")
_NUMBERS = count()


class Leak(AssertionError):
    """Something holds what its reader may not know."""


class Withheld(AssertionError):
    """Something lacks what its reader should know."""


def now(coroutine: Coroutine[object, object, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits for something")


@dataclass
class _Play:
    world: World
    replies: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.episode = f"world{next(_NUMBERS)}"
        self.oracle = Oracle(self.world)
        self.model = RecordingModel(lambda asked: self.replies.pop(0))
        self.projection = Projection(self.episode)
        self.agent = LLMAgent(self.model, style=self.world.style)


def search(world: World) -> None:
    """Play the world to its end. Raises `Leak` or `Withheld`; checks besides that prompts only grow."""
    play = _Play(world)
    state = Environment().reset(world.task, seed=world.seed, mode=world.mode, lite=world.lite)
    while state.acting:
        for seat in world.seats:
            _search_view(play, state, seat)
        did = {seat: _act(play, state, seat) for seat in state.acting}
        for seat in state.acting:
            _search_errors(play, state, did, seat)
        state = Environment().step(state, did)
        play.oracle.happened((seat, action) for seat, action in did.items() if isinstance(action, Action))
    for seat in world.seats:
        _search_view(play, state, seat)
    assert_prompts_grow(play.model)


def _expect(what: str, text: str, may: frozenset[str], must: frozenset[str] = frozenset()) -> None:
    found = canaries(text)
    if found - may:
        raise Leak(f"{what} holds {sorted(found - may)}:\n{text}")
    if must - found:
        raise Withheld(f"{what} lacks {sorted(must - found)}:\n{text}")


def _search_view(play: _Play, state: State, seat: str) -> None:
    known = play.oracle.known(seat)
    view = views.view(state, seat, episode=play.episode)
    happened, shared = (
        Counter((seen.seat, seen.action.type.value) for seen in view.history),
        play.oracle.perceived(seat),
    )
    if happened - shared:
        raise Leak(f"the view of {seat} in turn {state.turn} holds {happened - shared}: {view.history}")
    if shared - happened:
        raise Withheld(f"the view of {seat} in turn {state.turn} lacks {shared - happened}: {view.history}")
    must = known - play.oracle.bonds(seat)
    _expect(f"the view of {seat} in turn {state.turn}", repr(view), known, must)
    _expect(f"what a person in {seat} reads", "\n".join([briefing(view), *map(shown, view.history)]), known, must)


def _act(play: _Play, state: State, seat: str) -> Action | Failure:
    """What the seat does, as its agent reads the model's replies."""
    turn = play.world.turn(state.turn, seat, state.spec(seat))
    play.replies[:], first = turn.replies, len(play.model.asked)
    view = play.projection.view(state, seat)
    reply = now(play.agent.act(view))
    _expect(f"what is kept of the views of {seat}", repr(view.notes), play.oracle.known(seat))
    assert not play.replies, f"the model was not asked {len(turn.replies)} times: {turn.replies}"
    for attempt, asked in enumerate(play.model.asked[first:]):
        _search_prompt(play, seat, asked, "".join(turn.replies[:attempt]))
    may = play.oracle.known(seat) | canaries("".join(turn.replies))
    _expect(f"the record of the calls of {seat}", repr(reply.calls), may)
    _check_action(turn, reply.action, may)
    return reply.action


def _check_action(turn: Turn, did: Action | Failure, may: frozenset[str]) -> None:
    if turn.action is not None:
        assert did == turn.action, f"{did!r} is not what was said: {turn.action!r}"
    else:
        assert isinstance(did, Failure)
        _expect("a failure", repr(did), may)


def _search_prompt(play: _Play, seat: str, asked: Asked, said_before: str) -> None:
    """A re-ask may hold what the seat itself has just answered, which nothing else ever holds."""
    oracle, known = play.oracle, play.oracle.known(seat)
    if play.world.style == "chat":
        must = known - oracle.hints(seat) - oracle.bonds(seat)
    elif play.world.style == "compact":
        parts = play.world.seats if play.world.mode == "script" else (seat,)
        must = frozenset().union(*(oracle.known(seat) & oracle.own(part, "goal", *EVERYTHING) for part in parts))
    else:
        must = oracle.own(seat, "goal", "secret")
    what = f"a {play.world.style} prompt of {seat}"
    _expect(what, asked.text, known | canaries(said_before), must)
    assert asked.schema is not None
    _expect(f"the schema of {what}", json.dumps(asked.schema.body, ensure_ascii=False), known)
    _expect(f"the session of {what}", asked.session, frozenset())


def _search_errors(play: _Play, state: State, did: dict[str, Action | Failure], seat: str) -> None:
    """Whatever illegal thing a seat tries, the error tells it nothing."""
    spec = state.spec(seat)
    illegal = [Action(type=kind, argument="x") for kind in ActionType if kind not in spec.types and kind != "none"]
    illegal.extend(Action(type=kind, argument="x", to=("p9",)) for kind in spec.types if kind not in {"none", "leave"})
    illegal.append(Action(type=ActionType.SPEAK, argument="x" * (MAX_ARGUMENT + 1)))
    for action in illegal:
        error = _refusal(state, {**did, seat: action}, IllegalAction)
        _expect(f"an error of {seat}", f"{error} {error!r}", play.oracle.known(seat))
    error = _refusal(state, {}, ValueError)
    _expect("an error of the environment", f"{error} {error!r}", frozenset())


def _refusal(state: State, did: Mapping[str, Action | Failure], error: type[Exception]) -> Exception:
    try:
        Environment().step(state, did)
    except error as refusal:
        return refusal
    raise AssertionError(f"{did} is not possible in turn {state.turn}")
