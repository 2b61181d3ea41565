"""The filter: SOTOPIA-π's rules to the letter, on rewards that are written down, and nothing without a reward ever kept or counted."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from comity.train.filter import Candidate, Decision, NothingKept, kept_of
from comity.train.plan import FilterPlan
from comity.train.reward import Reward


def candidate(episode: str, seat: str, reward: float | None, scenario: str = "s", unfit: str = "") -> Candidate:
    given = Reward(reward, {"gain": reward}, "" if reward is not None else "not judged")
    return Candidate(episode, scenario, seat, given, drawn=episode, unfit=unfit)


def both(rewards: Mapping[str, tuple[float | None, float | None]], scenario: str = "s") -> list[Candidate]:
    return [
        candidate(e, seat, value, scenario)
        for e, pair in rewards.items()
        for seat, value in zip("ab", pair, strict=True)
    ]


def kept(decisions: list[Decision]) -> set[tuple[str, str]]:
    return {(d.candidate.episode, d.candidate.seat) for d in decisions if d.kept}


BC = FilterPlan(rule="bc")
SR = FilterPlan(rule="sr")


def test_behaviour_cloning_keeps_the_top_two_of_each_seat_however_low_they_are() -> None:
    decided = kept_of(
        both({"e1": (1, 0), "e2": (0, 2), "e3": (3, 1), "e4": (2, 0)})
        + both({f"o{n}": (9, 9) for n in range(9)}, "rich"),
        BC,
        seed=0,
    )
    assert {each for each in kept(decided) if each[0][0] == "e"} == {("e3", "a"), ("e4", "a"), ("e2", "b"), ("e3", "b")}


def test_a_further_rank_is_kept_where_both_seats_pass_the_lower_of_two_means() -> None:
    # seat a: 9 8 7 1, mean 6.25; seat b: 9 9 6 0, mean 6; all: 6.125. At rank 3 a has 7 and b 6: both pass. At rank 4 neither does.
    decided = kept_of(both({"e1": (9, 0), "e2": (8, 9), "e3": (7, 9), "e4": (1, 6)}), BC, seed=0)
    assert kept(decided) == {("e1", "a"), ("e2", "a"), ("e3", "a"), ("e2", "b"), ("e3", "b"), ("e4", "b")}
    assert {d.rank for d in decided if not d.kept} == {4}


def test_a_further_rank_is_left_out_for_both_where_one_seat_falls_short() -> None:
    # seat b: 9 8 1 0, mean 4.5; all: 6.06. At rank 3 b has 1, below 4.5, so a's 8 goes too.
    decided = kept_of(both({"e1": (9, 0), "e2": (9, 9), "e3": (8, 8), "e4": (4, 1)}), BC, seed=0)
    assert ("e3", "a") not in kept(decided)
    assert kept(decided) == {("e1", "a"), ("e2", "a"), ("e2", "b"), ("e3", "b")}


def test_the_threshold_is_the_mean_of_all_where_that_is_lower_than_the_scenarios_own() -> None:
    poor = both({f"p{n}": (0, 0) for n in range(20)}, "poor")
    # own means 7.33; of all 52 rewards it is about 0.8, which 3 passes.
    decided = kept_of(both({"e1": (10, 10), "e2": (9, 9), "e3": (3, 3)}) + poor, BC, seed=0)
    assert {("e3", "a"), ("e3", "b")} <= kept(decided)
    alone = kept_of(both({"e1": (10, 10), "e2": (9, 9), "e3": (3, 3)}), BC, seed=0)
    assert not {("e3", "a"), ("e3", "b")} & kept(alone)


def test_self_reinforcement_keeps_the_best_fifth_of_a_scenario_over_both_seats() -> None:
    rewards = {f"e{n}": (float(n), float(n) / 2) for n in range(10)}
    decided = kept_of(both(rewards), SR, seed=0)
    assert kept(decided) == {("e9", "a"), ("e8", "a"), ("e7", "a"), ("e6", "a")}


def test_of_each_scenario_self_reinforcement_keeps_one_at_least() -> None:
    decided = kept_of(both({"e1": (1, 2)}) + both({"o1": (3, 0)}, "other"), SR, seed=0)
    assert kept(decided) == {("e1", "b"), ("o1", "a")}


def test_a_threshold_keeps_what_comes_to_it() -> None:
    decided = kept_of(both({"e1": (5, 4.9), "e2": (7, 0)}), FilterPlan(rule="threshold", least=5), seed=0)
    assert kept(decided) == {("e1", "a"), ("e2", "a")}


@pytest.mark.parametrize("plan", [BC, SR, FilterPlan(rule="threshold", least=0)])
def test_a_missing_reward_is_never_kept_and_is_in_no_mean_rank_or_share(plan: FilterPlan) -> None:
    known = both({"e1": (9, 1), "e2": (8, 3), "e3": (4, 6), "e4": (2, 2), "e5": (1, 1)})
    missing = both({f"m{n}": (None, None) for n in range(30)})
    without, beside = kept_of(known, plan, seed=0), kept_of(known + missing, plan, seed=0)
    assert beside[: len(known)] == without
    assert {d.why for d in beside[len(known) :]} == {"no reward: not judged"}
    assert not any(d.kept for d in beside[len(known) :])


def test_a_seat_that_failed_is_not_learned_from_whatever_its_reward() -> None:
    decided = kept_of([candidate("e1", "a", 10, unfit="its policy failed"), candidate("e1", "b", 1)], SR, seed=0)
    assert kept(decided) == {("e1", "b")}


def test_where_nothing_is_kept_it_says_what_it_saw() -> None:
    with pytest.raises(NothingKept, match=r"kept none of 2 seats .*the best reward is 3\.00: lower `least` \(now 5\)"):
        kept_of(both({"e1": (3, 2)}), FilterPlan(rule="threshold", least=5), seed=0)
    with pytest.raises(NothingKept, match=r"2 no reward: not judged.*none has a reward: collect other"):
        kept_of(both({"e1": (None, None)}), BC, seed=0)
    with pytest.raises(NothingKept, match="nothing was collected"):
        kept_of([], BC, seed=0)


def test_a_threshold_that_is_not_said_is_refused() -> None:
    with pytest.raises(ValidationError, match="give `least`"):
        FilterPlan(rule="threshold")


def test_of_what_is_kept_at_most_so_many_are_taken_evenly_from_the_scenarios() -> None:
    rewards = {f"e{n}": (float(n), float(n)) for n in range(10)}
    others = {f"o{n}": pair for n, pair in enumerate([*rewards.values(), (9.0, 9.0)])}
    decided = kept_of(both(rewards) + both(others, "other"), FilterPlan(rule="bc", top=10, most=6), seed=0)
    assert Counter(d.candidate.scenario for d in decided if d.kept) == {"s": 3, "other": 3}
    assert min(d.candidate.reward.value or 0 for d in decided if d.kept) == 8


Rewards = st.lists(
    st.tuples(*[st.one_of(st.none(), st.sampled_from([0.0, 2.5, 5.0, 10.0]))] * 2), min_size=1, max_size=12
)


@given(Rewards, st.sampled_from(["bc", "sr"]), st.randoms())
def test_no_order_of_files_decides(rewards: list[tuple[float | None, float | None]], rule: str, random: object) -> None:
    candidates = both({f"e{n}": pair for n, pair in enumerate(rewards)})
    shuffled = sorted(candidates, key=lambda _: random.random())  # type: ignore[attr-defined]
    plan = FilterPlan.model_validate({"rule": rule})
    try:
        expected = kept(kept_of(candidates, plan, seed=3))
    except NothingKept:
        with pytest.raises(NothingKept):
            kept_of(shuffled, plan, seed=3)
    else:
        assert kept(kept_of(shuffled, plan, seed=3)) == expected


def test_the_seed_decides_between_equals() -> None:
    candidates = both({f"e{n}": (5.0, 5.0) for n in range(10)})
    assert len({frozenset(kept(kept_of(candidates, SR, seed=seed))) for seed in range(8)}) > 1
