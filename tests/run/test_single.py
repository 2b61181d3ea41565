"""One episode with everything kept: what was played is in the store before anyone acts on it, whatever happens then."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import pytest
from worlds import Replies, bare, bare_events, reply, say, task

from comity.agents.llm import LLMAgent
from comity.agents.protocol import Agent, Reply
from comity.agents.scripted import ScriptedAgent
from comity.evaluate.judge import LLMJudge, UnfinishedEpisode
from comity.evaluate.rubric import sotopia
from comity.models.protocol import Unreachable
from comity.models.scripted import scripted
from comity.run.single import judge_and_keep, play_and_keep
from comity.simulate import new_episode, simulate
from comity.store import Store
from comity.world.episodes import Episode, Interruption, Policy
from comity.world.events import Event
from comity.world.views import SeatView

pytestmark = pytest.mark.anyio
TASK = task(turns=6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "comity.db")) as opened:
        yield opened


class Watchful:
    """Notes at each of its turns how many events the store holds; from one turn on it may do something else."""

    policy = Policy(agent="watchful")

    def __init__(self, store: Store, *, fails_at: int = 0, waits_at: int = 0) -> None:
        self._store, self._fails_at, self._waits_at = store, fails_at, waits_at
        self.kept: list[int] = []
        self.waiting = anyio.Event()

    async def act(self, view: SeatView) -> Reply:
        self.kept.append(len(self._store.episode("last").events))
        if view.turn == self._fails_at:
            raise Unreachable("the server is gone")
        if view.turn == self._waits_at:
            self.waiting.set()
            await anyio.sleep_forever()
        return Reply(say(f"turn {view.turn}"))


def begun(store: Store, agent: Agent) -> tuple[Episode, dict[str, Agent]]:
    agents = dict.fromkeys(("a", "b"), agent)
    episode = new_episode(TASK, agents)
    store.begin(episode)
    return episode, agents


async def test_a_turn_is_kept_before_the_next_is_asked_for_and_before_anyone_hears_of_it(store: Store) -> None:
    agent = Watchful(store)
    episode, agents = begun(store, agent)
    heard: list[int] = []

    def hear(events: Sequence[Event]) -> None:
        assert store.episode("last").events[-len(events) :] == tuple(events)
        heard.extend(event.index for event in events)

    played = await play_and_keep(episode, agents, store, hear)
    assert agent.kept == heard == [0, 1, 2, 3, 4, 5]
    assert store.episode(episode.id) == played
    assert played.end is not None


async def test_what_a_lost_server_cut_off_is_kept_with_the_cause_and_goes_on_as_if_it_had_not_been(
    store: Store,
) -> None:
    episode, agents = begun(store, Watchful(store, fails_at=4))
    with pytest.raises(Unreachable):
        await play_and_keep(episode, agents, store)
    (listed,) = store.episodes()
    why = Interruption(kind="infrastructure", error="Unreachable", detail="the server is gone")
    assert (listed.status, listed.interrupted, listed.turns) == ("interrupted", why, 3)

    calm = dict.fromkeys(agents, Watchful(store))
    played = await play_and_keep(store.episode(episode.id), calm, store)
    through = await simulate(TASK, dict.fromkeys(agents, ScriptedAgent(lambda view: f"turn {view.turn}")))
    assert bare_events(played.events) == bare_events(through.events)
    assert store.episodes()[0].status == "finished"


async def test_what_was_cancelled_is_kept_and_goes_on(store: Store) -> None:
    agent = Watchful(store, waits_at=3)
    episode, agents = begun(store, agent)
    async with anyio.create_task_group() as group:
        group.start_soon(play_and_keep, episode, agents, store)
        await agent.waiting.wait()
        group.cancel_scope.cancel()
    (listed,) = store.episodes()
    why = Interruption(kind="cancelled", error="Cancelled", detail="")
    assert (listed.status, listed.interrupted, listed.turns) == ("interrupted", why, 2)
    played = await play_and_keep(store.episode("last"), dict.fromkeys(agents, Watchful(store)), store)
    assert played.turns == 6


async def test_an_episode_that_has_ended_is_not_played_again(store: Store) -> None:
    agent = Watchful(store)
    episode, agents = begun(store, agent)
    played = await play_and_keep(episode, agents, store)
    assert await play_and_keep(store.episode("last"), agents, store) == played
    assert len(agent.kept) == 6


async def test_an_agents_own_failure_is_an_end_and_no_interruption(store: Store) -> None:
    episode, agents = begun(store, LLMAgent(Replies("no", "no")))
    played = await play_and_keep(episode, agents, store)
    assert played.end is not None
    assert played.end.reason == "agent_failure"
    assert store.episodes()[0].status == "finished"


async def test_every_scorecard_is_kept_and_none_for_an_unfinished_episode(store: Store) -> None:
    episode, agents = begun(store, LLMAgent(Replies(reply())))
    judge = LLMJudge(scripted("demo"))
    with pytest.raises(UnfinishedEpisode):
        await judge_and_keep(episode, judge, store)
    assert store.scorecards(episode.id) == ()
    played = await play_and_keep(episode, agents, store)
    cards = [await judge_and_keep(played, judge, store) for _ in range(2)]
    assert store.scorecards(episode.id) == tuple(cards)
    assert [card.repeat for card in cards] == [0, 1]
    assert {store.rubric(card.rubric_hash) for card in cards} == {sotopia()}
    assert bare(store.episode(episode.id)) == bare(played)


async def test_a_judge_that_cannot_be_asked_leaves_no_scorecard(store: Store) -> None:
    episode, agents = begun(store, LLMAgent(Replies(reply())))
    played = await play_and_keep(episode, agents, store)
    with pytest.raises(Unreachable):
        await judge_and_keep(played, LLMJudge(Replies(Unreachable("gone"))), store)
    assert store.scorecards(episode.id) == ()
