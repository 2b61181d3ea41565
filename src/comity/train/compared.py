"""Two policies over all seeds: how much one is above the other on each measure, with an interval that neither few tasks nor few seeds
make too narrow, and whether the difference is small enough not to matter.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from comity.analyze.equivalence import equivalent
from comity.analyze.intervals import Interval, clustered_mean, interval
from comity.train.measures import MEASURES, Row
from comity.world.record import Record

__all__ = ["Compared", "against_floor", "compared", "table_of", "values_compared"]


class Compared(Record):
    """`after` minus `before`, pair by pair."""

    measure: str
    before: float | None
    after: float | None
    mean: float | None
    """Of the differences; like all that follows `None` where there is no pair."""
    low: float | None
    high: float | None
    """The ends of the 95 % interval."""
    clustered_by: str
    """`tasks`, or `tasks and seeds` where several were trained: rows of one task are alike, and so are those of one training."""
    per_seed: Mapping[str, float]
    pairs: int
    unpaired: int
    margin: float | None = None
    equivalent: bool | None = None
    """Whether the difference is shown to lie within plus or minus the margin; `None` where none was stated."""
    remark: str = ""

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def compared(
    measure: str, before: Mapping[int, Sequence[Row]], after: Mapping[int, Sequence[Row]], margin: float | None = None
) -> Compared:
    """Compare rows of two policies, by seed; they are paired where both were given the same to do."""
    mine = {seed: {row.slot: (row.measure(measure), row.scenario) for row in rows} for seed, rows in before.items()}
    theirs = {seed: {row.slot: (row.measure(measure), row.scenario) for row in rows} for seed, rows in after.items()}
    values: dict[tuple[int, str], tuple[float | None, float | None, str]] = {}
    for seed in mine.keys() | theirs.keys():
        for slot in mine.get(seed, {}).keys() | theirs.get(seed, {}).keys():
            a, where = mine.get(seed, {}).get(slot, (None, ""))
            b, there = theirs.get(seed, {}).get(slot, (None, ""))
            values[seed, "/".join(map(str, slot))] = (a, b, where or there)
    return values_compared(measure, values, margin)


def values_compared(
    measure: str, values: Mapping[tuple[int, str], tuple[float | None, float | None, str]], margin: float | None = None
) -> Compared:
    """Compare values of items.

    Args:
        values: by seed and item, the value before, the value after, and the cluster that the item belongs to.
        margin: the largest difference that does not matter; chosen before looking.
    """
    known = sorted(
        (seed, item, a, b, c) for (seed, item), (a, b, c) in values.items() if a is not None and b is not None
    )
    if not known:
        nothing = "no item has a value on both sides"
        return Compared(
            measure=measure,
            before=None,
            after=None,
            mean=None,
            low=None,
            high=None,
            clustered_by="",
            per_seed={},
            pairs=0,
            unpaired=len(values),
            margin=margin,
            remark=nothing,
        )
    seeds, _, first, second, clusters = zip(*known, strict=True)
    differences = np.asarray(second) - np.asarray(first)
    found, by = _interval(differences, clusters, seeds)
    same = equivalent(found, margin) if margin is not None else None
    return Compared(
        measure=measure,
        before=fmean(first),
        after=fmean(second),
        mean=found.value,
        low=found.low,
        high=found.high,
        clustered_by=by,
        per_seed={str(s): float(differences[np.asarray(seeds) == s].mean()) for s in sorted(set(seeds))},
        pairs=len(known),
        unpaired=len(values) - len(known),
        margin=margin,
        equivalent=same.equivalent if same else None,
        remark=found.remark,
    )


def against_floor(found: Mapping[str, Compared], floor: Mapping[str, float]) -> dict[str, Compared]:
    """Mark what begins at the floor, where nothing could be lost: it is not equivalent, whatever the margin.

    Args:
        found: comparisons of safety by measure, as `prevent.harmed`.
        floor: by measure, what players of no understanding come to. Harm has none of its own: who takes no part does none, so it stands on
            that of `engaged`.
    """
    marked: dict[str, Compared] = {}
    for measure, one in found.items():
        kind, _, name = measure.partition(".")
        on = f"{kind}.engaged" if name in _NEED_PART else measure
        level, ground = floor.get(on), found.get(on)
        if level is None or ground is None or ground.before is None or ground.before > level:
            marked[measure] = one
            continue
        remark = f"{'' if on == measure else 'engaged '}at the floor ({level:.2g}) before: shows nothing"
        marked[measure] = one.model_copy(
            update={"equivalent": None, "remark": "; ".join(filter(None, (one.remark, remark)))}
        )
    return marked


_NEED_PART = ("harmed", "did_harm")


def _interval(differences: NDArray[np.float64], tasks: Sequence[str], seeds: Sequence[int]) -> tuple[Interval, str]:
    """By tasks; where several seeds were trained by tasks and seeds, which cross.

    The variance of the mean is that by tasks plus that by seeds less that of single rows, which is in both (Cameron, Gelbach and Miller
    2011, "Robust inference with multiway clustering"), and no less than either; its degrees of freedom are Satterthwaite's for the two.
    """
    by_task = clustered_mean(differences, tasks)
    if len(set(seeds)) < 2:
        return by_task, "tasks"
    by_seed, single = clustered_mean(differences, seeds), clustered_mean(differences, range(len(differences)))
    if by_task.se is None or by_seed.se is None or single.se is None or not by_task.df or not by_seed.df:
        return by_seed, "seeds"
    task, seed = by_task.se**2, by_seed.se**2
    variance = max(task + seed - single.se**2, task, seed)
    noise = task**2 / by_task.df + seed**2 / by_seed.df
    df = (task + seed) ** 2 / noise if noise else min(by_task.df, by_seed.df)
    clusters = min(by_task.clusters, by_seed.clusters)
    whole = interval(by_task.value, math.sqrt(variance), df, len(differences), clusters, level=0.95)
    return whole, "tasks and seeds"


def table_of(
    before: Mapping[int, Sequence[Row]], after: Mapping[int, Sequence[Row]], margins: Mapping[str, float]
) -> dict[str, JsonValue]:
    """Every measure that either side has, compared, by name, as JSON. One that pairs nothing says so."""
    every = [row for by in (before, after) for rows in by.values() for row in rows]
    names = (*MEASURES, *dict.fromkeys(dimension for row in every for dimension in row.dimensions))
    there = [name for name in names if any(row.measure(name) is not None for row in every)]
    found = {name: compared(name, before, after, margins.get(name)) for name in there}
    return {name: cast("JsonValue", one.model_dump(mode="json")) for name, one in found.items()}
