"""A policy on tasks that it has not learned from: each played once, against a partner of the held-out pool in a seat that the seed draws,
and against itself, with free decoding and held to the schema.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from comity.run.plan import PolicyPlan
from comity.store import Member, Store
from comity.train.collect import collected_in
from comity.train.measures import MEASURES, Row, rows_of
from comity.train.playing import Playground
from comity.train.serving import ready
from comity.train.tasks import Chosen
from comity.train.work import Done, Json, Work
from comity.world.record import content_hash

__all__ = ["play_games", "rows_in"]


def play_games(
    work: Work,
    ground: Playground,
    split: str,
    chosen: Chosen,
    name: str,
    setting: str,
    player: PolicyPlan,
    seed: int,
    weights: str | None = None,
) -> Done:
    """Play a policy in one setting and keep a row of measures for each episode. `weights` are its own, where it has any."""
    partners = {} if setting.startswith("self") else ground.plan.partners_on(split)
    inputs: dict[str, JsonValue] = {
        "tasks": cast("JsonValue", chosen.hashes),
        **ground.settled({name: player, **partners}, weights=weights, own=name, judges=ground.plan.judges),
        "reward": ground.plan.reward.model_dump(mode="json"),
        "aggregate": ground.plan.aggregate,
        "limits": ground.plan.limits.model_dump(mode="json"),
        "seed": seed,
    }

    def play(folder: Path) -> Json:
        plan = ground.run_plan(
            ground.run_name(folder, weights=weights),
            chosen.named,
            {name: player, **partners},
            evaluated=[name],
            partners=list(partners) or [name],
            pairings=1,
            seed=seed,
            judged=True,
        )
        with ready(ground.plan.policy, weights):
            played = ground.play(plan)
        rows = _measured(ground, Done(folder, "", {}, played), name, seed)
        return {**played, "means": _means(rows), "rows": [row.plain for row in rows]}

    return work.stage("evaluate", f"{split}-{name}-{setting.replace('/', '-')}-seed{seed}", inputs, play)


def rows_in(done: Done) -> list[Row]:
    """The rows of a played setting."""
    return [Row.of(row) for row in cast("list[Json]", done.result["rows"])]


def _measured(ground: Playground, played: Done, name: str, seed: int) -> list[Row]:
    store, plan = ground.store, ground.plan
    rubrics = {content_hash(rubric): rubric for rubric in store.rubrics()}
    seated = _seated(store, str(played.result["run"]))
    rows: list[Row] = []
    for kept in collected_in(store, played):
        labels = seated[kept.episode.id].seats
        mine = [seat for seat, label in labels.items() if label == name]
        rows += rows_of(kept, mine, labels, seed, plan.reward, rubrics, plan.aggregate)
    return rows


def _seated(store: Store, run: str) -> dict[str, Member]:
    return {member.episode: member for member in store.members(run)}


def _means(rows: Iterable[Row]) -> dict[str, JsonValue]:
    """Of each measure, and how many rows have it."""
    rows = list(rows)
    names = [*MEASURES, *dict.fromkeys(name for row in rows for name in row.dimensions)]
    found: dict[str, JsonValue] = {"n": len(rows)}
    for name in names:
        known = [value for row in rows if (value := row.measure(name)) is not None]
        found[name] = {"mean": sum(known) / len(known), "n": len(known)} if known else {"mean": None, "n": 0}
    return found
