"""Stage 3, filter: which seats of which episodes are worth learning from, by their rewards, as SOTOPIA-π publishes it, and why the others
are not.

It reads rewards and asks nobody. Every seat gets a decision, so that what was left out can be counted. A seat without a reward is never
kept, and is in no mean, no rank and no share.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import cast

from pydantic import JsonValue

from comity.interop.kept import Kept
from comity.store import Store
from comity.train.collect import collected_in
from comity.train.plan import FilterPlan
from comity.train.reward import Reward, RewardPlan, rewards_of
from comity.train.work import Done, Json, TrainError, Work
from comity.world.episodes import Episode
from comity.world.record import content_hash, derive_seed
from comity.world.scorecards import Rubric

__all__ = [
    "Candidate",
    "Decision",
    "FilterPlan",
    "NothingKept",
    "candidates_of",
    "filter_collected",
    "kept_of",
    "kept_seats",
    "told_choice",
]


_NO_BETTER = 0.005
"""In points of the reward."""


class NothingKept(TrainError):
    """The filter left nothing to learn from; the message says what it saw and what to change."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A seat of an episode that could be learned from."""

    episode: str
    scenario: str
    seat: str
    reward: Reward
    drawn: str = ""
    """What chance between equal rewards depends on beside the seed: what was played and by whom, but not where their weights lie, so that
    the same training elsewhere decides alike."""
    unfit: str = ""
    """Why it is not to be learned from whatever its reward: its policy failed, or is not the one that learns."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a candidate."""

    candidate: Candidate
    kept: bool
    rank: int | None
    """From 1, among those with a reward: of its scenario and seat with `bc`, of its scenario with the others."""
    why: str


def filter_collected(
    work: Work, store: Store, collected: Done, plan: FilterPlan, reward: RewardPlan, label: str, seed: int
) -> Done:
    """Decide about every seat of what was collected, and write the decisions to `decisions.jsonl`, one a line.

    Raises `NothingKept` where there is nothing to learn from.
    """
    inputs: dict[str, JsonValue] = {
        "collected": collected.digest,
        "filter": plan.model_dump(mode="json"),
        "reward": reward.model_dump(mode="json"),
        "seed": seed,
    }

    def decide(folder: Path) -> Json:
        candidates = candidates_of(
            collected_in(store, collected), reward, {content_hash(r): r for r in store.rubrics()}
        )
        decisions = kept_of(candidates, plan, seed=seed)
        lines = (json.dumps(_told(each), ensure_ascii=False) for each in decisions)
        (folder / "decisions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        kept = [_value(each.candidate) for each in decisions if each.kept]
        known = [value for each in candidates if (value := each.reward.value) is not None]
        return {
            "seats": len(decisions),
            "with_a_reward": len(known),
            "kept": len(kept),
            "mean_reward": fmean(known) if known else None,
            "mean_reward_kept": fmean(kept),
            "rule": plan.model_dump(mode="json", exclude_none=True),
            "reward": reward.rule,
            "why": dict(Counter(each.why for each in decisions)),
        }

    done = work.stage("filter", f"{label}-seed{seed}", inputs, decide)
    work.note(f"  {told_choice(done)}")
    return done


def told_choice(filtered: Done) -> str:
    """What the filter came to, in a line; and where it chose nothing, since to learn from that is no reinforcement."""
    told = filtered.result
    seats, kept = cast("int", told["with_a_reward"]), cast("int", told["kept"])
    mean, best = cast("float", told["mean_reward"]), cast("float", told["mean_reward_kept"])
    line = f"kept {kept:,} of {seats:,} seats with a reward; their mean reward is {best:.2f}, of all {mean:.2f}"
    if kept == seats:
        return f"{line}. NOTHING WAS CHOSEN: all were kept; ask for a smaller share, or a higher `least`"
    if best <= mean + _NO_BETTER:
        return f"{line}. THOSE KEPT ARE NO BETTER: rewards hardly differ within a scenario; raise the temperature, or play more"
    return line


def kept_seats(filtered: Done) -> dict[str, list[str]]:
    """By episode, the seats that were kept."""
    found: dict[str, list[str]] = {}
    for line in (filtered.folder / "decisions.jsonl").read_text("utf-8").splitlines():
        decision = json.loads(line)
        if decision["kept"]:
            found.setdefault(decision["episode"], []).append(decision["seat"])
    return found


def candidates_of(episodes: Iterable[Kept], reward: RewardPlan, rubrics: Mapping[str, Rubric]) -> list[Candidate]:
    """Every seat of every episode, with its reward. A seat whose policy failed is unfit: its failure is no example."""
    found: list[Candidate] = []
    for kept in episodes:
        episode, rewards = kept.episode, rewards_of(kept, reward, rubrics)
        failed = {event.seat for event in episode.events if event.failure is not None}
        for seat, given in rewards.items():
            unfit = "its policy failed" if seat in failed else ""
            found.append(Candidate(episode.id, episode.task.scenario.id, seat, given, _played(episode), unfit))
    return found


def _played(episode: Episode) -> str:
    who = (f"{seat}: {policy.agent} {policy.style}" for seat, policy in episode.policies.items())
    return f"{episode.task.id} {episode.seed} {', '.join(who)} {episode.source and episode.id}"


def _told(decision: Decision) -> dict[str, JsonValue]:
    candidate = decision.candidate
    return {
        "episode": candidate.episode,
        "scenario": candidate.scenario,
        "seat": candidate.seat,
        "reward": candidate.reward.value,
        "terms": dict(candidate.reward.terms),
        "kept": decision.kept,
        "rank": decision.rank,
        "why": decision.why,
    }


def kept_of(candidates: Sequence[Candidate], plan: FilterPlan, *, seed: int) -> list[Decision]:
    """A decision for each candidate, in order. Equal rewards are ranked by hash(seed, what was played, seat), so that no order of files decides.

    Raises `NothingKept` where there is nothing to learn from.
    """
    unfit = [
        Decision(each, False, None, each.unfit or f"no reward: {each.reward.cause}")
        for each in candidates
        if not _is_fit(each)
    ]
    fit = [each for each in candidates if _is_fit(each)]
    rules: Mapping[str, Callable[[_Ranks, FilterPlan], list[Decision]]] = {
        "bc": _bc,
        "sr": _sr,
        "threshold": _threshold,
    }
    decided = _at_most(rules[plan.rule](_Ranks(fit, seed), plan), plan.most)
    if not any(each.kept for each in decided):
        raise NothingKept(_nothing(decided, unfit, plan))
    found = {(each.candidate.episode, each.candidate.seat): each for each in (*unfit, *decided)}
    return [found[each.episode, each.seat] for each in candidates]


def _is_fit(candidate: Candidate) -> bool:
    return not candidate.unfit and candidate.reward.value is not None


class _Ranks:
    """Candidates with a reward, by scenario, best first."""

    def __init__(self, candidates: Sequence[Candidate], seed: int) -> None:
        def order(each: Candidate) -> tuple[str, float, int]:
            return each.scenario, -_value(each), derive_seed("filter", seed, each.drawn, each.seat)

        ordered = sorted(candidates, key=order)
        self.by_scenario = {name: list(of) for name, of in groupby(ordered, key=lambda each: each.scenario)}
        self.mean = fmean(map(_value, ordered)) if ordered else math.nan


def _bc(ranks: _Ranks, plan: FilterPlan) -> list[Decision]:
    decided: list[Decision] = []
    for candidates in ranks.by_scenario.values():
        by_seat = {seat: [c for c in candidates if c.seat == seat] for seat in sorted({c.seat for c in candidates})}
        passes = {seat: min(fmean(map(_value, of)), ranks.mean) for seat, of in by_seat.items()}
        for rank in range(max(map(len, by_seat.values()))):
            at = {seat: of[rank] for seat, of in by_seat.items() if rank < len(of)}
            all_pass = len(at) == len(by_seat) and all(_value(each) >= passes[seat] for seat, each in at.items())
            decided += [_decided(each, rank + 1, plan, rank < plan.top, all_pass) for each in at.values()]
    return decided


def _decided(each: Candidate, rank: int, plan: FilterPlan, is_top: bool, all_pass: bool) -> Decision:
    if plan.least is not None and _value(each) < plan.least:
        return Decision(each, False, rank, f"below {plan.least:g}")
    if is_top:
        return Decision(each, True, rank, f"top {plan.top} of its scenario and seat")
    return Decision(
        each, all_pass, rank, "all seats pass at this rank" if all_pass else "a seat does not pass at this rank"
    )


def _sr(ranks: _Ranks, plan: FilterPlan) -> list[Decision]:
    decided: list[Decision] = []
    for candidates in ranks.by_scenario.values():
        count = max(1, math.floor(plan.share * len(candidates) + 0.5))
        for rank, each in enumerate(candidates, 1):
            if plan.least is not None and _value(each) < plan.least:
                decided.append(Decision(each, False, rank, f"below {plan.least:g}"))
            else:
                said = "in" if rank <= count else "below"
                decided.append(Decision(each, rank <= count, rank, f"{said} the best {plan.share:.0%} of its scenario"))
    return decided


def _threshold(ranks: _Ranks, plan: FilterPlan) -> list[Decision]:
    least = plan.least or 0.0
    return [
        Decision(each, _value(each) >= least, rank, f"{'at least' if _value(each) >= least else 'below'} {least:g}")
        for candidates in ranks.by_scenario.values()
        for rank, each in enumerate(candidates, 1)
    ]


def _at_most(decided: Sequence[Decision], most: int | None) -> list[Decision]:
    """The best so many of what is kept, taken scenario by scenario in turn."""
    kept = [each for each in decided if each.kept]
    if most is None or len(kept) <= most:
        return list(decided)
    in_scenario: Counter[str] = Counter()
    turns: dict[int, tuple[int, str]] = {}
    for at, each in sorted(enumerate(decided), key=lambda pair: (pair[1].rank or 0, pair[1].candidate.seat)):
        if each.kept:
            turns[at] = (in_scenario[each.candidate.scenario], each.candidate.scenario)
            in_scenario[each.candidate.scenario] += 1
    chosen = set(sorted(turns, key=lambda at: turns[at])[:most])
    left_out = f"more than {most:,} are kept without it"
    return [replace(e, kept=False, why=left_out) if e.kept and at not in chosen else e for at, e in enumerate(decided)]


def _value(candidate: Candidate) -> float:
    assert candidate.reward.value is not None, "only what has a reward is ranked"
    return candidate.reward.value


def _nothing(decided: Sequence[Decision], unfit: Sequence[Decision], plan: FilterPlan) -> str:
    if not decided and not unfit:
        return "there is no episode to learn from: nothing was collected"
    causes = Counter(each.why for each in (*unfit, *decided))
    told = "; ".join(f"{count:,} {why}" for why, count in causes.most_common(4))
    best = max((_value(each.candidate) for each in decided), default=None)
    seen = f"the best reward is {best:.2f}" if best is not None else "none has a reward"
    fix = (
        f"lower `least` (now {plan.least:g})"
        if best is not None and plan.least is not None
        else "collect other episodes, or judge these"
    )
    return f"the filter kept none of {len(decided) + len(unfit):,} seats ({told}); {seen}: {fix}"
