"""What a run was begun with, and how a plan differs from it: more of the same goes on, anything else is refused and named."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from comity.run.jobs import Job
from comity.run.plan import Plan
from comity.world.episodes import Policy
from comity.world.record import content_hash

__all__ = ["ChangedPlan", "begun_with", "differences", "refuse_unless_more"]


class ChangedPlan(ValueError):
    """The plan is not the one that the run of this name was begun with, and not more of it."""


def begun_with(
    plan: Plan, policies: Mapping[str, Policy], jobs: Sequence[Job], judges: Sequence[str]
) -> dict[str, JsonValue]:
    """What is kept of a plan with its run: what it says, and what that came to."""
    tasks = {job.task.id: job.task for job in jobs}
    return {
        "what": plan.what(),
        "notes": plan.notes,
        "resolved": {label: policy.model_dump(mode="json", exclude_none=True) for label, policy in policies.items()},
        "content": {id_: content_hash(task) for id_, task in tasks.items()},
        "judged_by": list(judges),
    }


def refuse_unless_more(
    name: str, before: Mapping[str, JsonValue], now: Mapping[str, JsonValue], dropped: int, total: int
) -> None:
    """Raise `ChangedPlan`, with every difference, where episodes or judges of the run are not in the plan any more.

    `dropped` of the run's `total` episodes are not among the plan's.
    """
    judges = _list(before.get("judged_by"))
    unjudged = [judge for judge in judges if judge not in _list(now.get("judged_by"))]
    if not dropped and not unjudged:
        return
    found = list(differences(before, now)) or ["the version of Comity makes other episodes of the same plan"]
    what = f"{dropped:,} of its {total:,} episodes are no part of it" if dropped else "a judge of it is gone"
    lines = "\n".join(f"  {line}" for line in found)
    raise ChangedPlan(
        f"run {name!r} was begun with another plan: {what}. What differs:\n{lines}\n"
        "Take the change back, or give the plan another name; more repeats, seeds, tasks, policies and judges are welcome."
    )


def differences(before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> Iterator[str]:
    """One line for each field that is another, such as `repeats: was 3, is 2`."""
    was, is_ = dict(_flat("", before.get("what"))), dict(_flat("", now.get("what")))
    if was == is_:  # the same words mean something else now
        was, is_ = (dict(_flat("", {k: side.get(k) for k in ("resolved", "content")})) for side in (before, now))
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


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
