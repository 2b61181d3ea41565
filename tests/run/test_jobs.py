"""The matrix: every pairing in every seat once, named by what decides it and by nothing else."""

from collections import Counter

import pytest
from worlds import task

from comity.run.jobs import Job, jobs_of
from comity.run.plan import Plan
from comity.world.episodes import Policy

TASKS = (task(turns=4), task(turns=4).model_copy(update={"id": "other"}))
POLICIES = {"a": Policy(agent="llm", model="m1"), "b": Policy(agent="llm", model="m2")}


def plan(**fields: object) -> Plan:
    policies = {label: {"model": policy.model} for label, policy in POLICIES.items()}
    return Plan.model_validate({"name": "p", "policies": policies, **fields})


def test_each_policy_meets_each_partner_in_each_seat_and_itself_once() -> None:
    jobs = jobs_of(plan(), TASKS[:1], POLICIES)
    assert Counter(tuple(job.seats.values()) for job in jobs) == {
        ("a", "a"): 1,
        ("a", "b"): 1,
        ("b", "a"): 1,
        ("b", "b"): 1,
    }


def test_against_one_partner_each_seat_is_played_once() -> None:
    jobs = jobs_of(plan(evaluated=["a"], partners=["b"]), TASKS, POLICIES)
    assert [(job.task.id, *job.seats.values()) for job in jobs] == [
        (TASKS[0].id, "a", "b"),
        (TASKS[0].id, "b", "a"),
        ("other", "a", "b"),
        ("other", "b", "a"),
    ]


def test_without_swapping_the_evaluated_policy_sits_in_the_first_seat() -> None:
    jobs = jobs_of(plan(evaluated=["a"], partners=["b"], swap_seats=False), TASKS[:1], POLICIES)
    assert [dict(job.seats) for job in jobs] == [{"a": "a", "b": "b"}]


def test_of_three_seats_the_partner_takes_all_others() -> None:
    three = task("Ana", "Ben", "Cem", turns=4)
    jobs = jobs_of(plan(evaluated=["a"], partners=["b"]), [three], POLICIES)
    assert [list(job.seats.values()) for job in jobs] == [["a", "b", "b"], ["b", "a", "b"], ["b", "b", "a"]]


def test_of_the_pairings_so_many_are_drawn_for_each_task_repeat_and_seed_and_for_all_policies_the_same() -> None:
    tasks = [task(turns=4).model_copy(update={"id": f"t{n}"}) for n in range(40)]
    drawn = plan(evaluated=["a", "b"], partners=["c", "d"], policies=_FOUR, pairings=1, repeats=2)
    jobs = jobs_of(drawn, tasks, {label: Policy(agent="llm", model=label) for label in _FOUR})
    met = {
        (job.task.id, job.repeat, label): _pairing(job, label)
        for job in jobs
        for label in ("a", "b")
        if label in job.seats.values()
    }
    assert len(jobs) == len(met) == 40 * 2 * 2
    assert all(met[id_, repeat, "a"] == met[id_, repeat, "b"] for id_, repeat, _ in met)
    assert Counter(met[f"t{n}", 0, "a"] == met[f"t{n}", 1, "a"] for n in range(40))[False] > 10
    assert set(met.values()) == {("c", 0), ("c", 1), ("d", 0), ("d", 1)}
    more = jobs_of(
        drawn.model_copy(update={"pairings": 2}), tasks, {label: Policy(agent="llm", model=label) for label in _FOUR}
    )
    assert {job.episode for job in jobs} < {job.episode for job in more}


_FOUR = {label: {"model": label} for label in "abcd"}


def _pairing(job: Job, label: str) -> tuple[str, int]:
    seats = list(job.seats.values())
    return next(other for other in seats if other != label), seats.index(label)


def test_in_script_mode_one_policy_writes_every_part() -> None:
    jobs = jobs_of(plan(mode="script"), TASKS[:1], POLICIES)
    assert [set(job.seats.values()) for job in jobs] == [{"a"}, {"b"}]


def test_pairings_of_one_task_and_repeat_share_a_seed_and_no_others_do() -> None:
    jobs = jobs_of(plan(repeats=2, seeds=[3, 4]), TASKS, POLICIES)
    seeds = {(job.task.id, job.repeat, job.seed): job.episode_seed for job in jobs}
    assert all(job.episode_seed == seeds[job.task.id, job.repeat, job.seed] for job in jobs)
    assert len(set(seeds.values())) == len(seeds) == 8


def test_the_same_plan_makes_the_same_jobs_and_more_of_it_makes_more() -> None:
    ids = [job.episode for job in jobs_of(plan(), TASKS, POLICIES)]
    assert ids == [job.episode for job in jobs_of(plan(), TASKS, POLICIES)]
    assert len(set(ids)) == len(ids) == 8
    assert set(ids) < {job.episode for job in jobs_of(plan(repeats=2), TASKS, POLICIES)}


@pytest.mark.parametrize(
    "other",
    [
        plan(lite=True),
        plan(mode="omniscient"),
        plan(limits={"turns": 3}),
        plan(seeds=[1]),
    ],
)
def test_whatever_decides_an_episode_is_in_its_name(other: Plan) -> None:
    ids = {job.episode for job in jobs_of(plan(), TASKS, POLICIES)}
    assert ids.isdisjoint(job.episode for job in jobs_of(other, TASKS, POLICIES))


def test_the_policy_itself_is_in_the_name_and_its_label_is_not() -> None:
    ids = [job.episode for job in jobs_of(plan(), TASKS, POLICIES)]
    hotter = {**POLICIES, "b": POLICIES["b"].model_copy(update={"sampling": {"temperature": 0.5}})}
    assert sum(job.episode in ids for job in jobs_of(plan(), TASKS, hotter)) == 2  # a with itself, in both tasks
    renamed = Plan.model_validate({"name": "q", "policies": {"x": {"model": "m1"}, "y": {"model": "m2"}}})
    same = jobs_of(renamed, TASKS, {"x": POLICIES["a"], "y": POLICIES["b"]})
    assert [job.episode for job in same] == ids
