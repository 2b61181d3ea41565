"""A plan's matrix as jobs: one for each task, seating, repeat and seed. A job's id is what its episode is: it names it, whoever plays it.

Two plans that contain the same job share its episode; playing it a second time is not possible, and not needed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from comity.run.plan import Plan
from comity.world.episodes import Policy
from comity.world.record import content_hash, derive_seed
from comity.world.tasks import Task

__all__ = ["Job", "jobs_of"]


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to be played."""

    episode: str
    """Its id: 32 hex digits of SHA-256 over everything that decides it."""
    task: Task
    seats: Mapping[str, str]
    """The policy's label by seat, in seat order."""
    repeat: int
    """From 0."""
    seed: int
    """The plan's."""

    @property
    def episode_seed(self) -> int:
        """The same for every seating of one task, repeat and seed, so that policies can be compared in pairs."""
        return derive_seed(self.seed, self.task.id, self.repeat)


def jobs_of(plan: Plan, tasks: Sequence[Task], policies: Mapping[str, Policy]) -> list[Job]:
    """Every job once, repeat by repeat, so that what is done early says something about all tasks."""
    common = {"mode": plan.mode, "lite": plan.lite, "limits": plan.limits.model_dump(mode="json")}
    known = {label: policy.model_dump(mode="json") for label, policy in policies.items()}
    hashes = [content_hash(task) for task in tasks]
    found: dict[str, Job] = {}
    for repeat in range(plan.repeats):
        for seed in plan.seeds:
            for task, name in zip(tasks, hashes, strict=True):
                pairings = _pairings(plan, task, repeat, seed)
                for seats in _seatings(plan, task, pairings):
                    who = {seat: known[label] for seat, label in seats.items()}
                    decides = {**common, "task": name, "policies": who, "repeat": repeat, "seed": seed}
                    id_ = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]
                    found.setdefault(id_, Job(id_, task, seats, repeat, seed))
    return list(found.values())


def _pairings(plan: Plan, task: Task, repeat: int, seed: int) -> list[tuple[str, str]]:
    """The partners and seats that each evaluated policy meets and takes, all of them or those that are drawn, in order."""
    seats = [seat.id for seat in task.scenario.seats]
    every = [(partner, mine) for partner in plan.who_they_meet for mine in (seats if plan.swap_seats else seats[:1])]
    if plan.pairings is None:
        return every
    drawn = sorted(every, key=lambda each: derive_seed("pairing", seed, repeat, task.id, *each))[: plan.pairings]
    return [each for each in every if each in drawn]


def _seatings(plan: Plan, task: Task, pairings: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    seats = [seat.id for seat in task.scenario.seats]
    for label in plan.who_is_evaluated:
        if plan.mode == "script":
            yield dict.fromkeys(seats, label)
            continue
        for partner, mine in pairings:
            yield {seat: label if seat == mine else partner for seat in seats}
