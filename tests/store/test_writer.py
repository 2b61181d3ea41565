"""The writer: what many write at once is committed together, each hears of its own, and nothing that was queued is lost."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from store_records import END, GONE, RUBRIC, START, episode, event, failed, scorecard

from comity.store import Claim, Conflict, Fenced, NotFound, Spending, Store, StoreError, judge_key, this_process
from comity.store.writer import Writer
from comity.world.events import Event
from comity.world.scorecards import Scorecard

from .conftest import Place

pytestmark = pytest.mark.anyio
PATIENCE = 10.0


@pytest.fixture
def other(store: Store) -> str:
    worker = this_process("r1")
    store.renew(worker, 60)
    return worker.id


async def claims(writer: Writer, *ids: str) -> list[Claim]:
    return [one.claim for one in await writer.claim([episode(id_) for id_ in ids])]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what shows in the database alone."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.01)


def workers(place: Place) -> list[object]:
    return [id_ for (id_,) in place.execute("SELECT id FROM workers")]


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many writes were committed together each time."""
    found: list[int] = []
    together = Writer._store_all

    def counted(self: Writer, store: Store, entries: Sequence[Any], doubtful: bool) -> None:
        found.append(len(entries))
        together(self, store, entries, doubtful)

    monkeypatch.setattr(Writer, "_store_all", counted)
    return found


async def test_what_returned_is_stored(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        await writer.append(claim, [event(0), event(1)])
        assert store.episode("e1").events == (event(0), event(1))
        await writer.append(claim, [])
        await writer.append(claim, [event(2)])
        await writer.finish(claim, END, START, None)
        assert (store.episode("e1").end, store.episode("e1").finished_at) == (END, START)
        await writer.add_scorecard(claim, scorecard(), RUBRIC)
        assert store.scorecards("e1") == (scorecard(),)
    assert store.episode("e1").events == (event(0), event(1), event(2))


async def test_what_many_write_at_once_is_committed_together(store: Store, commits: list[int]) -> None:
    ids = [f"e{number}" for number in range(100)]
    async with Writer.open(store, run="r1") as writer:
        held = await claims(writer, *ids)
        commits.clear()

        async def play(claim: Claim) -> None:
            for index in range(5):
                await writer.append(claim, [event(index)])
            await writer.finish(claim, END, START, None)

        async with anyio.create_task_group() as group:
            for claim in held:
                group.start_soon(play, claim)
        assert sum(commits) == 600
        assert len(commits) <= 12
    assert all(store.episode(id_).events == tuple(event(index) for index in range(5)) for id_ in ids)
    assert all(store.episode(id_).end == END for id_ in ids)


async def test_only_who_is_refused_hears_of_it(store: Store) -> None:
    heard: dict[str, str] = {}

    async with Writer.open(store, run="r1") as writer:
        held = await claims(writer, "e0", "e1", "e2", "e3")
        await writer.append(held[2], [event(0, "before")])

        async def add(claim: Claim, one: Event) -> None:
            try:
                await writer.append(claim, [one])
            except StoreError as error:
                heard[claim.episode] = f"{type(error).__name__}: {error}"

        async with anyio.create_task_group() as group:
            for claim in (held[0], held[2], held[3], Claim("e1", 7), Claim("nobody", 1)):
                group.start_soon(add, claim, event(0, claim.episode))
    assert set(heard) == {"e1", "e2", "nobody"}
    assert heard["e1"].startswith("Fenced: episode 'e1' was taken over by another worker")
    assert heard["e2"].startswith("Conflict: episode 'e2' already has an event 0")
    assert heard["nobody"].startswith("NotFound")
    words = {
        id_: [e.action.argument for e in store.episode(id_).events if e.action] for id_ in ("e0", "e1", "e2", "e3")
    }
    assert words == {"e0": ["e0"], "e1": [], "e2": ["before"], "e3": ["e3"]}


async def test_writes_to_one_episode_keep_their_order_in_one_commit(
    store: Store, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Writer, "_store_one")
    async with Writer.open(store, run="r1") as writer:
        (claim, _) = await claims(writer, "e1", "e2")
        commits.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(writer.append, claim, [event(0)])
            group.start_soon(writer.append, claim, [event(1)])
            group.start_soon(writer.finish, claim, END, START, None)
            group.start_soon(writer.add_scorecard, claim, scorecard(), RUBRIC)
            group.start_soon(writer.release, [claim])
        assert commits == [5]
        assert [one.claim for one in await writer.claim([episode("e1")], frozenset({"another"}))] == [Claim("e1", 2)]
    assert (store.episode("e1").events, store.episode("e1").end) == ((event(0), event(1)), END)


async def test_a_failed_agent_is_said_on_the_episode(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        await writer.append(claim, [event(0), failed(1)])
    assert store.episodes()[0].failure == "context_length"


async def test_a_gap_is_refused_at_once(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        with pytest.raises(Conflict, match="without a gap"):
            await writer.append(claim, [event(0), event(2)])
        with pytest.raises(Conflict, match="the next is event 0, not 3"):
            await writer.append(claim, [event(3)])


async def test_a_scorecard_of_another_episode_or_rubric_is_refused(store: Store) -> None:
    other_rubric = RUBRIC.model_copy(update={"version": 2})
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        with pytest.raises(ValueError, match="is of episode 'e2'"):
            await writer.add_scorecard(claim, scorecard("c1", "e2"), RUBRIC)
        with pytest.raises(ValueError, match="was judged by rubric"):
            await writer.add_scorecard(claim, scorecard("c1"), other_rubric)
        await writer.add_scorecard(claim, scorecard("c1"), RUBRIC)
        with pytest.raises(Conflict, match="already has this judge's reading"):
            await writer.add_scorecard(claim, scorecard("c2"), RUBRIC)
    assert [card.id for card in store.scorecards("e1")] == ["c1"]


async def test_of_two_readings_by_one_judge_at_once_one_is_kept(store: Store) -> None:
    refused: list[str] = []
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")

        async def keep(card: Scorecard) -> None:
            try:
                await writer.add_scorecard(claim, card, RUBRIC)
            except Conflict:
                refused.append(card.id)

        async with anyio.create_task_group() as group:
            for id_ in ("c1", "c2"):
                group.start_soon(keep, scorecard(id_))
    assert [card.id for card in store.scorecards("e1")] + refused == ["c1", "c2"]


async def test_an_interruption_is_said_and_frees_the_episode(store: Store, other: str) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        await writer.interrupt(claim, GONE)
        assert store.episode("e1").interrupted == GONE
        (taken,) = store.claim(other, [episode("e1")])
        assert taken.claim == Claim("e1", 2)
        with pytest.raises(Fenced):
            await writer.append(claim, [event(0)])


async def test_the_judging_of_a_finished_episode_can_be_interrupted_and_a_scorecard_ends_that(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        await writer.finish(claim, END, START, None)
        await writer.interrupt(claim, GONE.model_copy(update={"kind": "judge"}))
        assert (store.episodes()[0].status, store.episode("e1").end) == ("finished", END)
        why = store.episode("e1").interrupted
        assert why is not None
        assert why.kind == "judge"
        key = judge_key(scorecard().judge, scorecard().rubric_hash)
        (again,) = await writer.claim([episode("e1")], frozenset({key}))
        await writer.add_scorecard(again.claim, scorecard(), RUBRIC)
        assert store.episode("e1").interrupted is None


async def test_what_this_writer_holds_it_does_not_take_twice(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        found: list[Claim] = []

        async def take() -> None:
            found.extend(await claims(writer, "e1", "e2"))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(take)
        assert sorted(found) == [Claim("e1", 1), Claim("e2", 1)]
        await writer.release([Claim("e1", 1)])
        assert await claims(writer, "e1", "e2") == [Claim("e1", 2)]


async def test_what_was_not_to_be_had_can_be_asked_for_again(store: Store, other: str) -> None:
    (held,) = store.claim(other, [episode("e1")])
    async with Writer.open(store, run="r1") as writer:
        assert await claims(writer, "e1") == []
        store.release([held.claim])
        assert await claims(writer, "e1") == [Claim("e1", 2)]


async def test_a_write_whose_caller_is_cancelled_is_committed(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        async with anyio.create_task_group() as group:
            group.start_soon(writer.append, claim, [event(0)])
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert store.episode("e1").events == (event(0),)


async def test_a_claim_whose_caller_is_cancelled_is_given_back(store: Store, other: str) -> None:
    async with Writer.open(store, run="r1") as writer:
        async with anyio.create_task_group() as group:
            group.start_soon(writer.claim, [episode("e1")])
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        await claims(writer, "e2")
        await writer.append(Claim("e2", 1), [event(0)])
        assert [one.claim for one in store.claim(other, [episode("e1")])] == [Claim("e1", 2)]


async def test_on_leaving_all_is_committed_and_released(store: Store, other: str, place: Place) -> None:
    async with Writer.open(store, run="r1") as writer, anyio.create_task_group() as group:
        held = await claims(writer, "e1", "e2")
        assert set(workers(place)) == {other, writer.worker.id}
        for claim in held:
            group.start_soon(writer.append, claim, [event(0)])
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert [store.episode(id_).events for id_ in ("e1", "e2")] == [(event(0),)] * 2
    assert workers(place) == [other]
    assert [one.claim.epoch for one in store.claim(other, [episode("e1"), episode("e2")])] == [2, 2]


async def test_on_being_cancelled_from_outside_all_is_committed_and_released(store: Store, place: Place) -> None:
    with anyio.CancelScope() as scope:
        async with Writer.open(store, run="r1") as writer:
            (claim,) = await claims(writer, "e1")
            async with anyio.create_task_group() as group:
                group.start_soon(writer.append, claim, [event(0)])
                await anyio.lowlevel.checkpoint()
                scope.cancel()
                await anyio.sleep_forever()
    assert store.episode("e1").events == (event(0),)
    assert workers(place) == []


async def test_what_is_raised_inside_comes_out_as_it_is_and_all_is_released(store: Store, place: Place) -> None:
    async def fail() -> None:
        async with Writer.open(store, run="r1") as writer:
            await claims(writer, "e1")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail()
    assert workers(place) == []


async def test_a_closed_writer_says_so(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
    with pytest.raises(StoreError, match="writer was closed"):
        await writer.append(claim, [event(0)])


async def test_what_was_spent_is_committed_with_what_comes_next_and_at_the_end(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        writer.spend({"m1": Spending(calls=1)})
        writer.spend({"m1": Spending(calls=2, cost=0.5)})
        await claims(writer, "e1")
        assert store.spent("r1") == {(writer.worker.id, "m1"): Spending(calls=2, cost=0.5)}
        writer.spend({"m1": Spending(calls=3)})
    assert store.spent("r1") == {(writer.worker.id, "m1"): Spending(calls=3)}


async def test_the_lease_is_renewed_as_long_as_the_writer_is_open(store: Store, place: Place) -> None:
    async with Writer.open(store, run="r1", lease=0.15):
        ((first,),) = place.execute("SELECT until FROM workers")
        await until(lambda: place.execute("SELECT until FROM workers") != [(first,)])


async def test_who_was_taken_from_is_fenced_and_may_take_it_again_later(store: Store, other: str, place: Place) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim, kept) = await claims(writer, "e1", "e2")
        place.execute("UPDATE workers SET until = 0 WHERE id = :id", id=writer.worker.id)
        (taken,) = store.claim(other, [episode("e1")])
        with pytest.raises(Fenced, match="'e1' was taken over by another worker"):
            await writer.append(claim, [event(0, "late")])
        with pytest.raises(Fenced):
            await writer.finish(claim, END, START, None)
        await writer.append(kept, [event(0, "nobody took this")])
        store.release([taken.claim])
        assert await claims(writer, "e1") == [Claim("e1", 3)]
    assert store.episode("e1").events == ()


async def test_a_late_scorecard_is_fenced(store: Store, other: str, place: Place) -> None:
    async with Writer.open(store, run="r1") as writer:
        (claim,) = await claims(writer, "e1")
        await writer.finish(claim, END, START, None)
        place.execute("UPDATE workers SET until = 0 WHERE id = :id", id=writer.worker.id)
        store.claim(other, [episode("e1")], frozenset({"any"}))
        with pytest.raises(Fenced):
            await writer.add_scorecard(claim, scorecard(), RUBRIC)
        with pytest.raises(Fenced):
            await writer.interrupt(claim, GONE)
    assert store.scorecards("e1") == ()


async def test_an_unknown_episode_is_not_found(store: Store) -> None:
    async with Writer.open(store, run="r1") as writer:
        with pytest.raises(NotFound):
            await writer.finish(Claim("nobody", 1), END, START, None)


async def test_two_writers_of_one_run_share_its_episodes(store: Store) -> None:
    ids = [f"e{number}" for number in range(40)]
    async with Writer.open(store, run="r1") as one, Writer.open(store, run="r1") as two:
        found: list[list[Claim]] = []

        async def take(writer: Writer) -> None:
            found.append(await claims(writer, *ids))

        async with anyio.create_task_group() as group:
            group.start_soon(take, one)
            group.start_soon(take, two)
        assert sorted(claim.episode for some in found for claim in some) == sorted(ids)
        assert {claim.epoch for some in found for claim in some} == {1}


async def test_whatever_goes_wrong_in_a_commit_everybody_hears_of_it_and_nobody_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Writer, store: Store, entries: Sequence[Any], doubtful: bool) -> None:
        raise OverflowError("Python int too large for the column")

    async def write() -> None:
        async with Writer.open(store, run="r1") as writer:
            (claim,) = await claims(writer, "e1")
            monkeypatch.setattr(Writer, "_store_all", fails)
            await writer.append(claim, [event(0)])

    with anyio.fail_after(PATIENCE), pytest.raises(StoreError, match=r"could not be written \(OverflowError\)"):
        await write()
