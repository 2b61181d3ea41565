"""Two policies over all seeds: how much one is above the other on each measure, with an interval that neither few tasks nor few seeds
make too narrow, and whether the difference is small enough not to matter.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import cast

import numpy as np
from pydantic import JsonValue

from comity.analyze.equivalence import equivalent
from comity.analyze.intervals import Interval, clustered_mean
from comity.train.measures import MEASURES, Row
from comity.world.record import Record

__all__ = ["Compared", "compared", "table_of", "values_compared"]


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
    """`tasks` or `seeds`: whichever interval is the wider. Rows of one task are alike, and so are those of one training."""
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
    interval, by = _wider(differences, clusters, seeds)
    same = equivalent(interval, margin) if margin is not None else None
    return Compared(
        measure=measure,
        before=fmean(first),
        after=fmean(second),
        mean=interval.value,
        low=interval.low,
        high=interval.high,
        clustered_by=by,
        per_seed={str(s): float(differences[np.asarray(seeds) == s].mean()) for s in sorted(set(seeds))},
        pairs=len(known),
        unpaired=len(values) - len(known),
        margin=margin,
        equivalent=same.equivalent if same else None,
        remark=interval.remark,
    )


def _wider(differences: np.ndarray, clusters: Sequence[str], seeds: Sequence[int]) -> tuple[Interval, str]:
    """The interval by tasks, or by seeds where there are several and that is wider."""
    by_task = clustered_mean(differences, clusters)
    if len(set(seeds)) < 2:
        return by_task, "tasks"
    by_seed = clustered_mean(differences, seeds)
    return (by_seed, "seeds") if _width(by_seed) > _width(by_task) else (by_task, "tasks")


def _width(interval: Interval) -> float:
    return interval.high - interval.low if interval.low is not None and interval.high is not None else 0.0


def table_of(
    before: Mapping[int, Sequence[Row]], after: Mapping[int, Sequence[Row]], margins: Mapping[str, float]
) -> dict[str, JsonValue]:
    """Every measure compared, by name, as JSON."""
    dimensions = dict.fromkeys(d for rows in after.values() for row in rows for d in row.dimensions)
    found = {name: compared(name, before, after, margins.get(name)) for name in (*MEASURES, *dimensions)}
    return {name: cast("JsonValue", one.model_dump(mode="json")) for name, one in found.items() if one.pairs}
