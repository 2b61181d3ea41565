"""The episode loop: reproducible, continued from anywhere as if played through, and honest when a model cannot be asked."""

import gc
import weakref
from collections.abc import Mapping, Sequence

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from worlds import LEAVE, NOTHING, Replies, bare, bare_events, dice_agents, reply, roll, say, task, tasks

from comity import simulate
from comity.agents.llm import LLMAgent
from comity.agents.protocol import Agent, Reply
from comity.agents.scripted import ScriptedAgent, lines
from comity.models.protocol import ModelError, Overloaded, Unreachable
from comity.models.scripted import scripted
from comity.simulate import new_episode, play
from comity.world.actions import Action
from comity.world.environment import End, EndReason, Limits
from comity.world.episodes import Episode, Policy, replay
from comity.world.events import Event, Failure, Trace
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import SeatView
from comity.world.visibility import Mode

pytestmark = pytest.mark.anyio
modes = st.sampled_from(["asymmetric", "omniscient"])


class Sink:
    """Keeps what it hears, turn by turn."""

    def __init__(self) -> None:
        self.heard: list[list[Event]] = []

    async def __call__(self, events: Sequence[Event]) -> None:
        self.heard.append(list(events))

    @property
    def events(self) -> list[Event]:
        return [event for turn in self.heard for event in turn]


class Faulty:
    """Acts like another agent but raises once, in one turn of one seat."""

    def __init__(self, inner: Agent, turn: int, seat: str, error: Exception) -> None:
        self._inner, self._when, self._error = inner, (turn, seat), error

    @property
    def policy(self) -> Policy:
        return self._inner.policy

    async def act(self, view: SeatView) -> Reply:
        if (view.turn, view.me.seat) == self._when:
            raise self._error
        return await self._inner.act(view)


def both(agent: Agent) -> dict[str, Agent]:
    return {"a": agent, "b": agent}


def does(*actions: Action) -> ScriptedAgent:
    """Does these actions, one each time its seat acts."""
    return ScriptedAgent(lambda view: actions[sum(seen.seat == view.me.seat for seen in view.history)])


async def test_an_episode_records_everything_it_depends_on() -> None:
    agents: dict[str, Agent] = {
        "a": LLMAgent(scripted("demo")),
        "b": ScriptedAgent(lines(["hi"]), name="polite"),
    }
    episode = await simulate(task(), agents, seed=7, limits=Limits(turns=9))
    assert (episode.seed, episode.mode, episode.lite, episode.limits.turns) == (7, "asymmetric", False, 9)
    assert episode.policies["a"].model == "scripted:demo"
    assert episode.policies["a"].prompt_hash is not None
    assert episode.policies["b"] == Policy(agent="polite")
    assert episode.finished_at is not None
    assert episode.started_at <= episode.finished_at
    assert all(event.trace.at is not None for event in episode.events)


@pytest.mark.parametrize(
    ("agents", "limits", "end"),
    [
        (both(ScriptedAgent(lambda view: "hello")), Limits(turns=4), End(reason=EndReason.TURN_LIMIT)),
        (both(does(say(), LEAVE)), Limits(), End(reason=EndReason.TOO_FEW_LEFT, seat="a")),
        (both(does(NOTHING)), Limits(), End(reason=EndReason.STALE)),
        ({"a": does(say()), "b": LLMAgent(scripted("silent"))}, None, End(reason=EndReason.AGENT_FAILURE, seat="b")),
        ({"a": does(say("x" * 40_000)), "b": does()}, None, End(reason=EndReason.AGENT_FAILURE, seat="a")),
    ],
)
async def test_every_end_has_a_named_reason(agents: Mapping[str, Agent], limits: Limits | None, end: End) -> None:
    assert (await simulate(task(), agents, limits=limits)).end == end


async def test_without_limits_an_episode_lasts_20_turns() -> None:
    assert (await simulate(task(), both(ScriptedAgent(lambda view: "hello")))).turns == 20


async def test_an_illegal_action_is_its_agents_failure() -> None:
    episode = await simulate(task(), {"a": does(say("psst", "b")), "b": does()})
    assert episode.events[-1].failure == Failure(kind="illegal_action", detail="private messages are not possible here")


@pytest.mark.parametrize("seats", ["", "a", "abc", "ax"])
async def test_there_is_one_agent_for_each_seat(seats: str) -> None:
    with pytest.raises(ValueError, match="one agent for each of the seats a, b"):
        await simulate(task(), {seat: does() for seat in seats})


async def test_in_script_mode_one_writer_writes_every_part() -> None:
    with pytest.raises(ValueError, match="give every seat the same agent"):
        await simulate(task(), {"a": does(say()), "b": does(say())}, mode="script")
    episode = await simulate(task(), both(ScriptedAgent(roll)), mode="script")
    assert episode.mode == "script"


@given(of=tasks(), seed=st.integers(0, 2**40), mode=modes, llm=st.booleans())
@settings(max_examples=40)
def test_the_same_seed_and_task_give_the_same_episode(of: Task, seed: int, mode: Mode, llm: bool) -> None:
    async def play() -> Episode:
        return await simulate(of, dice_agents(of, llm=llm), seed=seed, mode=mode)

    assert bare(anyio.run(play)) == bare(anyio.run(play))


async def test_another_seed_gives_another_episode() -> None:
    played = [bare(await simulate(task(), dice_agents(task()), seed=seed)) for seed in range(5)]
    assert len({repr(episode["events"]) for episode in played}) == 5


@pytest.mark.parametrize("order", TurnOrder)
async def test_cuts_fall_between_and_inside_turns(order: TurnOrder) -> None:
    """The worlds in which cuts are tried are long enough, and some end by failure, so that the next test means something."""
    of = task("Ana", "Ben", "Cai", order=order, turns=8)
    lengths = [len((await simulate(of, dice_agents(of), seed=seed)).events) for seed in range(10)]
    assert max(lengths) >= 6
    ends = {(await simulate(of, dice_agents(of, llm=True), seed=seed)).end for seed in range(20)}
    assert {end.reason for end in ends if end} >= {EndReason.AGENT_FAILURE, EndReason.TURN_LIMIT}


@given(of=tasks(most_seats=3), seed=st.integers(0, 2**40), mode=modes, llm=st.booleans())
@example(of=task("Ana", "Ben", "Cai", order=TurnOrder.SIMULTANEOUS, turns=6), seed=1, mode="asymmetric", llm=True)
@example(of=task("Ana", "Ana", order=TurnOrder.RANDOM, turns=8), seed=2, mode="omniscient", llm=True)
@settings(max_examples=60)
def test_an_episode_cut_at_any_event_continues_as_if_played_through(of: Task, seed: int, mode: Mode, llm: bool) -> None:
    async def check() -> None:
        agents = dice_agents(of, llm=llm)
        whole = await simulate(of, agents, seed=seed, mode=mode)
        for cut in range(len(whole.events) + 1):
            sink = Sink()
            again = await simulate(of, agents, seed=seed, mode=mode, so_far=whole.events[:cut], sink=sink)
            assert bare(again) == bare(whole)
            assert bare_events(sink.events) == bare_events(whole.events[cut:])
            assert again.events[:cut] == whole.events[:cut]

    anyio.run(check)


async def test_a_whole_episode_given_as_so_far_asks_nobody() -> None:
    whole = await simulate(task(), dice_agents(task()), seed=3)
    model = Replies(AssertionError("was asked"))
    again = await simulate(task(), both(LLMAgent(model)), seed=3, so_far=whole.events)
    assert (again.events, again.end, model.asked) == (whole.events, whole.end, [])


def speaks(*words: str) -> tuple[Event, ...]:
    """A round-robin log of these words."""
    return tuple(
        Event(index=at, turn=at + 1, seat="ab"[at % 2], action=say(said), audience=("a", "b"))
        for at, said in enumerate(words)
    )


@pytest.mark.parametrize(
    ("so_far", "problem"),
    [
        (speaks("x", "y", "z")[1:], "no event of 'a' in turn 1"),
        ((speaks("x")[0].model_copy(update={"seat": "b"}),), "no event of 'a' in turn 1"),
        ((speaks("x")[0].model_copy(update={"seat": "z"}),), "no event of 'a' in turn 1"),
        ((speaks("x")[0].model_copy(update={"action": say("psst", "b")}),), "private messages are not possible"),
        ((speaks("x")[0].model_copy(update={"action": LEAVE}), *speaks("x", "y")[1:]), "after the episode's end"),
        (speaks(*"uvwxyz"), "after the episode's end"),
        (speaks("x") * 2, "two events of one seat in one turn"),
        ((speaks("x")[0].model_copy(update={"audience": ("a",)}),), "other indexes or audiences in turn 1"),
        ((speaks("x")[0].model_copy(update={"index": 5}),), "other indexes or audiences in turn 1"),
    ],
)
async def test_events_that_do_not_follow_the_rules_cannot_be_continued(so_far: Sequence[Event], problem: str) -> None:
    agents = both(LLMAgent(Replies(AssertionError("was asked"))))
    with pytest.raises(ValueError, match=problem):
        await simulate(task(turns=5), agents, so_far=so_far)


@pytest.mark.parametrize("order", TurnOrder)
@pytest.mark.parametrize("error", [Unreachable("nothing answers"), Overloaded("later", 3.0)])
async def test_a_model_that_cannot_be_asked_is_nobodys_failure_and_the_episode_can_go_on(
    order: TurnOrder, error: ModelError
) -> None:
    of = task("Ana", "Ben", "Cai", order=order, turns=8)
    agents = dice_agents(of)
    whole = await simulate(of, agents, seed=3)
    broken = next(event for event in whole.events if event.turn == 3)
    sink = Sink()
    faulty = {seat: Faulty(agent, 3, broken.seat, error) for seat, agent in agents.items()}
    with pytest.raises(type(error)) as raised:
        await simulate(of, faulty, seed=3, sink=sink)
    assert raised.value is error
    assert bare_events(sink.events) == bare_events([event for event in whole.events if event.turn < 3])
    again = await simulate(of, agents, seed=3, so_far=sink.events, sink=sink)
    assert bare(again) == bare(whole)
    assert bare_events(sink.events) == bare_events(whole.events)


async def test_when_several_models_fail_in_one_turn_one_of_their_errors_is_raised() -> None:
    of = task(order=TurnOrder.SIMULTANEOUS)
    with pytest.raises(Unreachable, match="down"):
        await simulate(of, {seat: Faulty(does(), 1, seat, Unreachable("down")) for seat in "ab"})


async def test_all_seats_of_a_simultaneous_turn_are_asked_at_once() -> None:
    asked = {"a": anyio.Event(), "b": anyio.Event()}

    class Waits:
        policy = Policy(agent="waits")

        async def act(self, view: SeatView) -> Reply:
            asked[view.me.seat].set()
            for other in asked.values():
                await other.wait()
            return Reply(say())

    with anyio.fail_after(5):
        episode = await simulate(task(order=TurnOrder.SIMULTANEOUS, turns=1), both(Waits()))
    assert len(episode.events) == 2


@pytest.mark.parametrize("order", TurnOrder)
async def test_the_sink_hears_a_turn_in_one_call_before_anyone_is_asked_again(order: TurnOrder) -> None:
    told: list[str] = []

    def play(view: SeatView) -> Action:
        told.append(f"ask {view.turn}")
        return say()

    async def sink(events: Sequence[Event]) -> None:
        await anyio.lowlevel.checkpoint()
        told.append(f"heard {' '.join(str(event.turn) for event in events)}")

    of = task("Ana", "Ben", "Cai", order=order, turns=3)
    await simulate(of, {seat: ScriptedAgent(play) for seat in "abc"}, sink=sink)
    acting = 3 if order is TurnOrder.SIMULTANEOUS else 1
    assert told == [
        said for turn in ("1", "2", "3") for said in [*[f"ask {turn}"] * acting, f"heard {' '.join([turn] * acting)}"]
    ]


@pytest.mark.parametrize("order", TurnOrder)
async def test_without_traces_an_episode_is_the_same_and_the_sink_is_told_all(order: TurnOrder) -> None:
    of = task("Ana", "Ben", "Cai", order=order, turns=8)
    agents, sink = dice_agents(of, llm=True), Sink()
    whole = await simulate(of, agents, seed=4)
    begun = new_episode(of, agents, seed=4)
    lean = await play(begun, agents, (), sink, keep_traces=False)
    assert bare_events(sink.events) == bare_events(whole.events)
    assert all(event.trace == Trace() for event in lean.events)
    assert [event.untraced() for event in whole.events] == list(lean.events)
    again = await play(new_episode(of, agents, seed=4), agents, sink.events[:4], keep_traces=False)
    assert (again.events, again.end) == (lean.events, lean.end) == (lean.events, whole.end)


async def test_what_is_kept_of_an_episode_goes_with_it() -> None:
    kept: list[weakref.ref[object]] = []

    class Thing:
        """Something that can be seen to go."""

    def speak(view: SeatView) -> str:
        view.notes[view.turn] = thing = Thing()
        kept.append(weakref.ref(thing))
        assert all(ref() is not None for ref in kept)
        return "hello"

    episode = await simulate(task(), both(ScriptedAgent(speak)))
    gc.collect()
    assert episode.turns == len(kept) == 20
    assert [ref() for ref in kept] == [None] * 20


async def test_a_sink_that_fails_stops_the_episode() -> None:
    async def full(events: Sequence[Event]) -> None:
        raise OSError("disk full")

    model = Replies(reply())
    with pytest.raises(OSError, match="disk full"):
        await simulate(task(), both(LLMAgent(model)), sink=full)
    assert len(model.asked) == 1


@pytest.mark.parametrize("order", TurnOrder)
async def test_a_cancelled_episode_leaves_whole_turns_that_can_be_continued(order: TurnOrder) -> None:
    of = task("Ana", "Ben", "Cai", order=order, turns=8)
    whole = await simulate(of, dice_agents(of), seed=3)
    sink = Sink()

    class Cancels:
        policy = Policy(agent="dice")

        async def act(self, view: SeatView) -> Reply:
            if view.turn == 3:
                scope.cancel()
                await anyio.sleep_forever()
            return Reply(roll(view))

    with anyio.CancelScope() as scope:
        await simulate(of, {seat: Cancels() for seat in "abc"}, seed=3, sink=sink)
    assert scope.cancelled_caught
    assert bare_events(sink.events) == bare_events([event for event in whole.events if event.turn < 3])
    again = await simulate(of, dice_agents(of), seed=3, so_far=sink.events)
    assert bare(again) == bare(whole)


async def test_an_episode_of_which_nothing_is_played_replays_to_its_first_turn() -> None:
    episode = new_episode(task(), dice_agents(task()), seed=4, lite=True)
    assert (episode.events, episode.end, episode.finished_at) == ((), None, None)
    assert replay(episode).acting == ("a",)
    assert episode.id != new_episode(task(), dice_agents(task()), seed=4).id
