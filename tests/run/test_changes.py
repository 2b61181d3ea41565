"""A changed plan: more of the same goes on, anything else is refused with every difference."""

import pytest
from worlds import task

from comity.run.changes import ChangedPlan, begun_with, differences, refuse_unless_more
from comity.run.jobs import jobs_of
from comity.run.plan import Plan
from comity.world.episodes import Policy

POLICIES = {"a": Policy(agent="llm", model="m1", prompt_hash="1"), "b": Policy(agent="llm", model="m2")}


def begun(judges: tuple[str, ...] = ("j",), policies: dict[str, Policy] = POLICIES, **fields: object):  # type: ignore[no-untyped-def]
    plan = Plan.model_validate(
        {"name": "p", "policies": {k: {"model": v.model} for k, v in policies.items()}, **fields}
    )
    jobs = jobs_of(plan, [task(turns=4)], policies)
    return begun_with(plan, policies, jobs, judges), {job.episode for job in jobs}


def refused(before, now) -> str:  # type: ignore[no-untyped-def]
    (was, had), (is_, has) = before, now
    with pytest.raises(ChangedPlan) as caught:
        refuse_unless_more("p", was, is_, len(had - has), len(had))
    return str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        begun(),
        begun(repeats=2),
        begun(seeds=[0, 7]),
        begun(judges=("j", "k")),
        begun(policies={**POLICIES, "c": Policy(agent="llm", model="m3")}),
        begun(budget={"calls": 5}, in_flight=3),
    ],
)
def test_more_of_the_same_goes_on(more) -> None:  # type: ignore[no-untyped-def]
    (was, had), (is_, has) = begun(), more
    refuse_unless_more("p", was, is_, len(had - has), len(had))


def test_less_is_refused_with_what_differs() -> None:
    said = refused(begun(repeats=3), begun(repeats=2))
    assert "4 of its 12 episodes are no part of it" in said
    assert "  repeats: was 3, is 2" in said
    assert "another name" in said


def test_another_limit_is_refused_by_its_field() -> None:
    assert "limits.turns: was not there, is 3" in refused(begun(), begun(limits={"turns": 3}))


def test_a_judge_that_is_gone_is_refused() -> None:
    assert "a judge of it is gone" in refused(begun(judges=("j", "k")), begun())


def test_prompts_that_changed_under_the_same_words_are_named() -> None:
    newer = {**POLICIES, "a": POLICIES["a"].model_copy(update={"prompt_hash": "2"})}
    assert "resolved.a.prompt_hash: was 1, is 2" in refused(begun(), begun(policies=newer))


def test_judges_are_compared_one_by_one() -> None:
    was, _ = begun(judges=())
    found = {**was, "what": {**was["what"], "judges": [{"model": "x", "repeats": 1}]}}
    assert list(differences(was, found)) == [
        "judges: was [], is not there",
        "judges.#1.model: was not there, is x",
        "judges.#1.repeats: was not there, is 1",
    ]
