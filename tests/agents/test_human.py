"""A person at a terminal: what they are shown and when, and what their lines mean."""

import threading

import anyio
import pytest
from worlds import opened, played, say, task

from comity.agents.briefing import briefing
from comity.agents.human import HELP, HumanAgent, PersonAway
from comity.world.environment import State
from comity.world.scenarios import TurnOrder
from comity.world.views import SeatView, view

pytestmark = pytest.mark.anyio


class Person:
    """Types these lines in order, then closes the input; keeps what was shown before each."""

    def __init__(self, *lines: str) -> None:
        self._lines, self._unread = list(lines), list[str]()
        self.shown: list[str] = []
        self.agent = HumanAgent(self._read, self._unread.append)

    def _read(self, prompt: str) -> str:
        self.shown.append("\n".join(self._unread))
        self._unread.clear()
        if not self._lines:
            raise EOFError
        return self._lines.pop(0)


def seen(state: State, seat: str = "b") -> SeatView:
    return view(state, seat, episode="e")


def talk(*words: str, order: TurnOrder = TurnOrder.ROUND_ROBIN) -> State:
    """Ana and Ben speak in turn."""
    return played(opened(task("Ana", "Ben", order=order)), *map(say, words))


async def test_a_person_reads_their_briefing_once_and_then_only_the_news() -> None:
    person = Person("two", "four")
    await person.agent.act(seen(talk("one")))
    await person.agent.act(seen(talk("one", "two", "three")))
    assert person.shown == [f"{briefing(seen(talk()))}\n\n{HELP}\n\nAna: one", "Ana: three"]


async def test_who_comes_back_reads_everything_that_happened_so_far() -> None:
    person = Person("four")
    await person.agent.act(seen(talk("one", "two", "three")))
    assert person.shown == [f"{briefing(seen(talk()))}\n\n{HELP}\n\nAna: one\nBen: two\nAna: three"]


async def test_one_person_in_two_seats_is_briefed_for_each() -> None:
    person = Person("one", "two")
    for seat, state in (("a", talk()), ("b", talk("one"))):
        await person.agent.act(seen(state, seat))
    for seat, shown in zip("ab", person.shown, strict=True):
        assert shown.startswith(briefing(seen(talk(), seat)))


async def test_a_briefing_can_be_read_again_at_any_time_and_costs_no_turn() -> None:
    person = Person("two", " /brief \n", "four")
    await person.agent.act(seen(talk("one")))
    reply = await person.agent.act(seen(talk("one", "two", "three")))
    assert reply.action == say("four")
    assert person.shown[1:] == ["Ana: three", f"{briefing(seen(talk()))}\n\nAna: one\nBen: two\nAna: three"]
    assert "/brief" in HELP


async def test_what_was_done_at_the_same_time_is_news_whatever_the_order_of_seats() -> None:
    for seat, other in (("a", "Ben"), ("b", "Ana")):
        person = Person("1", "2")
        state = talk(order=TurnOrder.SIMULTANEOUS)
        await person.agent.act(seen(state, seat))
        await person.agent.act(seen(played(state, {"a": say("I, a"), "b": say("I, b")}), seat))
        assert person.shown[1] == f"{other}: I, {'b' if other == 'Ben' else 'a'}"


async def test_a_person_who_is_gone_is_away_and_has_not_failed() -> None:
    with pytest.raises(PersonAway, match="can be continued"):
        await Person().agent.act(seen(talk("one")))


async def test_a_cancelled_episode_does_not_wait_for_the_person() -> None:
    asked, typed = threading.Event(), threading.Event()

    def read(prompt: str) -> str:
        asked.set()
        assert typed.wait(30)
        return "too late"

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(HumanAgent(read, lambda text: None).act, seen(talk()))
            assert await anyio.to_thread.run_sync(asked.wait, 30)
            group.cancel_scope.cancel()
    finally:
        typed.set()
