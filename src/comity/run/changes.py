"""What a run was begun with, and how a plan differs from it: more of the same goes on, anything else is refused and named."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from comity.evaluate.judge import LLMJudge
from comity.run.jobs import Job
from comity.run.plan import JudgePlan, Plan
from comity.world.episodes import Policy
from comity.world.record import content_hash
from comity.world.tasks import Task

__all__ = ["ChangedPlan", "begun_with", "differences", "refuse_unless_more", "told_judge"]


class ChangedPlan(ValueError):
    """The plan is not the one that the run of this name was begun with, and not more of it."""


def begun_with(
    plan: Plan, policies: Mapping[str, Policy], jobs: Sequence[Job], judges: Mapping[str, LLMJudge]
) -> dict[str, JsonValue]:
    """What is kept of a plan with its run: what it says, and what that came to. `judges` are by the key of their scorecards."""
    tasks = {job.task.id: job.task for job in jobs}
    return {
        "what": plan.what(),
        "notes": plan.notes,
        "policies": {label: policy.model_dump(mode="json", exclude_none=True) for label, policy in policies.items()},
        "tasks": {id_: content_hash(task) for id_, task in tasks.items()},
        "scenarios": {id_: {"id": task.scenario.id, "payoff": _kind(task)} for id_, task in tasks.items()},
        "judges": {key: told_judge(judge) for key, judge in judges.items()},
    }


def _kind(task: Task) -> str | None:
    """What kind of payoff decides a task, where one does: what is missing of an outcome is known by what should have had one."""
    return None if task.scenario.payoff is None else task.scenario.payoff.kind


def told_judge(judge: LLMJudge) -> dict[str, JsonValue]:
    """Who judges, as it is kept: model, prompt and sampling, and the rubric by its hash."""
    rubric = {"rubric": f"{judge.rubric.id}@{judge.rubric.version}", "rubric_hash": content_hash(judge.rubric)}
    return {**judge.policy.model_dump(mode="json", exclude_none=True), **rubric, "repeat": judge.repeat}


def refuse_unless_more(
    name: str, before: Mapping[str, JsonValue], now: Mapping[str, JsonValue], dropped: int, total: int
) -> None:
    """Raise `ChangedPlan`, with every difference, where something of the run is not in the plan any more, or is called otherwise.

    `dropped` of the run's `total` episodes are not among the plan's.
    """
    problems = [f"{dropped:,} of its {total:,} episodes are no part of it"] if dropped else []
    known, policies = _table(before.get("policies")), _table(now.get("policies"))
    if others := [label for label, policy in known.items() if policies.get(label) != policy]:
        problems.append(f"{', '.join(others)} is another policy than it was, or gone")
    if _table(before.get("judges")).keys() - _table(now.get("judges")).keys():
        problems.append("a judge of it is gone, or reads otherwise")
    if not problems:
        return
    lines = "\n".join(f"  {line}" for line in differences(before, now))
    raise ChangedPlan(
        f"run {name!r} was begun with another plan: {'; '.join(problems)}. What differs:\n{lines}\n"
        "Take the change back, or give the plan another name; more repeats, seeds, tasks, policies and judges are welcome."
    )


def differences(before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> Iterator[str]:
    """One line for each field that is another, such as `repeats: was 3, is 2`: of what the plans say, of what their policies and
    tasks came to, and of the judges that are gone.
    """
    yield from _changed("", _with_every_field(before.get("what")), _with_every_field(now.get("what")))
    for table in ("policies", "tasks"):
        was, is_ = _table(before.get(table)), _table(now.get(table))
        for name in was.keys() & is_.keys():
            yield from _changed(
                f"{table}.{name} as resolved" if table == "policies" else f"{table}.{name}, its content",
                was[name],
                is_[name],
            )
    judged, judges = _table(before.get("judges")), _table(now.get("judges"))
    new = [judge for key, judge in judges.items() if key not in judged]
    for key, judge in judged.items():
        if key not in judges:
            yield from _changed("judge", judge, new.pop(0) if new else None)


def _with_every_field(what: JsonValue) -> JsonValue:
    """What a plan said, with what its judges do by default where it is older than a field of theirs."""
    if not isinstance(what, dict) or not isinstance(judges := what.get("judges"), list):
        return what
    default = JudgePlan(model="").model_dump(mode="json")
    return {**what, "judges": [{**default, **judge} if isinstance(judge, dict) else judge for judge in judges]}


def _changed(at: str, before: JsonValue, now: JsonValue) -> Iterator[str]:
    was, is_ = dict(_flat(at, before)), dict(_flat(at, now))
    for field in dict.fromkeys([*was, *is_]):
        if was.get(field) != is_.get(field):
            yield f"{field}: was {_shown(was.get(field))}, is {_shown(is_.get(field))}"


def _flat(at: str, value: JsonValue | Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{at}.{key}" if at else key, inner)
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(f"{at}.#{number}", inner)
    else:
        yield at, value  # type: ignore[misc]


def _shown(value: JsonValue) -> str:
    shown = "not there" if value is None else str(value)
    return shown if len(shown) <= 120 else shown[:117] + "..."


def _table(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}
