"""Stage 2, collect: episodes to learn from. The expert's: models or scripted partners who play each other, or people's, imported. The
policy's own: played with itself. And weak play, for a small model's base to learn the form of the game from.

All of it is runs of `comity run`, in the store, judged where the plan names judges; nothing is chosen here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from comity.agents.negotiators import refuse_held_out
from comity.analyze.plans import table
from comity.interop.kept import Kept
from comity.run.plan import PlanError, PolicyPlan
from comity.store import NotFound, RunRecord, Store, judge_key
from comity.train.guard import guard_imported
from comity.train.playing import Playground
from comity.train.serving import player_of, ready
from comity.train.tasks import Chosen
from comity.train.work import Done, Json, TrainError, Work
from comity.world.record import content_hash

__all__ = ["collect_expert", "collect_own", "collect_weak", "collected_in"]


def collect_expert(work: Work, ground: Playground, splits: Mapping[str, Chosen], seed: int) -> Done:
    """The expert's episodes of the training tasks."""
    expert = ground.plan.expert
    if expert is None:
        raise PlanError("the plan names no expert; add [expert]")
    if expert.imported is not None:
        return _imported(work, ground, expert.imported, splits)
    return _played(
        work, ground, "expert", splits["train"], expert.players, expert.pairings, expert.repeats, seed, judged=True
    )


def collect_own(work: Work, ground: Playground, chosen: Chosen, name: str, model: str, seed: int) -> Done:
    """A policy's episodes with itself. `model` is the specification of its weights, with their hash."""
    how = ground.plan.collect
    player = player_of(ground.plan.policy, model, constrained=how.constrained)
    return _played(
        work, ground, f"own-{name}", chosen, {name: player}, None, how.repeats, seed, judged=True, weights=model
    )


def collect_weak(work: Work, ground: Playground, chosen: Chosen, seed: int) -> Done:
    """Weak play of the training tasks."""
    pretrain = ground.plan.policy.pretrain
    assert pretrain is not None, "only what is made here is pretrained"
    return _played(
        work, ground, "weak", chosen, pretrain.players, pretrain.pairings, pretrain.repeats, seed, judged=False
    )


def collected_in(store: Store, collected: Done) -> Iterator[Kept]:
    """Every finished episode of what was collected, in order, with its outcome and, of a run, the scorecards of the run's own judges: what
    others have said of it since changes nothing.
    """
    named, run = collected.result.get("episodes_named"), str(collected.result.get("run"))
    judges = table(_run_in(store, run).plan.get("judges")).keys() if named is None else None
    ids = cast("list[str]", named) if named is not None else store.episode_ids(run=run)
    for id_ in ids:
        cards = store.scorecards(id_)
        if judges is not None:
            cards = tuple(card for card in cards if judge_key(card.judge, card.rubric_hash, card.repeat) in judges)
        kept = Kept(store.episode(id_), store.outcome(id_), cards)
        if kept.episode.end is not None:
            yield kept


def _run_in(store: Store, run: str) -> RunRecord:
    try:
        return store.run(run)
    except NotFound:
        raise TrainError(
            f"the store holds no run {run}, which this folder says was played: name the store that it was played into (--store), "
            "or another folder (--into) to play anew"
        ) from None


def _played(
    work: Work,
    ground: Playground,
    label: str,
    chosen: Chosen,
    players: Mapping[str, PolicyPlan],
    pairings: int | None,
    repeats: int,
    seed: int,
    *,
    judged: bool,
    weights: str | None = None,
) -> Done:
    """`weights` are the policy's own, where it plays."""
    refuse_held_out(player.model for player in players.values())
    inputs: dict[str, JsonValue] = {
        "tasks": cast("JsonValue", chosen.hashes),
        **ground.settled(
            players, weights=weights, own=next(iter(players)), judges=ground.plan.judges if judged else ()
        ),
        "pairings": pairings,
        "repeats": repeats,
        "seed": seed,
        "limits": ground.plan.limits.model_dump(mode="json"),
    }

    def play(folder: Path) -> Json:
        name = ground.run_name(folder, weights=weights)
        plan = ground.run_plan(
            name, chosen.named, players, pairings=pairings, repeats=repeats, seed=seed, judged=judged
        )
        with ready(ground.plan.policy, weights):
            return {**ground.play(plan), "kind": label}

    return work.stage("collect", f"{label}-seed{seed}", inputs, play)


def _imported(work: Work, ground: Playground, source: str, splits: Mapping[str, Chosen]) -> Done:
    """What people played, as it lies in the store: it is named, not copied."""
    store = ground.store
    episodes = [episode for id_ in store.episode_ids() if (episode := store.episode(id_)).source.startswith(source)]
    if not episodes:
        raise TrainError(
            f"the store holds no episode whose source begins with {source!r}; bring them in with `comity import`"
        )
    guard_imported(
        ground.plan,
        [each.task for each in episodes],
        [policy for each in episodes for policy in each.policies.values()],
        {name: chosen.tasks for name, chosen in splits.items()},
    )
    ids = cast("JsonValue", sorted(each.id for each in episodes))
    cards = sorted(content_hash(card) for each in episodes for card in store.scorecards(each.id))
    return work.stage(
        "collect",
        "imported",
        {"source": source, "episodes": ids, "scorecards": cast("JsonValue", cards)},
        lambda _: {"episodes_named": ids, "episodes": len(episodes), "kind": "imported"},
    )
