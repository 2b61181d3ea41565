"""Runs against a server that fails in every way: what each ends with, that it goes on from there, and that no score comes of a failure."""

import gc
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from chat_server import says, serving
from mock_faults import CONTENT, TRANSPORT, Content, Fault, Transport
from mock_server import MockServer, mock_server
from privacy.recording import Growth
from run.runs import Played, Result, kinds, opened, plan, results, start

from comity.library import starter
from comity.run.changes import ChangedPlan
from comity.run.execute import _rare_collections, execute
from comity.run.plan import PlanError
from comity.run.prepare import prepare
from comity.run.single import play_and_keep
from comity.store import Conflict, Store
from comity.world.environment import End, EndReason
from comity.world.record import content_hash
from comity.world.scenarios import TurnOrder

pytestmark = pytest.mark.anyio
MENDED = ("fenced", "truncated_json", "out_of_range")
"""What is read all the same, and what strikes judges alone."""
Undisturbed = Callable[..., Awaitable[dict[str, Result]]]


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with mock_server() as made:
        yield made


@pytest.fixture(autouse=True)
def healthy(server: MockServer) -> Iterator[None]:
    server.set(faults=(), latency=0.0, capacity=None)
    server.forget()
    yield
    server.set(faults=(), latency=0.0, capacity=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def undisturbed(server: MockServer, tmp_path: Path, prompts_only_grow: Growth) -> Undisturbed:
    """Plays the plan of these fields in a store of its own, with nothing in its way, and gives what came of it."""

    async def play(**fields: object) -> dict[str, Result]:
        with opened(tmp_path, "undisturbed.db") as store:
            await start(plan(server.spec, **fields), store)
            prompts_only_grow.anew()
            return results(store)

    return play


def judged(server: MockServer) -> dict[str, object]:
    return {"judges": [{"model": server.spec}], "repeats": 2}


def scores(store: Store) -> list[int | None]:
    cards = [card for episode in kinds(store) for card in store.scorecards(episode)]
    return [score.score for card in cards for seat in card.scores.values() for score in seat.values()]


async def test_a_run_plays_and_judges_every_episode_and_starting_it_again_asks_nobody(
    server: MockServer, store: Store
) -> None:
    played = await start(plan(server.spec, **judged(server)), store)
    assert (played.progress.done, played.progress.left) == (4, 0)
    assert played.progress.turns == 16
    assert len(scores(store)) == 4 * 2 * 7
    assert None not in scores(store)
    calls = server.counts().calls
    assert calls == 4 * (4 + 2)
    again = await start(plan(server.spec, **judged(server)), store)
    assert (again.progress.before, again.progress.done, again.progress.left) == (4, 0, 0)
    assert server.counts().calls == calls


async def test_more_repeats_and_judges_are_played_beside_what_is_there(server: MockServer, store: Store) -> None:
    await start(plan(server.spec), store)
    before = results(store)
    server.forget()
    played = await start(plan(server.spec, **judged(server)), store)
    assert played.prepared.added == 2
    assert server.counts().calls == 2 * 4 + 4 * 2
    after = results(store)
    assert all(after[episode][:2] == log[:2] for episode, log in before.items())
    assert len(scores(store)) == 4 * 2 * 7


async def test_a_judge_reads_in_both_orders_without_names_beside_what_is_there(
    server: MockServer, store: Store
) -> None:
    await start(plan(server.spec, judges=[{"model": server.spec}]), store)
    server.forget()
    both = {"model": server.spec, "mask_names": True, "swap_seats": True, "repeats": 2}
    wanted = plan(server.spec, judges=[{"model": server.spec}, both])
    foreseen = prepare(wanted, store, Path())
    assert foreseen.estimate().calls == 2 * (4 + 5 * 2), "an episode that lacks a reading is counted whole"
    await foreseen.aclose()
    played = await start(wanted, store)
    assert server.counts().calls == 2 * 4 * 2
    cards = [card for episode in kinds(store) for card in store.scorecards(episode)]
    read = Counter(((card.judge.style or "").partition("/")[2], card.repeat) for card in cards)
    assert read == dict.fromkeys(
        [("", 0), ("masked", 0), ("masked", 1), ("masked/swapped", 0), ("masked/swapped", 1)], 2
    )
    tasks = {job.episode: content_hash(job.task) for job in played.prepared.jobs}
    assert {card.episode: card.task for card in cards} == tasks
    digest = hashlib.sha256(json.dumps(sorted(tasks.values())).encode()).hexdigest()
    assert {card.task_set for card in cards} == {f"library:{digest[:12]}"}
    assert {seat for card in cards for seat in card.players.values()} == {
        content_hash(policy) for policy in played.prepared.players.policies.values()
    }
    with pytest.raises(ChangedPlan, match="a judge of it is gone, or reads otherwise"):
        await start(plan(server.spec, judges=[{**both, "mask_names": False}, {"model": server.spec}]), store)


async def test_judges_of_a_players_own_family_are_named(server: MockServer, store: Store) -> None:
    def of(model: str) -> str:
        return f"{server.spec.partition('#')[0]}#{model}"

    policies = {"mine": {"model": of("qwen2.5")}, "base": {"model": of("gpt-4o")}, "idle": {"model": of("qwq-32b")}}
    judges = [{"model": of("Qwen/Qwen3-8B")}, {"model": of("claude-3-opus")}]
    wanted = plan(server.spec, policies=policies, evaluated=["mine"], partners=["base"], judges=judges)
    prepared = prepare(wanted, store, Path())
    await prepared.aclose()
    assert prepared.kin == {of("Qwen/Qwen3-8B"): ("mine",)}


async def test_a_plan_that_lacks_what_the_run_has_is_refused_and_changes_nothing(
    server: MockServer, store: Store
) -> None:
    await start(plan(server.spec, repeats=2), store)
    before = store.run("test")
    with pytest.raises(ChangedPlan, match=r"(?s)2 of its 4 episodes are no part of it.*repeats: was 2, is 1"):
        await start(plan(server.spec), store)
    assert store.run("test") == before


@pytest.mark.parametrize("kind", TRANSPORT)
async def test_faults_of_the_infrastructure_that_pass_leave_no_trace_in_the_results(
    server: MockServer, store: Store, undisturbed: Undisturbed, kind: Transport
) -> None:
    expected = await undisturbed(**judged(server))
    server.set(faults=(Fault(kind, rate=0.25, seed=3),))
    fast = {"timeouts": {"call": 0.4}} if kind == "hang" else {}
    played = await start(plan(server.spec, **judged(server), **fast), store)
    assert server.counts().faults.get(kind, 0) > 0
    assert played.progress.complete
    assert results(store) == expected


@pytest.mark.parametrize("kind", TRANSPORT)
async def test_a_server_that_stays_broken_ends_in_infrastructure_and_in_no_score(
    server: MockServer, store: Store, undisturbed: Undisturbed, kind: Transport
) -> None:
    expected = await undisturbed(**judged(server))
    server.set(faults=(Fault(kind),))
    fast = {"timeouts": {"call": 0.2}, "patience": 0.5, "replays": 0, "retries": {"attempts": 2, "wait_initial": 0.01}}
    played = await start(plan(server.spec, **judged(server), **fast), store)
    assert not played.progress.complete
    assert played.progress.failed == {"infrastructure": 4}
    assert set(kinds(store).values()) == {"infrastructure"}
    assert scores(store) == []
    assert all(store.episode(episode).events == () for episode in kinds(store))
    server.set(faults=())
    await start(plan(server.spec, **judged(server)), store)
    assert results(store) == expected
    assert set(kinds(store).values()) == {None}


@pytest.mark.parametrize("kind", [kind for kind in CONTENT if kind not in MENDED])
async def test_replies_that_cannot_be_used_are_the_agents_failure_which_stands_unscored(
    server: MockServer, store: Store, kind: Content
) -> None:
    server.set(faults=(Fault(kind, only="action"),))
    played = await start(plan(server.spec, **judged(server)), store)
    assert played.progress.ended == {EndReason.AGENT_FAILURE: 4}
    assert played.progress.complete
    assert scores(store) == [None] * (4 * 2 * 7)
    server.set(faults=())
    server.forget()
    again = await start(plan(server.spec, **judged(server)), store)
    assert again.progress.complete
    assert server.counts().calls == 0, "an agent's own failure was played again"


async def test_what_had_to_be_mended_of_a_reply_is_counted(server: MockServer, store: Store) -> None:
    server.set(faults=(Fault("truncated_json", only="action"),))
    await start(plan(server.spec), store)
    episodes = [store.episode(episode) for episode in kinds(store)]
    outcomes = {call.outcome for episode in episodes for event in episode.events for call in event.trace.calls}
    assert outcomes == {"repaired"}


async def test_json_in_a_fence_with_prose_around_it_is_read(
    server: MockServer, store: Store, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed(**judged(server))
    server.set(faults=(Fault("fenced"),))
    await start(plan(server.spec, **judged(server)), store)
    said = {e: log.did for e, log in results(store).items()}
    assert said == {e: log.did for e, log in expected.items()}
    assert None not in scores(store)


@pytest.mark.parametrize("kind", CONTENT)
async def test_a_judge_that_cannot_be_read_gives_nulls_with_a_cause_and_never_a_number(
    server: MockServer, store: Store, kind: Content
) -> None:
    server.set(faults=(Fault(kind, only="scorecard"),))
    played = await start(plan(server.spec, **judged(server)), store)
    assert played.progress.ended == {EndReason.TURN_LIMIT: 4}
    if kind == "fenced":
        assert None not in scores(store)
        return
    assert set(scores(store)) == {None} or kind == "truncated_json"  # which is read as far as it goes
    assert None in scores(store)
    assert played.progress.unscored == 4
    cards = [card for episode in kinds(store) for card in store.scorecards(episode)]
    assert all(
        score.cause or score.score is not None
        for card in cards
        for seat in card.scores.values()
        for score in seat.values()
    )


async def test_a_judge_whose_server_fails_leaves_the_episode_finished_and_unjudged_until_the_next_start(
    server: MockServer, store: Store, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed(**judged(server))
    server.set(faults=(Fault("500", only="scorecard"),))
    fast = {"patience": 0.5, "replays": 0, "retries": {"attempts": 2, "wait_initial": 0.01}}
    played = await start(plan(server.spec, **judged(server), **fast), store)
    assert played.progress.failed == {"judge": 4}
    assert {stands.end for stands in store.standing("test")} == {EndReason.TURN_LIMIT}
    assert set(kinds(store).values()) == {"judge"}
    assert scores(store) == []
    server.set(faults=())
    server.forget()
    await start(plan(server.spec, **judged(server)), store)
    assert server.counts().calls == 4 * 2, "only the judge is asked"
    assert results(store) == expected
    assert set(kinds(store).values()) == {None}


async def test_a_server_that_dies_and_returns_pauses_the_run_and_loses_nothing(
    server: MockServer, store: Store, undisturbed: Undisturbed
) -> None:
    more = {**judged(server), "repeats": 20}
    expected = await undisturbed(**more)
    server.set(latency=0.05)
    server.forget()
    played: list[Played] = []
    async with anyio.create_task_group() as group:

        async def play() -> None:
            played.append(await start(plan(server.spec, **more), store))
            group.cancel_scope.cancel()

        group.start_soon(play)
        await server.until(lambda counts: counts.calls > 60)
        server.go_down(1.5)
        await anyio.sleep_forever()
    assert played[0].progress.complete
    assert not played[0].progress.failed
    assert results(store) == expected
    assert server.counts().calls < 40 * 6 + 200, "the dead server was asked again and again"


async def test_a_refused_key_stops_the_run_and_is_said(store: Store) -> None:
    async with serving() as peer:
        peer.answer(says({"error": {"message": "no such key"}}, 401))
        played = await start(plan(f"{peer.url}#m", repeats=50, in_flight=4), store)
        assert "AuthenticationFailed" in played.progress.stopped
        assert len(peer.paths) <= 4
    assert scores(store) == []


async def test_requests_that_are_all_refused_stop_the_run_before_every_episode_is_burnt(store: Store) -> None:
    async with serving() as peer:
        peer.answer(says({"error": {"message": "content policy"}}, 400))
        played = await start(plan(f"{peer.url}#m", repeats=200, in_flight=8, replays=0), store)
        assert "in a row" in played.progress.stopped
        assert len(peer.paths) < 100
    assert not played.progress.complete


async def test_a_budget_stops_the_run_cleanly_and_a_larger_one_goes_on(
    server: MockServer, store: Store, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed(**judged(server))
    server.forget()
    played = await start(plan(server.spec, **judged(server), budget={"calls": 10}), store)
    assert server.counts().calls == 10
    assert "budget of 10 calls is spent" in played.progress.stopped
    assert set(kinds(store).values()) <= {"budget", None}
    again = await start(plan(server.spec, **judged(server), budget={"calls": 10}), store)
    assert server.counts().calls == 10, "what earlier starts spent counts"
    assert not again.progress.complete
    whole = await start(plan(server.spec, **judged(server), budget={"calls": 100}), store)
    assert whole.progress.complete
    assert results(store) == expected


async def test_a_run_that_is_stopped_says_cancelled_and_goes_on_from_its_last_turns(
    server: MockServer, store: Store, undisturbed: Undisturbed
) -> None:
    more = {**judged(server), "repeats": 10}
    expected = await undisturbed(**more)
    server.set(latency=0.05)
    server.forget()
    stop = anyio.Event()
    played: list[Played] = []
    async with anyio.create_task_group() as group:

        async def play() -> None:
            played.append(await start(plan(server.spec, **more, in_flight=8), store, stop=stop))

        group.start_soon(play)
        await server.until(lambda counts: counts.calls > 30)
        stop.set()
    assert played[0].progress.stopped == "stopped by the user"
    assert "cancelled" in kinds(store).values()
    assert not any(stands.held for stands in store.standing("test"))
    server.set(latency=0.0)
    whole = await start(plan(server.spec, **more), store)
    assert whole.progress.complete
    assert results(store) == expected


async def test_two_processes_share_a_run_and_no_episode_is_played_twice(
    server: MockServer, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    more = {**judged(server), "repeats": 10}
    expected = await undisturbed(**more)
    server.forget()
    server.set(latency=0.02)
    done: list[int] = []
    with opened(tmp_path) as one, opened(tmp_path) as other:
        async with anyio.create_task_group() as group:

            async def work(store: Store) -> None:
                done.append((await start(plan(server.spec, **more, in_flight=4), store)).progress.done)

            group.start_soon(work, one)
            group.start_soon(work, other)
        assert results(one) == expected
    assert sum(done) == 20
    assert min(done) > 0
    assert server.counts().calls == 20 * 6


async def test_what_the_server_refuses_for_now_is_waited_for(
    server: MockServer, store: Store, undisturbed: Undisturbed
) -> None:
    more = {"repeats": 30}
    expected = await undisturbed(**more)
    server.set(capacity=5, latency=0.02)
    played = await start(plan(server.spec, **more), store)
    assert played.progress.complete
    assert server.counts().refused > 0
    assert results(store) == expected


async def test_remembered_replies_cost_no_call_and_give_the_same_episodes(
    server: MockServer, tmp_path: Path, prompts_only_grow: Growth
) -> None:
    cached = {**judged(server), "cache": {"use": True, "path": str(tmp_path / "cache.db")}}
    with opened(tmp_path, "one.db") as store:
        await start(plan(server.spec, **cached), store)
        first = results(store)
    prompts_only_grow.anew()
    server.forget()
    with opened(tmp_path, "two.db") as store:
        played = await start(plan(server.spec, **cached), store)
        assert played.progress.complete
        assert server.counts().calls == 0
        assert played.progress.spent().calls == 0
        again = store.episode(store.members("test")[0].episode)
        assert all(call.from_cache for event in again.events for call in event.trace.calls)
        assert [log.did for log in results(store).values()] == [log.did for log in first.values()]


async def test_a_damaged_episode_is_counted_and_stops_no_other(
    server: MockServer, store: Store, tmp_path: Path
) -> None:
    more = {**judged(server), "repeats": 4}
    await start(plan(server.spec, **more, budget={"calls": 30}), store)
    broken = next(each.episode for each in store.standing("test") if each.turns > 1 and each.end is None)
    with sqlite3.connect(tmp_path / "run.db") as raw:
        raw.execute("DELETE FROM events WHERE episode = ? AND position = 0", (broken,))
    played = await start(plan(server.spec, **more, budget={"calls": 1000}), store)
    assert played.progress.failed == {"infrastructure": 1}
    assert any("damaged" in cause for cause in played.progress.causes)
    assert played.progress.left == 1
    assert played.progress.before + played.progress.done == 7


async def test_a_log_that_the_rules_do_not_allow_is_set_aside_and_stops_no_other(
    server: MockServer, store: Store, tmp_path: Path
) -> None:
    more = {"repeats": 4}
    await start(plan(server.spec, **more, budget={"calls": 22}), store)
    broken = next(each.episode for each in store.standing("test") if each.turns > 1 and each.end is None)
    with sqlite3.connect(tmp_path / "run.db") as raw:
        raw.execute("UPDATE events SET turn = 9 WHERE episode = ? AND position = 0", (broken,))
    played = await start(plan(server.spec, **more, budget={"calls": 1000}), store)
    assert played.progress.left == 1
    assert played.progress.failed == {"infrastructure": 1}
    assert kinds(store)[broken] == "infrastructure"


async def test_absurd_counts_of_tokens_are_not_taken_for_counts(store: Store) -> None:
    reply = {"choices": [{"message": {"content": spoken()}, "finish_reason": "stop"}]}
    async with serving() as peer:
        for absurd in (10**20, -1_000_000, True):
            peer.answer(says({**reply, "usage": {"prompt_tokens": absurd, "completion_tokens": 5}}))
            played = await start(plan(f"{peer.url}#m", name=f"absurd{absurd}", seeds=[int(absurd) % 97]), store)
            assert played.progress.complete
            assert played.progress.spent().prompt_tokens == 0


def spoken() -> str:
    return '{"action_type": "speak", "argument": "hello"}'


async def test_a_server_that_is_out_leaves_the_episodes_of_the_others_going(server: MockServer, store: Store) -> None:
    with mock_server() as other:
        other.set(faults=(Fault("reset"),))
        wanted = plan(
            server.spec,
            policies={"dead": {"model": other.spec}, "alive": {"model": server.spec}},
            repeats=10,
            in_flight=4,
            patience=2.0,
            replays=0,
        )
        played = await start(wanted, store)
        assert not played.progress.complete
        alive = [member for member in store.members("test") if set(member.seats.values()) == {"alive"}]
        stands = {each.episode: each for each in store.standing("test")}
        assert len(alive) == 20
        assert all(stands[member.episode].end is EndReason.TURN_LIMIT for member in alive)
        other.set(faults=())
        assert (await start(wanted, store)).progress.complete


async def test_prompts_that_a_server_refuses_one_by_one_do_not_stop_the_rest(store: Store) -> None:
    async def fickle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body["seed"] % 4 == 0:
            return web.json_response({"error": {"message": "content policy"}}, status=400)
        return web.json_response({"choices": [{"message": {"content": spoken()}, "finish_reason": "stop"}]})

    async with serving() as peer:
        peer.answer(fickle)
        played = await start(plan(f"{peer.url}#m", repeats=100, in_flight=100, limits={"turns": 2}), store)
        assert played.progress.stopped == ""
        assert played.progress.done + played.progress.failed["infrastructure"] == 200
        assert 40 < played.progress.failed["infrastructure"] < 160
        first = len(peer.paths)
        assert first <= 400, "a prompt that was refused was sent again in the same start"


async def test_another_that_writes_without_a_claim_does_not_stop_the_run(
    server: MockServer, store: Store, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    more = {**judged(server), "repeats": 5}
    expected = await undisturbed(**more)
    server.set(latency=0.1)
    server.forget()
    async with anyio.create_task_group() as group:
        played: list[Played] = []

        async def play() -> None:
            played.append(await start(plan(server.spec, **more), store))

        group.start_soon(play)
        await server.until(lambda counts: counts.calls > 15)
        with opened(tmp_path) as other:
            some = next(each.episode for each in other.standing("test") if each.end is None)
            with pytest.raises(Conflict, match="is being played by a run at the moment"):
                await play_and_keep(other.episode(some), {}, other)
            ending = End(reason=EndReason.STALE)
            other.finish(some, ending, datetime.now(UTC), None)  # rude: nobody asked whose it is
    assert played[0].progress.complete
    after = results(store)
    assert after.pop(some).end == ending
    expected.pop(some)
    assert after == expected


async def test_two_policies_that_are_one_are_refused(server: MockServer, store: Store) -> None:
    twins = {"a": {"model": server.spec}, "b": {"model": server.spec}}
    with pytest.raises(PlanError, match="policies a and b are the same"):
        await start(plan(server.spec, policies=twins), store)


async def test_a_share_with_no_jobs_of_its_own_does_the_others(server: MockServer, store: Store) -> None:
    prepared = prepare(plan(server.spec), store, Path())
    prepared.begin(store)
    progress = await execute(prepared, store, share=(3, 4))
    await prepared.aclose()
    assert progress.complete
    assert server.counts().calls == 2 * 4


async def test_what_was_spent_is_kept_with_what_it_paid_for(server: MockServer, store: Store) -> None:
    await start(plan(server.spec, **judged(server)), store)
    events = [event for episode in kinds(store) for event in store.episode(episode).events]
    calls = sum(len(event.trace.calls) for event in events) + 4 * 2
    assert sum(each.calls for each in store.spent("test").values()) == calls == server.counts().calls


async def test_the_estimate_counts_a_call_a_seat_where_all_act_at_once(server: MockServer, store: Store) -> None:
    simultaneous = [t.id for t in starter().tasks if t.scenario.turn_order is TurnOrder.SIMULTANEOUS]
    assert simultaneous
    wanted = plan(server.spec, tasks={"tasks": simultaneous})
    foreseen = prepare(wanted, store, Path()).estimate()
    await start(wanted, store)
    assert server.counts().calls <= foreseen.calls
    assert foreseen.calls > foreseen.turns


async def test_two_runs_that_contain_the_same_episodes_share_them(server: MockServer, store: Store) -> None:
    await start(plan(server.spec, **judged(server)), store)
    server.forget()
    played = await start(plan(server.spec, **judged(server), name="other"), store)
    assert (played.progress.before, played.progress.complete) == (4, True)
    assert server.counts().calls == 0
    assert results(store, "other") == results(store)


async def test_what_earlier_starts_have_spent_is_told_beside_what_this_one_has(
    server: MockServer, store: Store
) -> None:
    first = await start(plan(server.spec), store)
    second = await start(plan(server.spec, repeats=2), store)
    assert second.progress.spent_else == first.progress.spent()
    assert second.progress.spent().calls == 8


async def test_what_a_stopped_run_would_have_taken_up_again_is_counted(store: Store) -> None:
    async with serving() as peer:
        peer.answer(
            says({"error": {"message": "broken"}}, 500), *[says({"error": {"message": "no such key"}}, 401)] * 9
        )
        once = {"retries": {"attempts": 1}}
        played = await start(plan(f"{peer.url}#m", repeats=2, in_flight=1, **once), store)
    assert "AuthenticationFailed" in played.progress.stopped
    assert played.progress.failed == {"infrastructure": 2}, "the one that a 500 stopped, and the one that was refused"


def test_the_collector_is_spared_what_is_there_and_left_as_it_was_found() -> None:
    found, before = gc.get_threshold(), (700, 10, 10)
    gc.set_threshold(*before)
    try:
        for set_aside in (gc.freeze, gc.unfreeze):
            set_aside()
            frozen = gc.get_freeze_count() > 0
            assert frozen is (set_aside is gc.freeze)
            with _rare_collections():
                assert gc.get_freeze_count()
                assert gc.get_threshold() > before
            assert (gc.get_freeze_count() > 0) is frozen
            assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*found)
        gc.collect()
        gc.freeze()
