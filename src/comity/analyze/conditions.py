"""Under which conditions scores came about, and in what two sets of them differ: unlike ones are neither averaged nor compared."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import msgspec
from pydantic import JsonValue

from comity.analyze.items import Reading
from comity.analyze.plans import names, table
from comity.evaluate.panel import Aggregate
from comity.store import RunRecord

__all__ = ["Conditions", "conditions_of", "differences"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything that a score depends on beside the policy that is scored."""

    rubric: str
    """Id, version and hash; empty where nobody judged."""
    judges: tuple[str, ...]
    """Each judge's model, prompt with its hash, sampling, and how often it reads."""
    aggregate: str
    """How several judges become one; empty for one judge."""
    mode: str
    """Who may know what: `asymmetric`, `omniscient` or `script`; ` lite` where there were no profiles."""
    limits: str
    partners: tuple[str, ...]
    """Each partner with its model, prompt and sampling."""
    seats: str
    tasks: Mapping[str, str]
    """Content hash by the task's id."""
    task_set: str
    """How the plan names it, and the beginning of the hash of all of it."""
    code_version: str
    """Of the program; named where it differs, and no reason to refuse."""


def conditions_of(run: RunRecord, panel: Sequence[Reading], aggregate: Aggregate) -> Conditions:
    """The conditions of all policies of a run."""
    what, policies = table(run.plan.get("what")), table(run.plan.get("policies"))
    tasks = {id_: str(hash_) for id_, hash_ in table(run.plan.get("tasks")).items()}
    partners = names(what.get("partners")) or names(what.get("evaluated")) or list(policies)
    named = table(what.get("tasks"))
    digest = hashlib.sha256(json.dumps(sorted(tasks.values())).encode()).hexdigest()
    return Conditions(
        rubric=", ".join(sorted({f"{each.rubric} ({each.rubric_hash[:12]})" for each in panel})),
        judges=_judges(panel),
        aggregate=aggregate if len({(each.judge.model, each.judge.adapter) for each in panel}) > 1 else "",
        mode=str(what.get("mode")) + (" lite" if what.get("lite") else ""),
        limits=_told(what.get("limits")),
        partners=tuple(sorted(_policy(policies.get(label)) for label in partners)),
        seats=_seats(what),
        tasks=tasks,
        task_set=f"{named.get('set') or named.get('source')}:{digest[:12]}",
        code_version=run.code_version,
    )


def differences(a: Conditions, b: Conditions) -> list[str]:
    """One line for each condition that is another, such as `mode: asymmetric, and omniscient`. Empty for like ones."""
    found = []
    ours, theirs = asdict(a), asdict(b)
    for name in ("rubric", "judges", "aggregate", "mode", "limits", "partners", "seats"):
        if ours[name] != theirs[name]:
            found.append(f"{name}: {_shown(ours[name])}; and {_shown(theirs[name])}")
    if set(a.tasks.values()) != set(b.tasks.values()):
        found.append(_other_tasks(a, b))
    return found


def _other_tasks(a: Conditions, b: Conditions) -> str:
    one, other = set(a.tasks.values()), set(b.tasks.values())
    changed = [id_ for id_ in a.tasks.keys() & b.tasks.keys() if a.tasks[id_] != b.tasks[id_]]
    said = f"tasks: {a.task_set} with {len(one)}; and {b.task_set} with {len(other)}; {len(one & other)} are in both"
    return said + (f"; {len(changed)} of one id differ in content, such as {min(changed)}" if changed else "")


def _judges(panel: Sequence[Reading]) -> tuple[str, ...]:
    times: dict[str, int] = {}
    for each in panel:
        told = _policy(msgspec.structs.asdict(each.judge))
        times[told] = times.get(told, 0) + 1
    return tuple(sorted(told + (f", {count} times" if count > 1 else "") for told, count in times.items()))


def _policy(policy: JsonValue | Mapping[str, object]) -> str:
    """A policy in a line: what tells it from another, but not what the plan calls it."""
    if not isinstance(policy, Mapping):
        return "unknown"
    adapter = f" with {policy['adapter']}" if policy.get("adapter") else ""
    hashed = f" ({str(policy['prompt_hash'])[:12]})" if policy.get("prompt_hash") else ""
    parts = [f"{policy.get('model') or policy.get('agent')}{adapter}"]
    if policy.get("style"):
        parts.append(f"{policy['style']}{hashed}")
    return ", ".join([*parts, *([_told(policy["sampling"])] if policy.get("sampling") else [])])


def _told(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return " ".join(f"{name}={inner}" for name, inner in sorted(value.items()) if inner not in (None, {}))


def _shown(value: object) -> str:
    return (" + ".join(map(str, value)) if isinstance(value, tuple) else str(value)) or "none"


def _seats(what: Mapping[str, object]) -> str:
    seats = "every seat in turn" if what.get("swap_seats") else "the first seat alone"
    return f"{seats}, {drawn} of the pairings of each task drawn" if (drawn := what.get("pairings")) else seats
